"""How large the blocks of convolutions are: by kind of product, channels of the large side, and precision.

Blocks depend on the shapes of one layer and not on how many models stand beside each other, so that a model's sums do
not depend on its neighbours. `benchmarks/gpu_convolutions.py` times others.
"""

from __future__ import annotations

from typing import NamedTuple

FEW = 4  # channels of images, at most: of them a pixel alone would not fill a block


class Blocks(NamedTuple):
    """Of a product: the most rows and columns of a block, entries summed at a step; warps, and steps loaded ahead.

    Of a kernel's gradient rows are entries of the small side, columns those of the large one, and `programs` work on a
    model, as far as there are as many positions: each writes a partial sum.
    """

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int
    programs: int = 0


# by kind, whether the large side has few channels, and whether numbers are bfloat16
BLOCKS = {
    ("gather", False, True): Blocks(128, 64, 64, 4, 3),
    ("gather", True, True): Blocks(128, 64, 64, 4, 2),
    ("spread", False, True): Blocks(128, 128, 64, 8, 3),
    ("spread", True, True): Blocks(128, 64, 32, 8, 3),
    ("weights", False, True): Blocks(128, 128, 64, 8, 3, 8),
    ("weights", True, True): Blocks(64, 64, 128, 4, 3, 32),
    ("gather", False, False): Blocks(64, 64, 32, 4, 3),
    ("gather", True, False): Blocks(128, 64, 16, 4, 2),
    ("spread", False, False): Blocks(64, 64, 32, 4, 3),
    ("spread", True, False): Blocks(128, 64, 32, 8, 2),
    ("weights", False, False): Blocks(64, 64, 32, 4, 2, 16),
    ("weights", True, False): Blocks(64, 64, 32, 4, 2, 32),
}


def power(size: int, most: int = 1 << 30) -> int:
    """The power of two from `size` up, `most` at most."""
    return min(1 << max(0, size - 1).bit_length(), most)


def side(size: int, most: int) -> int:
    """The side of a block for so many entries: a power of two, and 16 at least, which is what tensor cores take."""
    return max(16, power(size, most))
