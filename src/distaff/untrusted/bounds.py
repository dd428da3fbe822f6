"""Bounds on what a file announces, checked before any memory is taken for it."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Sequence

from distaff.errors import DistaffError

DEFLATE = (
    1100  # times: no stream of deflate (1032) unpacks to more; other compressions of HDF5 stay below it in practice
)
SMALL = 2**30  # bytes: what may be unpacked from anything
LARGEST_SIZE = 2**48  # of one axis of an array
AXES = 8
NAMED = 20  # names that a message lists


def shape_in_bounds(name: str, shape: Sequence[int], itemsize: int) -> int:
    """The bytes of an array of this shape; raises `DistaffError` where no array has such a shape."""
    if len(shape) > AXES or any(not 0 <= size <= LARGEST_SIZE for size in shape):
        raise DistaffError(f"{name} has the shape {listed(shape)}: arrays have at most {AXES} axes of sensible sizes")
    return math.prod(shape) * itemsize


def plausible(name: str, announced: int, stored: int) -> None:
    """Raise `DistaffError` where so few stored bytes cannot unpack to what is announced, or only to fill a disk."""
    if announced > SMALL and announced > DEFLATE * stored:
        raise DistaffError(
            f"{name} announces {size_text(announced)} and stores {size_text(stored)}: "
            "it is damaged, or made to fill a memory"
        )


def fits_memory(name: str, announced: int) -> None:
    """Raise `DistaffError` for what has to be in memory whole and is more than half of this machine's."""
    if announced > memory():
        raise DistaffError(
            f"{name} announces {size_text(announced)}, more than the {size_text(memory())} of memory "
            "that one array may take on this machine"
        )


@functools.cache
def memory() -> int:
    """Half of this machine's memory in bytes, or 8 GB where it is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):  # systems other than Unix
        return 8 * 10**9


def size_text(size: int) -> str:
    """Bytes as people read them: 3 bytes, 1.5 GB."""
    if size < 1000:
        return f"{size} bytes"
    units = ("kB", "MB", "GB", "TB", "PB", "EB")
    power = min(len(units), int(math.log10(size)) // 3)
    return f"{size / 1000**power:,.1f} {units[power - 1]}"


def listed(values: Sequence[object]) -> str:
    """Values in parentheses, the first of them where there are many."""
    texts = [str(value)[:80] for value in values[:NAMED]]
    return f"({', '.join(texts)}{', ...' if len(values) > NAMED else ''})"
