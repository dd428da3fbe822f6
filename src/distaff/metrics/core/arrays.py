"""What callers hand in, as arrays: codes [n d] of floats, factors [n f] of classes, whatever library they are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError

MODERATE = 20  # codes whose largest size lies between 2^-20 and 2^20 are computed as they are
BEYOND = 2.0**100  # times the size of the codes that a scale was taken from: rows beyond it are clipped to it
HEAD = 64  # least values by which nearly all codes are put in order
WHOLE = 2.0**53  # from here on every float is a whole number, so that whole values are no sign of classes


@dataclass(frozen=True)
class FactorTable:
    """Factors as they came [n f], the same as classes 0..sizes-1 [n f], and their names."""

    values: NDArray[Any]
    classes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    continuous: tuple[bool, ...]
    names: tuple[str, ...]

    def numbers(self, j: int) -> NDArray[np.float64]:
        """The values of factor j as numbers [n], up to a power of two; its classes where the values are words.

        A metric that correlates, regresses or measures widths takes these: the classes of values 0, 1, 2 and 100 are
        0, 1, 2 and 3, which is another factor.
        """
        column = _column(self.values, j)
        if column.dtype.kind not in "biuf":
            return self.classes[:, j].astype(np.float64)
        result: NDArray[np.float64] = moderate(column.astype(np.float64)[:, None])[0][:, 0].astype(np.float64)
        return result


def moderate(
    codes: NDArray[np.floating[Any]], each: bool = True
) -> tuple[NDArray[np.floating[Any]], NDArray[np.int64]]:
    """Codes [n d] divided by 2^e, and e [d]: squares of 1e300 overflow, those of 1e-300 vanish, and scores are neither.

    Codes of moderate size have e = 0, so that published numbers stay as they are; a power of two changes no digit. With
    `each=False` all codes share one e, for what compares the sizes of codes.
    """
    with np.errstate(invalid="ignore"):
        largest = np.maximum(codes.max(axis=0), -codes.min(axis=0))
    if not each:
        largest = np.full_like(largest, largest.max() if len(largest) else 0)
    exponents = np.frexp(largest)[1].astype(np.int64)
    exponents[~np.isfinite(largest) | (largest == 0) | (np.abs(exponents) <= MODERATE)] = 0
    return np.ldexp(codes, -exponents) if exponents.any() else codes, exponents


def scaled(codes: NDArray[np.floating[Any]], exponents: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
    """Other rows [m d] of codes divided by the 2^e of `moderate`, values beyond 2^100 brought back to that."""
    result = codes
    if exponents.any():
        with np.errstate(over="ignore"):
            result = np.ldexp(codes, -exponents)
    if result.size and not -BEYOND <= result.min() <= result.max() <= BEYOND:
        result = np.where(np.isfinite(codes), np.clip(result, -BEYOND, BEYOND), codes)
    return result


def canonical(codes: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """An order of the codes [d] that depends on what they hold [n d] and not on where they stand.

    What learns from codes in this order breaks ties, rounds and starts alike however the latents are numbered.
    """
    heads = [np.sort(codes[:, i])[:HEAD].tobytes() for i in range(codes.shape[1])]
    alike: dict[bytes, list[int]] = {}
    for i, head in enumerate(heads):
        alike.setdefault(head, []).append(i)
    order: list[int] = []
    for head in sorted(alike):  # few codes are alike in their least values: only of those all values are compared
        some = alike[head]
        order += sorted(some, key=lambda i: _whole(codes[:, i])) if len(some) > 1 else some
    return np.array(order, dtype=np.int64)


def _whole(column: NDArray[Any]) -> tuple[bytes, bytes]:
    return np.sort(column).tobytes(), column.tobytes()


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
            f"codes have the shape {codes.shape}; a metric needs rows by codes, [n d], with at least one of each"
        )
    if codes.dtype not in (np.float32, np.float64):
        try:
            codes = codes.astype(np.float32 if codes.dtype == np.float16 else np.float64)
        except (TypeError, ValueError) as error:
            raise DistaffError(
                f"codes hold {codes.dtype} values, which are not numbers; give floats or integers"
            ) from error
    return codes


def as_values(data: Any) -> NDArray[Any]:
    """Factor values [n f], of whatever kind they are."""
    values = as_array(data)
    if values.ndim != 2 or 0 in values.shape:
        raise DistaffError(
            f"factors have the shape {values.shape}; a metric needs rows by factors, [n f], with at least one of each"
        )
    return values


def as_factors(data: Any, bins: int | None = 20) -> FactorTable:
    """Factors [n f] by class; a continuous one (fractions, most of them distinct) is cut into `bins` equal widths.

    Whole numbers are classes however many there are; with `bins=None` every distinct value is one.
    """
    values = as_values(data)
    classes = np.empty(values.shape, dtype=np.int64)
    sizes, continuous = np.empty(values.shape[1], dtype=np.int64), []
    for j in range(values.shape[1]):
        classes[:, j], sizes[j], cut = _classes(_column(values, j), j, bins)
        continuous.append(cut)
    return FactorTable(values, classes, sizes, tuple(continuous), _names(data, values.shape[1]))


def as_pair(codes: Any, factors: Any, bins: int = 20) -> tuple[NDArray[np.floating[Any]], FactorTable]:
    """Codes and factors with as many rows, or an error that says how many each has."""
    checked, table = as_codes(codes), as_factors(factors, bins)
    if len(checked) != len(table.classes):
        raise DistaffError(f"{len(checked)} rows of codes for {len(table.classes)} rows of factors: give one for each")
    return checked, table


def non_finite(codes: NDArray[np.floating[Any]]) -> str | None:
    """Why no metric can be computed from these codes (NaN or infinities from a failed run), or None."""
    finite = np.isfinite(codes).all(axis=0)
    if finite.all():
        return None
    return f"codes {', '.join(map(str, np.flatnonzero(~finite)))} hold values that are not finite"


def _column(values: NDArray[Any], j: int) -> NDArray[Any]:
    column = values[:, j]
    if column.dtype.kind == "O":  # a frame of words and numbers: each column has a kind of its own
        column = np.asarray(column.tolist())
        if column.dtype.kind == "O":
            raise DistaffError(f"factor {j} holds missing values, or values of different kinds; remove those rows")
    return column


def _classes(column: NDArray[Any], j: int, bins: int | None) -> tuple[NDArray[np.int64], int, bool]:
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise DistaffError(f"factor {j} holds values that are not finite; remove those rows")
    if column.dtype.kind in "iu":
        low, high = int(column.min()), int(column.max())
        if high - low < max(1024, len(column)) and high < 2**63:  # counting is many times faster than sorting
            shifted = column.astype(np.int64) - low
            present = np.bincount(shifted, minlength=high - low + 1) > 0
            return (np.cumsum(present) - 1)[shifted], int(present.sum()), False
    distinct, inverse = np.unique(column, return_inverse=True)
    fractions = column.dtype.kind == "f" and not (
        (distinct == np.rint(distinct)).all() and float(np.abs(distinct[[0, -1]]).max()) < WHOLE
    )
    if bins is not None and fractions and len(distinct) > len(column) / 2:
        column = moderate(column[:, None])[0][:, 0]
        edges = np.linspace(column.min(), column.max(), bins + 1)
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
