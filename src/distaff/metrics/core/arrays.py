"""What callers hand in, as arrays: codes [n d] of floats, factors [n f] of classes, whatever library they are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError


@dataclass(frozen=True)
class Table:
    """Factors as they came [n f], the same as classes 0..sizes-1 [n f], and their names."""

    values: NDArray[Any]
    classes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    continuous: tuple[bool, ...]
    names: tuple[str, ...]


def as_array(data: Any) -> NDArray[Any]:
    """NumPy's view of an array, a torch tensor or a pandas or polars frame; one column where there is one axis."""
    if hasattr(data, "detach"):  # a tensor that still carries its graph, or lies on a device, refuses np.asarray
        data = data.detach().cpu()
    array = np.asarray(data.to_numpy() if hasattr(data, "to_numpy") else data)
    return array[:, None] if array.ndim == 1 else array


def as_codes(data: Any) -> NDArray[np.floating[Any]]:
    """Codes [n d], float32 and float64 left as they are since the bins depend on it, all else made float64."""
    codes = as_array(data)
    if codes.ndim != 2 or 0 in codes.shape:
        raise DistaffError(
            f"codes have the shape {codes.shape}; a metric wants rows by codes, [n d], neither of them 0"
        )
    if codes.dtype not in (np.float32, np.float64):
        try:
            codes = codes.astype(np.float32 if codes.dtype == np.float16 else np.float64)
        except (TypeError, ValueError) as error:
            raise DistaffError(f"codes hold {codes.dtype} values, which are no numbers") from error
    return codes


def as_values(data: Any) -> NDArray[Any]:
    """Factor values [n f], of whatever kind they are."""
    values = as_array(data)
    if values.ndim != 2 or 0 in values.shape:
        raise DistaffError(f"factors have the shape {values.shape}; a metric wants rows by factors, [n f], neither 0")
    return values


def as_factors(data: Any, bins: int | None = 20) -> Table:
    """Factors [n f] by class; a continuous one (fractions, most of them distinct) is cut into `bins` equal widths.

    Whole numbers are classes however many there are; with `bins=None` every distinct value is one.
    """
    values = as_values(data)
    columns = [_classes(values[:, j], j, bins) for j in range(values.shape[1])]
    classes = np.stack([column[0] for column in columns], axis=1)
    sizes = np.array([column[1] for column in columns], dtype=np.int64)
    return Table(values, classes, sizes, tuple(column[2] for column in columns), _names(data, values.shape[1]))


def as_pair(codes: Any, factors: Any, bins: int = 20) -> tuple[NDArray[np.floating[Any]], Table]:
    """Codes and factors with as many rows, or an error that says how many each has."""
    checked, table = as_codes(codes), as_factors(factors, bins)
    if len(checked) != len(table.classes):
        raise DistaffError(f"{len(checked)} rows of codes for {len(table.classes)} rows of factors: give one for each")
    return checked, table


def broken(codes: NDArray[np.floating[Any]]) -> str | None:
    """Why no metric can be computed from these codes (NaN or infinities from a failed run), or None."""
    finite = np.isfinite(codes).all(axis=0)
    if finite.all():
        return None
    return f"codes {', '.join(map(str, np.flatnonzero(~finite)))} hold values that are not finite"


def _classes(column: NDArray[Any], j: int, bins: int | None) -> tuple[NDArray[np.int64], int, bool]:
    if column.dtype.kind == "O":  # a frame of words and numbers: each column has a kind of its own
        column = np.asarray(column.tolist())
        if column.dtype.kind == "O":
            raise DistaffError(f"factor {j} holds missing values, or values of different kinds; leave those rows out")
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise DistaffError(f"factor {j} holds values that are not finite; leave those rows out")
    if column.dtype.kind in "iu":
        low, high = int(column.min()), int(column.max())
        if high - low < max(1024, len(column)):  # counting is many times faster than sorting
            shifted = column.astype(np.int64) - low
            present = np.bincount(shifted, minlength=high - low + 1) > 0
            return (np.cumsum(present) - 1)[shifted], int(present.sum()), False
    distinct, inverse = np.unique(column, return_inverse=True)
    fractions = column.dtype.kind == "f" and not (distinct == np.rint(distinct)).all()
    if bins is not None and fractions and len(distinct) > len(column) / 2:
        edges = np.linspace(distinct[0], distinct[-1], bins + 1)
        cut = np.searchsorted(edges[1:-1], column, side="right")
        present, inverse = np.unique(cut, return_inverse=True)
        return inverse.astype(np.int64), len(present), True
    return inverse.reshape(-1).astype(np.int64), len(distinct), False


def _names(data: Any, f: int) -> tuple[str, ...]:
    columns = getattr(data, "columns", None)
    return (
        tuple(map(str, columns))
        if columns is not None and len(columns) == f
        else tuple(f"factor_{j}" for j in range(f))
    )
