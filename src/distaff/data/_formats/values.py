"""Tables of factor values as they stand in files, turned into grids: levels of each factor, grid rows, repeats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from distaff.data import Factors
from distaff.data._formats.folder import FILE
from distaff.errors import DistaffError
from distaff.untrusted.bounds import fits_memory
from distaff.untrusted.columns import read_lines
from distaff.untrusted.stacks import open_stack

REPEAT = "repeat"
SAME = 1e-9  # numbers that differ by less than this share of them are one level: 0.1 + 0.2 is 0.3
MOST_FACTORS = 60  # a grid has an axis for each, and one for repeats
LISTED = 12  # as many values are written out; of more, the first and the last


def read_columns(path: Path, *members: str) -> dict[str, NDArray[Any]]:
    """The columns of a CSV file with a header, or of an array [n f], then named factor_0, factor_1 and so on.

    A column of a CSV is of numbers or of texts; `file`, which names pictures, is of texts. An array is that of an .npy
    file, or the first of `members` that an .npz or HDF5 file holds. Raises `DistaffError` for a value that is missing,
    not finite, or a text among numbers, naming its row and column.
    """
    if path.suffix.lower() == ".csv":
        columns = _of_csv(path)
    else:
        stack = open_stack(path, *members)
        if len(stack.shape) != 2 or stack.dtype.kind not in "biuf":
            raise DistaffError(f"{stack.name} is {stack.dtype} {stack.shape}: factors are numbers [n f]")
        if stack.shape[1] > MOST_FACTORS:
            raise too_many(stack.name, stack.shape[1])
        columns = {f"factor_{k}": column for k, column in enumerate(stack.whole().T)}
    for name, column in columns.items():
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise DistaffError(f"{path}: {name} is {column[~np.isfinite(column)][0]} in row {_first_odd(column)}")
    return columns


def _of_csv(path: Path) -> dict[str, NDArray[Any]]:
    lines = read_lines(path)
    names = [name.strip() for name in lines[0]] if lines else []
    if len(lines) < 2 or "" in names or len(set(names)) != len(names):
        raise DistaffError(f"{path}: a CSV of factors has a header of different names, {names}, and a line an image")
    for row, line in enumerate(lines[1:]):
        if len(line) != len(names):
            raise DistaffError(f"{path}: row {row} has {len(line)} fields, the header {len(names)}")
    return {name: _typed(path, name, fields) for name, fields in zip(names, zip(*lines[1:], strict=True), strict=True)}


def _typed(path: Path, name: str, fields: Sequence[str]) -> NDArray[Any]:
    """A column as integers, as numbers or, where none of them is a number, as texts."""
    fits_memory(f"{path}: {name}", 4 * len(fields) * max(map(len, fields)))  # every text takes as much as the longest
    texts = np.array([field.strip() for field in fields])
    if (texts == "").any():
        raise DistaffError(f"{path}: {name} is empty in row {int(np.argmax(texts == ''))}")
    for kind in (np.int64, np.float64) if name != FILE else ():
        try:
            return texts.astype(kind)
        except (ValueError, OverflowError):
            continue
    numbers = [_is_number(text) for text in texts.tolist()]
    if any(numbers) and name != FILE:
        other = numbers.index(False)
        raise DistaffError(
            f"{path}: {name} is {str(texts[other])!r} in row {other}, where other rows have numbers: "
            "make them all numbers, or all texts"
        )
    return texts


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_odd(column: NDArray[Any]) -> int:
    return int(np.argmax(~np.isfinite(column)))


def grid(columns: dict[str, NDArray[Any]], hidden: tuple[str, ...] = ()) -> tuple[Factors, Int[np.ndarray, "n"]]:
    """The grid that these columns span, and the row of each of their lines in it.

    The levels of a factor are its distinct values in ascending order. Lines of equal values are distinguished by one
    more factor, `repeat`, which is hidden. Where the grid is incomplete, rows are the grid rows that have a line.
    """
    if not columns:
        raise DistaffError("factors need at least one column")
    if len(columns) > MOST_FACTORS:
        raise too_many("the table", len(columns))
    levels, codes = zip(*map(_levels, columns.values()), strict=True)
    names, sizes = tuple(columns), tuple(len(values) for values in levels)
    units = {name: _summary(values) for name, values in zip(names, levels, strict=True)}
    grid_row = np.ravel_multi_index(tuple(codes), Factors(names, sizes).all_sizes)
    order = np.argsort(grid_row, kind="stable")
    ordered = grid_row[order]
    nth = np.arange(len(grid_row)) - np.searchsorted(ordered, ordered, "left")
    repeats = int(nth.max()) + 1
    if repeats > 1:
        if REPEAT in names:
            raise DistaffError(
                f"{repeats} images have the same values; a factor {REPEAT!r} will distinguish them: rename your column"
            )
        names, sizes, hidden = (*names, REPEAT), (*sizes, repeats), (*hidden, REPEAT)
        units[REPEAT] = "images of the same values, in the order of the file"
        ordered = ordered * repeats + nth
    rows = np.empty(len(grid_row), dtype=np.int64)
    rows[order] = np.arange(len(grid_row))
    complete = len(grid_row) == np.prod([float(size) for size in sizes])
    return Factors(names, sizes, hidden, units, None if complete else ordered), rows


def too_many(name: str, columns: int) -> DistaffError:
    """The error for a table of more columns than a grid can have."""
    return DistaffError(f"{name} has {columns:,} columns of factors; at most {MOST_FACTORS} are read")


def _levels(column: NDArray[Any]) -> tuple[NDArray[Any], Int[np.ndarray, "n"]]:
    """The distinct values of a column in ascending order, and the place of each of its values among them."""
    levels, places = np.unique(column, return_inverse=True)
    if levels.dtype.kind == "f":
        new = np.diff(levels, prepend=-np.inf) > SAME * np.abs(levels)
        levels, places = levels[new], (np.cumsum(new) - 1)[places]
    return levels, places


def _summary(values: NDArray[Any]) -> str:
    texts = [str(value) for value in values.tolist()]
    if len(texts) <= LISTED:
        return ", ".join(texts)
    return f"{texts[0]} to {texts[-1]}, {len(texts)} values"
