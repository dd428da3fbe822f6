"""toy: 768 small sprites, so that a thousand models train on a laptop."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy.typing import NDArray

from distaff.data import Dataset, Factors, dataset
from distaff.data.cache.built import gather

SIDE = 16  # pixels of the image
SPRITE = 9  # pixels of the square that a sprite moves in; 8 positions of whole pixels fit in each direction
POSITIONS = SIDE - SPRITE + 1
RADII = (2.0, 2.6, 3.2, 3.8)  # pixels
UNITS = {
    "shape": "square, ellipse, heart",
    "scale": f"radius of {', '.join(map(str, RADII))} pixels",
    "posX": "0 to 7 pixels, rightwards",
    "posY": "0 to 7 pixels, downwards",
}
SUBPIXELS = 8  # samples of a pixel in each direction: edges are grey, so that small turns can be seen


@dataset(source="generated", licence="Apache-2.0")
def toy() -> Dataset:
    """Anti-aliased squares, ellipses and hearts of 4 sizes at 8 x 8 positions, 16x16 pixels, nothing hidden."""
    factors = Factors(("shape", "scale", "posX", "posY"), (3, len(RADII), POSITIONS, POSITIONS), units=UNITS)
    return Dataset("toy", factors, (SIDE, SIDE, 1), sprites(factors, angles=1))


def sprites(factors: Factors, angles: int) -> Callable[[Int[np.ndarray, "b"]], UInt8[np.ndarray, "b h w c"]]:
    """The images of a grid of shape, scale, (orientation,) posX and posY, all placed at the first look and kept."""
    every = functools.cache(lambda: _placed(factors, angles))
    return lambda rows: gather(every(), rows)


def _placed(factors: Factors, angles: int) -> UInt8[np.ndarray, "n h w 1"]:
    """Every image of the grid, from one drawing of each sprite."""
    n = len(factors)
    value = dict(zip(factors.all_names, factors.all_values(np.arange(n)).T, strict=True))
    turn = value.get("orientation", np.zeros(n, dtype=np.int64))
    out = np.zeros((n, SIDE, SIDE, 1), dtype=np.uint8)
    inside = np.arange(SPRITE)
    row = value["posY"][:, None, None] + inside[None, :, None]
    column = value["posX"][:, None, None] + inside[None, None, :]
    out[np.arange(n)[:, None, None], row, column, 0] = _drawings(angles)[value["shape"], value["scale"], turn]
    return out


def _drawings(angles: int) -> UInt8[np.ndarray, "shape scale angle h w"]:
    """Every sprite once: the share of each pixel that it covers, turned by steps of 90 / angles degrees."""
    centres = (np.arange(SPRITE * SUBPIXELS) + 0.5) / SUBPIXELS - SPRITE / 2
    across, down = np.meshgrid(centres, centres)
    out = np.zeros((3, len(RADII), angles, SPRITE, SPRITE), dtype=np.uint8)
    for a in range(angles):
        turn = np.pi / 2 * a / angles
        x = across * np.cos(turn) + down * np.sin(turn)
        y = down * np.cos(turn) - across * np.sin(turn)
        for s, radius in enumerate(RADII):
            for k, covers in enumerate((_square, _ellipse, _heart)):
                samples = covers(x / radius, y / radius).reshape(SPRITE, SUBPIXELS, SPRITE, SUBPIXELS)
                out[k, s, a] = np.rint(samples.mean(axis=(1, 3)) * 255)
    return out


def _square(x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(x) < 0.72) & (np.abs(y) < 0.72))


def _ellipse(x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]) -> NDArray[np.bool_]:
    return np.asarray(x**2 + (y / 0.6) ** 2 < 1)


def _heart(x: Float[np.ndarray, "h w"], y: Float[np.ndarray, "h w"]) -> NDArray[np.bool_]:
    """The curve (x^2 + y^2 - 1)^3 = x^2 y^3, y upwards, made to fit the unit disc."""
    u, v = 1.15 * x, -1.15 * y + 0.15
    return np.asarray((u**2 + v**2 - 1) ** 3 < u**2 * v**3)
