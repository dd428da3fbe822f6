"""The heap of a process that computes: memory that one batch frees is kept for the next."""

from __future__ import annotations

import ctypes
import functools

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)
MOST_ON_HEAP = 32 << 20  # bytes: the largest block that glibc can be told to take from its heap


@functools.cache
def keep_freed() -> bool:
    """Have the C library keep freed memory; says whether it can be told so, as only glibc can.

    By default it hands large blocks back at every step, and the kernel clears and maps each page of them again: ten
    thousand page faults a step of `conv64`, up to a third of its time, and half of that of encoding images.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(TRIM_THRESHOLD, 2**31 - 1)) and bool(mallopt(MMAP_THRESHOLD, MOST_ON_HEAP))
