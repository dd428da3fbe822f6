"""The renderer of dSprites: polygons filled without anti-aliasing, as a graphics card of 2017 filled them.

The published set was drawn by vector graphics straight at 64x64 (deepmind/dsprites-dataset, issues 2 and 3). What is
here is that geometry, recovered from published images: lengths in units of the canvas, y downwards, vertices snapped
to a 256th of a pixel, a pixel on if its centre is inside, left and lower edges belonging to the shape.
"""

from __future__ import annotations

from collections.abc import Iterator

import numba
import numpy as np
from jaxtyping import Float, Int, UInt64
from numpy.typing import NDArray

SIDE = 64  # pixels
SUBPIXEL = 256  # steps of a pixel that vertices are snapped to
SHAPES, SCALES, ORIENTATIONS, POSITIONS = 3, 6, 40, 32


def packed_sprites() -> Iterator[UInt64[np.ndarray, "n 64"]]:
    """All 737,280 images in row-major order of (shape, scale, orientation, posX, posY), 1,024 at a time.

    One image is 64 words; bit c of word r is the pixel in row r and column c.
    """
    for outline in (_square(), _ellipse(), _heart()):
        for scale in 0.5 + 0.1 * np.arange(SCALES):
            for orientation in 2 * np.pi * np.arange(ORIENTATIONS) / (ORIENTATIONS - 1):
                x, y = _placed(outline, scale, orientation)
                yield _fill(x, y)


def _square() -> Float[np.ndarray, "v 2"]:
    """The corners of a square of side 0.3 of the canvas."""
    return 0.15 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def _ellipse() -> Float[np.ndarray, "v 2"]:
    """A hundred points of an ellipse, 1.33 times as wide and as narrow as a circle of radius 0.15."""
    t = 2 * np.pi * np.arange(100) / 100
    return np.stack([0.15 * 1.33 * np.cos(t), 0.15 / 1.33 * np.sin(t)], axis=1)


def _heart() -> Float[np.ndarray, "v 2"]:
    """A hundred and fifty points of the curve of sines and cosines that is known as the heart, 0.3 wide."""
    t = 2 * np.pi * np.arange(150) / 150
    up = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([0.3 / 32 * 16 * np.sin(t) ** 3, -0.3 / 29 * up - 0.3 * 0.075], axis=1)


def _placed(
    outline: Float[np.ndarray, "v 2"], scale: float, orientation: float
) -> tuple[Int[np.ndarray, "32 v"], Int[np.ndarray, "32 v"]]:
    """The snapped coordinates of a turned outline, x at each posX and y at each posY, in 256ths of a pixel.

    A positive orientation (radians) turns the sprite counter-clockwise as it is seen.
    """
    cos, sin = np.cos(orientation), np.sin(orientation)
    x = scale * (outline[:, 0] * cos + outline[:, 1] * sin)
    y = scale * (outline[:, 1] * cos - outline[:, 0] * sin)
    centre = 0.25 + 0.5 * np.arange(POSITIONS)[:, None] / (POSITIONS - 1)
    snap = SUBPIXEL * SIDE
    return (
        np.floor(snap * (centre + x) + 0.5).astype(np.int64),
        np.floor(snap * (centre + y) + 0.5).astype(np.int64),
    )


@numba.njit(cache=True)
def _fill(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The images of one polygon at every (posX, posY), by scan lines in exact integers.

    Each crossing of an edge with the line through a row's pixel centres flips all pixels from it rightwards: what is
    flipped an odd number of times is inside.
    """
    across, vertices = x.shape
    down = y.shape[0]
    half = SUBPIXEL // 2
    out = np.zeros((across * down, SIDE), dtype=np.uint64)
    for px in range(across):
        for py in range(down):
            image = out[px * down + py]
            for v in range(vertices):
                w = v + 1 if v + 1 < vertices else 0
                x0, y0, x1, y1 = x[px, v], y[py, v], x[px, w], y[py, w]
                if y0 > y1:
                    x0, y0, x1, y1 = x1, y1, x0, y0
                height = y1 - y0
                first = (y0 - half) // SUBPIXEL + 1  # centres with y0 < centre <= y1: the lower edge is inside
                last = (y1 - half) // SUBPIXEL
                for row in range(first, last + 1):
                    along = (row * SUBPIXEL + half - y0) * (x1 - x0) + (x0 - half) * height
                    column = -(-along // (SUBPIXEL * height))  # the first centre at or right of the crossing
                    image[row] ^= np.uint64(0xFFFFFFFFFFFFFFFF) << np.uint64(column)
    return out
