"""Rows of a data set: one check, and one error, for those that it does not have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError


class RowError(DistaffError, IndexError):
    """A row that a data set does not have: a mistake of whoever asks for it, and not of the data set's plug-in."""


def checked_rows(rows: Any, size: int) -> NDArray[np.int64]:
    """`rows` as integers; raises `RowError` where one is not among the `size` that there are."""
    found: NDArray[np.int64] = np.asarray(rows, dtype=np.int64)
    if found.size and (found.min() < 0 or found.max() >= size):
        raise rows_outside(found, size)
    return found


def rows_outside(rows: NDArray[np.int64], size: int) -> RowError:
    """The error for rows of which some are not among the `size` that there are."""
    return RowError(f"rows are from 0 to {size - 1}, not {rows.min()} to {rows.max()}")
