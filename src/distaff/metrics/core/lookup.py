"""Codes by row, whatever they are kept in: a table, something that is indexed, or a function that makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics.core.arrays import as_array, as_codes
from distaff.metrics.core.rows import Rows

AT_ONCE = 4_096  # rows that a function is asked for in one call, since it may have images to make of them

LookUp = Callable[[NDArray[np.int64]], NDArray[np.floating[Any]]]


def look_up(codes: Any, rows: Rows) -> LookUp:
    """A function from row numbers [m] to codes [m d].

    `codes` is a table [n d] of any library, an object that answers `codes[rows]`, or a function `sample(factors)` that
    is given the factor values [m f] of rows and returns their codes. Raises `DistaffError` where a table has another
    length than the factors, or an answer another length than its question.
    """
    if hasattr(codes, "shape") or hasattr(codes, "to_numpy") or isinstance(codes, (list, tuple)):
        table = as_codes(codes)
        if len(table) != len(rows):
            raise DistaffError(f"{len(table)} rows of codes for {len(rows)} rows of factors: give one for each")
        return lambda chosen: table[chosen]
    if hasattr(codes, "__getitem__"):
        return lambda chosen: _answer(codes[chosen], len(chosen))
    if callable(codes):
        return lambda chosen: np.concatenate(
            [
                _answer(codes(rows.values[some]), len(some))
                for some in np.split(chosen, range(AT_ONCE, len(chosen), AT_ONCE))
            ]
        )
    raise DistaffError(f"codes are {type(codes).__name__}; they want to be a table, or a function of factors")


def _answer(codes: Any, asked: int) -> NDArray[np.floating[Any]]:
    found = as_codes(as_array(codes))
    if len(found) != asked:
        raise DistaffError(f"{len(found)} codes came back for {asked} rows: one for each is wanted")
    return found
