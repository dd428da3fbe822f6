"""Codes by row, from a table, from an object that is indexed by rows, or from a function that computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics.core.arrays import as_array, as_codes
from distaff.metrics.core.grid_rows import GridRows

AT_ONCE = 4_096  # rows that one call of a function computes, since it may have to render images for them

IN_BULK = 2**26  # numbers that one look-up of computed codes may return: 256 MiB of float32
OF_A_TABLE = 2**20  # and of a table: 4 MiB, which stay in the cache until they are summed

LookUp = Callable[[NDArray[np.int64]], NDArray[np.floating[Any]]]


def look_up(codes: Any, grid: GridRows) -> LookUp:
    """A function from row numbers [m] to codes [m d].

    `codes` is a table [n d] of any library, an object with `codes[rows]`, or a function `sample(factors)` that
    is given the factor values [m f] of rows and returns their codes. Raises `DistaffError` where a table has another
    length than the factors, or the object or function returns another number of codes than rows were requested.
    """
    if _is_table(codes):
        table = as_codes(codes)
        if len(table) != len(grid):
            raise DistaffError(f"{len(table)} rows of codes for {len(grid)} rows of factors: give one for each")
        return lambda rows: table[rows]
    if hasattr(codes, "__getitem__"):
        return lambda rows: _checked(codes[rows], len(rows))
    if callable(codes):
        return lambda rows: np.concatenate(
            [
                _checked(codes(grid.values[some]), len(some))
                for some in np.split(rows, range(AT_ONCE, len(rows), AT_ONCE))
            ]
        )
    raise DistaffError(
        f"codes are {type(codes).__name__}; expected a table, an object with codes[rows], or a function of factors"
    )


def numbers_at_once(codes: Any) -> int:
    """How many numbers one look-up of `codes` should return: few of a table, where look-ups cost nothing themselves."""
    return OF_A_TABLE if _is_table(codes) else IN_BULK


def _is_table(codes: Any) -> bool:
    return hasattr(codes, "shape") or hasattr(codes, "to_numpy") or isinstance(codes, (list, tuple))


def _checked(codes: Any, expected: int) -> NDArray[np.floating[Any]]:
    result = as_codes(as_array(codes))
    if len(result) != expected:
        raise DistaffError(f"{len(result)} codes were returned for {expected} rows: return one for each row")
    return result
