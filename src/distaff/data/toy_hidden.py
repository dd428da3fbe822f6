"""toy_hidden: the sprites of toy, turned by a hidden angle."""

from __future__ import annotations

from distaff.data import Dataset, Factors, dataset
from distaff.data.toy import POSITIONS, RADII, SIDE, UNITS, sprites

ANGLES = 32


@dataset(source="generated", licence="Apache-2.0")
def toy_hidden() -> Dataset:
    """toy with a hidden orientation, 32 steps of a quarter turn: 24,576 images, 24,448 of them different."""
    names = ("shape", "scale", "orientation", "posX", "posY")
    units = UNITS | {"orientation": f"0 to {ANGLES - 1}/{ANGLES} of a quarter turn, clockwise"}
    factors = Factors(names, (3, len(RADII), ANGLES, POSITIONS, POSITIONS), ("orientation",), units)
    return Dataset("toy_hidden", factors, (SIDE, SIDE, 1), sprites(factors, angles=ANGLES))
