"""The heap of a process that computes: memory that one batch frees is kept for the next."""

from __future__ import annotations

import ctypes
import functools

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of glibc's mallopt(3)


@functools.cache
def keep_freed() -> bool:
    """Have the C library keep freed memory; returns whether it can be set so, as only glibc can.

    By default it hands large blocks back at every step, and the kernel clears and maps each page of them again: ten
    thousand page faults a step of `conv64`, up to a third of its time, and half of that of encoding images. No block is
    too large to be kept: the gradients of eight models of `mlp` take 150 MB, and a fifth of a step to be mapped anew.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(TRIM_THRESHOLD, 2**31 - 1)) and bool(mallopt(MMAP_MAX, 0))
