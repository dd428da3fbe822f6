"""A process that computes keeps the memory that it frees, blocks of any size."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import torch
from distaff.heap import keep_freed

kept = sys.argv[1] == "kept" and keep_freed()
before = 0
for time in range(8):
    if time == 4:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for megabytes in (1, 30, 60, 150):
        torch.zeros(megabytes << 18)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(which: str) -> tuple[bool, int]:
    """Whether memory is kept, and the page faults of four rounds of blocks after the first four."""
    done = subprocess.run([sys.executable, "-c", CODE, which], capture_output=True, text=True, check=True)
    kept, count = done.stdout.split()
    return kept == "True", int(count)


def test_blocks_of_any_size_are_mapped_once() -> None:
    kept, count = faults("kept")
    if not kept:
        pytest.skip("this C library has no setting to keep memory")
    assert count < 1_000, "241 MB are some 60,000 pages of 4 KiB"
    assert faults("free")[1] > 10 * count, "by default the library hands them back"
