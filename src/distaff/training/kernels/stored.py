"""Images as they are stored, beside the rows that a batch shows: what a kernel reads instead of a copy in floats."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

COLUMNS = 64  # of an image that is stored a bit a pixel: a row of it is a word


class Stored(NamedTuple):
    """The images at `rows`.

    `images` are bytes [n h w c] from 0 to 255, or words [n h], int64, of which bit j is column j: 0, or 1 for white.
    """

    images: Tensor
    rows: Tensor  # int64, [k b] of models, [s b] of seeds

    @property
    def packed(self) -> bool:
        """Whether an image is a bit a pixel."""
        return self.images.ndim == 2

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        if self.packed:
            return 1, self.images.shape[1], COLUMNS
        height, width, channels = self.images.shape[1:]
        return channels, height, width
