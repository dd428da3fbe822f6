"""Arrays of numbers in MATLAB files of version 5, compressed or not, read without anything but their bytes.

A file is a run of elements: type, length, content. One of type 14 is an array, of elements itself: flags, dimensions,
name, numbers. One of type 15 is an array, compressed. Everything else (cells, structures, functions) is passed over.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.untrusted.bounds import shape_in_bounds

HEADER = 128
ARRAY, COMPRESSED = 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
COMPLEX, LOGICAL = 0x08, 0x02
UNPACKED = 2**28  # bytes that one compressed array may have


def read_matlab(data: bytes, variable: str, name: str, limit: int = UNPACKED) -> NDArray[Any] | None:
    """The array of numbers `variable` in the bytes of a MATLAB file, or None where it has none of that name.

    Raises `DistaffError` for a damaged file, one of version 7.3 or before 5, and an array of more than `limit` bytes.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None:
        newer = data[:128].startswith((b"MATLAB 7.3", b"\x89HDF"))
        reason = "of version 7.3, which is HDF5" if newer else "damaged"
        raise DistaffError(f"{name} cannot be read as a MATLAB file of version 5: it is {reason}, or not a MATLAB file")
    for kind, content in _elements(data[HEADER:], order, name):
        if kind == COMPRESSED:
            inner = next(_elements(_unpacked(content, limit, name), order, name), None)
            kind, content = inner or (0, b"")  # noqa: PLW2901
        if kind == ARRAY and (array := _array(content, variable, order, name)) is not None:
            return array
    return None


def _elements(data: bytes, order: str, name: str) -> Iterator[tuple[int, bytes]]:
    """The elements of a run: their types and contents."""
    at = 0
    while at + 8 <= len(data):
        first, second = (int(value) for value in np.frombuffer(data, f"{order}u4", 2, at))
        if first >> 16:  # a small one: its length and its content stand in the place of the length
            kind, length, begin, step = first & 0xFFFF, first >> 16, at + 4, 8
            if length > 4:
                raise _damaged(name, "a small element has more than 4 bytes")
        else:
            kind, length, begin = first, second, at + 8
            step = 8 + (length if kind == COMPRESSED else -(-length // 8) * 8)
        if begin + length > len(data):
            raise _damaged(name, f"it announces {length:,} bytes and has {len(data) - begin:,} more")
        yield kind, data[begin : begin + length]
        at += step


def _unpacked(content: bytes, limit: int, name: str) -> bytes:
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(content, limit)
    except zlib.error as error:
        raise _damaged(name, str(error)) from error
    if stream.unconsumed_tail or not stream.eof:
        problem = f"an array unpacks to more than {limit:,} bytes" if len(data) >= limit else "an array is cut short"
        raise _damaged(name, problem)
    return data


def _array(content: bytes, variable: str, order: str, name: str) -> NDArray[Any] | None:
    """The array in the content of an element, if it is of numbers and called `variable`."""
    parts = [part for _, part in zip(range(4), _elements(content, order, name), strict=False)]
    if len(parts) < 4 or parts[0][0] != 6 or len(parts[0][1]) != 8 or parts[1][0] != 5:
        return None
    (_, flags), (_, dimensions), (_, called), (kind, numbers) = parts
    if called.decode("latin-1").rstrip("\0") != variable:
        return None
    described = int(np.frombuffer(flags, f"{order}u4")[0])
    if (described & 0xFF) not in CLASSES or described >> 8 & COMPLEX or kind not in NUMBERS or len(dimensions) % 4:
        raise DistaffError(f"{name} holds no real numbers as `{variable}`: cells, structures and texts are not read")
    shape = tuple(int(size) for size in np.frombuffer(dimensions, f"{order}i4"))
    stored = np.dtype(f"{order}{NUMBERS[kind]}")
    shape_in_bounds(f"{name}: `{variable}`", shape, stored.itemsize)
    if math.prod(shape) * stored.itemsize != len(numbers):
        raise _damaged(name, f"`{variable}` is {shape} and has {len(numbers):,} bytes")
    array = np.frombuffer(numbers, stored).reshape(shape, order="F")
    dtype = np.dtype(bool) if described >> 8 & LOGICAL else np.dtype(CLASSES[described & 0xFF])
    return array.astype(dtype)


def _damaged(name: str, problem: str) -> DistaffError:
    return DistaffError(f"{name} cannot be read as a MATLAB file: {problem}")
