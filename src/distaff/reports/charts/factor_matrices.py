"""Reading the factor-code matrices of some runs from their table."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.errors import DistaffError


def runs_of(matrices: pl.DataFrame | None) -> list[str]:
    """The runs of a table of matrices, in its order; raises `DistaffError` where there is no table."""
    if matrices is None:
        raise DistaffError("no factor-code matrices were computed: `distaff report STUDY --matrices` does that")
    return matrices["run"].unique(maintain_order=True).to_list()


def matrix_of(matrices: pl.DataFrame | None, run: str, name: str) -> tuple[NDArray[np.float64], list[str]]:
    """One matrix [d f] of a table with a row an entry: run, matrix, code, factor, value; and its factors."""
    assert matrices is not None
    entries = matrices.filter((pl.col("run") == run) & (pl.col("matrix") == name))
    factors = entries["factor"].unique(maintain_order=True).to_list()
    return entries.sort("code", maintain_order=True)["value"].to_numpy().reshape(-1, len(factors)), factors
