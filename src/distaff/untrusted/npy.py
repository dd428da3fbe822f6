"""The header of an .npy array, read by a pattern: nothing in it is evaluated."""

from __future__ import annotations

import re
from typing import IO, Any, NamedTuple

import numpy as np

from distaff.errors import DistaffError
from distaff.untrusted.bounds import AXES, shape_in_bounds

MAGIC = b"\x93NUMPY"
LENGTH = {1: 2, 2: 4, 3: 4}  # bytes of the header's length, by version of the format
LONGEST = 10_000  # bytes of a header
DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([^'"]{1,20})['"]""")
FORTRAN = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([^()]*)\)""")
PLAIN = re.compile(r"[<>|=]?(?:[?]|[biufcSU]\d{1,6}|[bBhHiIlLqQefdgFDG])")
SIZE = re.compile(r"(\d{1,18})L?")  # Python 2 wrote 3L


class Header(NamedTuple):
    """What an .npy array says of itself, and how many bytes it announces."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    bytes: int


def read_header(file: IO[bytes], name: str) -> Header:
    """The header at the beginning of an .npy file; raises `DistaffError` for anything but plain numbers and texts."""
    text = skip_header(file, name)
    dtype, shape = _dtype(text, name), _shape(text, name)
    fortran = FORTRAN.search(text)
    if fortran is None:
        raise _not_understood(name)
    return Header(shape, dtype, fortran[1] == "True", shape_in_bounds(name, shape, dtype.itemsize))


def skip_header(file: IO[bytes], name: str) -> str:
    """The text of the header, with the file at the content behind it."""
    start = file.read(8)
    if start[:6] != MAGIC or len(start) < 8:
        raise DistaffError(f"{name} is not an .npy array: it begins with {start[:6]!r}")
    if start[6] not in LENGTH:
        raise DistaffError(f"{name} is of version {start[6]} of the .npy format; 1 to 3 are known")
    width = LENGTH[start[6]]
    length = int.from_bytes(exactly(file, width, name), "little")
    if length > LONGEST:
        raise DistaffError(f"{name} has an .npy header of {length:,} bytes; one of an array has some hundred")
    return exactly(file, length, name).decode("utf-8" if start[6] == 3 else "latin-1", errors="replace")


def exactly(file: IO[bytes], n: int, name: str) -> bytes:
    """The next `n` bytes; raises `DistaffError` where the file ends before."""
    data = file.read(n)
    if len(data) != n:
        raise DistaffError(f"{name} is damaged, cut short or of another format: it ends in its header")
    return data


def _dtype(text: str, name: str) -> np.dtype[Any]:
    found = DESCR.search(text)
    if found is None:
        raise DistaffError(f"{name} is a table of several types, or none: save plain numbers")
    if "O" in found[1]:
        raise DistaffError(f"{name} holds Python objects, which are never unpickled: save plain numbers")
    try:
        if PLAIN.fullmatch(found[1]):
            return np.dtype(found[1])
    except TypeError:  # such as u5
        pass
    raise DistaffError(f"{name} holds values of the type {found[1]!r}, which are not numbers: save plain numbers")


def _shape(text: str, name: str) -> tuple[int, ...]:
    found = SHAPE.search(text)
    if found is None:
        raise _not_understood(name)
    sizes = [SIZE.fullmatch(part.strip()) for part in found[1].split(",") if part.strip()]
    if len(sizes) > AXES or None in sizes:
        raise _not_understood(name)
    return tuple(int(size[1]) for size in sizes if size)


def _not_understood(name: str) -> DistaffError:
    return DistaffError(f"{name} is damaged, cut short or of another format: its .npy header has no valid shape")
