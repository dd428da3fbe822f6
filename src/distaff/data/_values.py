"""Tables of factor values as they stand in files, turned into grids: levels of each factor, cells, repeats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int
from numpy.typing import NDArray

from distaff.data import Factors
from distaff.data._stacks import open_stack
from distaff.errors import DistaffError

REPEAT = "repeat"
TOLD = 12  # as many values are written out; of more, the first and the last


def read_columns(path: Path, *members: str) -> dict[str, NDArray[Any]]:
    """The columns of a CSV file with a header, or of an array [n f], then named factor_0, factor_1 and so on.

    An array is that of an .npy file, or the first of `members` that an .npz or HDF5 file holds. Raises `DistaffError`
    for a value that is missing or not finite, naming its row and column.
    """
    if path.suffix == ".csv":
        columns = _of_csv(path)
    else:
        stack = open_stack(path, *members)
        if len(stack.shape) != 2 or stack.dtype.kind not in "biuf":
            raise DistaffError(f"{stack.name} is {stack.dtype} {stack.shape}: factors are numbers [n f]")
        columns = {f"factor_{k}": column for k, column in enumerate(stack.whole().T)}
    for name, column in columns.items():
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise DistaffError(f"{path}: {name} is {column[~np.isfinite(column)][0]} in row {_first_odd(column)}")
    return columns


def _of_csv(path: Path) -> dict[str, NDArray[Any]]:
    try:
        table = pl.read_csv(path, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DistaffError(f"{path} cannot be read as CSV with a header: {str(error).splitlines()[0]}") from error
    for name in table.columns:
        if table[name].null_count():
            raise DistaffError(f"{path}: {name} is empty in row {int(np.argmax(table[name].is_null().to_numpy()))}")
    return {name: np.asarray(table[name].to_list()) for name in table.columns}


def _first_odd(column: NDArray[Any]) -> int:
    return int(np.argmax(~np.isfinite(column)))


def grid(columns: dict[str, NDArray[Any]], hidden: tuple[str, ...] = ()) -> tuple[Factors, Int[np.ndarray, "n"]]:
    """The grid that these columns span, and the row of each of their lines in it.

    The levels of a factor are its distinct values in ascending order. Lines of equal values are told apart by one more
    factor, `repeat`, which is hidden. Where not every cell has a line, rows are those that have one.
    """
    if not columns:
        raise DistaffError("factors need at least one column")
    levels = [np.unique(column) for column in columns.values()]
    codes = [np.searchsorted(own, column) for own, column in zip(levels, columns.values(), strict=True)]
    names, sizes = tuple(columns), tuple(len(values) for values in levels)
    units = {name: _told(values) for name, values in zip(names, levels, strict=True)}
    cell = np.ravel_multi_index(tuple(codes), Factors(names, sizes).all_sizes)
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    nth = np.arange(len(cell)) - np.searchsorted(ordered, ordered, "left")
    repeats = int(nth.max()) + 1
    if repeats > 1:
        names, sizes, hidden = (*names, REPEAT), (*sizes, repeats), (*hidden, REPEAT)
        units[REPEAT] = "images of the same values, in the order of the file"
        ordered = ordered * repeats + nth
    rows = np.empty(len(cell), dtype=np.int64)
    rows[order] = np.arange(len(cell))
    complete = len(cell) == np.prod([float(size) for size in sizes])
    return Factors(names, sizes, hidden, units, None if complete else ordered), rows


def _told(values: NDArray[Any]) -> str:
    texts = [str(value) for value in values.tolist()]
    if len(texts) <= TOLD:
        return ", ".join(texts)
    return f"{texts[0]} to {texts[-1]}, {len(texts)} values"
