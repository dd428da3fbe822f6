"""What of a run is evaluated: which grid rows are encoded, their codes, and a score as a row of a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.codes import Codes
from distaff.data import Dataset
from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.evaluate import EvaluationTable, Sampled, evaluation_table, intervenes
from distaff.metrics.latents import not_passive
from distaff.plugins.spec import Spec
from distaff.scoring.protocol import EvaluationProtocol
from distaff.trained import Model

OBSERVATIONS = 10  # of each row of a small set that is observed anew each time: colour, noise
BASES = 100  # rows of a large grid from which whole lines are encoded: the fairness study's rows a value
REPRESENTATIONS = ("mean", "sampled")
Ints = NDArray[np.int64]
ScoreRows = list[dict[str, Any]]


@dataclass(frozen=True)
class GridCodes:
    """Codes of grid rows with their factors, and those of the lines of the grid where a task needs them."""

    images: Ints  # the grid row that each row shows
    factors: pl.DataFrame
    codes: Codes
    line_factors: pl.DataFrame | None = None
    line_codes: Codes | None = None

    @property
    def active(self) -> NDArray[np.bool_]:
        """The latents that the encoder uses."""
        return not_passive(self.codes.mean, self.codes.logvar)

    def table(self, representation: str, protocol: EvaluationProtocol, jobs: int = 1) -> EvaluationTable:
        """The table that metrics see: of mean codes, or of codes sampled anew at each look-up."""
        lines = None
        if self.line_codes is not None:
            lines = _represented(self.line_codes, representation), self.line_factors
        return evaluation_table(
            _represented(self.codes, representation),
            self.factors,
            images=self.images,
            rows=protocol.rows,
            test_rows=protocol.test_rows,
            sampling=protocol.sampling,
            active=self.active,
            lines=lines,
            jobs=jobs,
        )


def encode_grid(
    model: Model, most: int, metrics: Iterable[Spec] = (), encode: Callable[[Ints], Codes] | None = None
) -> GridCodes:
    """The codes of at most `most` grid rows, and of lines of a larger grid if one of `metrics` needs them.

    `encode` gives the codes of rows, by default `model.encode`.
    """
    dataset, encode = model.dataset, encode or model.encode
    rows = grid_rows_of(dataset, most)
    codes = encode(rows)
    if len(dataset) <= most or not any(intervenes(spec) for spec in metrics):
        return GridCodes(rows, dataset.factors.table(rows), codes)
    lines = grid_lines_of(dataset)
    return GridCodes(rows, dataset.factors.table(rows), codes, dataset.factors.table(lines), encode(lines))


def grid_rows_of(dataset: Dataset, most: int) -> Ints:
    """The rows to encode: all, or `most` of them; what looks different each time several times, where that fits."""
    n = len(dataset)
    if n <= most:
        repeats = min(OBSERVATIONS, most // n) if dataset.nuisance else 1
        return np.tile(np.arange(n), repeats)
    return np.sort(generator("cells", 0).choice(n, size=most, replace=False))


def grid_lines_of(dataset: Dataset, bases: int = BASES) -> Ints:
    """Rows of whole lines of the grid: of each of `bases` rows, those that differ from it in one visible factor.

    Hidden factors stay as they are. Of an incomplete grid, the rows that exist.
    """
    factors = dataset.factors
    base = factors.all_values(generator("lines", 0).choice(len(dataset), size=min(bases, len(dataset)), replace=False))
    parts = []
    for j in factors.visible:
        line = np.repeat(base, factors.all_sizes[j], axis=0)
        line[:, j] = np.tile(np.arange(factors.all_sizes[j]), len(base))
        parts.append(line)
    grid_rows = np.unique(np.ravel_multi_index(tuple(np.concatenate(parts).T), factors.all_sizes))
    if factors.grid_rows is None:
        return grid_rows.astype(np.int64)
    rows = np.searchsorted(factors.grid_rows, grid_rows)
    rows = rows[rows < len(factors.grid_rows)]
    return rows[np.isin(factors.grid_rows[rows], grid_rows)].astype(np.int64)


def score_row(spec: Spec, representation: str, metric: str, value: float, reason: str | None) -> dict[str, Any]:
    """A score as a row of a file of scores: without a value, but with the reason, where it is not finite."""
    finite = math.isfinite(value)
    row: dict[str, Any] = {"representation": representation, "metric": metric, "value": value if finite else None}
    if str(spec) != spec.name:
        row["spec"] = str(spec)
    return row if finite else {**row, "reason": reason or "not a number"}


def failed_row(spec: Spec, representation: str, error: Exception) -> dict[str, Any]:
    """The row of a metric that raised: no value, the reason, and a mark that it is to be evaluated again."""
    reason = str(error) if isinstance(error, DistaffError) else f"{type(error).__name__}: {error}"
    return {**score_row(spec, representation, spec.name, math.nan, reason), "failed": True}


def _represented(codes: Codes, representation: str) -> Any:
    return codes.mean if representation == "mean" else Sampled(codes.mean, codes.logvar)
