"""shapes3d_lookalike: 480,000 drawings of a room like that of 3D Shapes, so that nothing need be downloaded."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from distaff.data import Dataset, Factors, dataset
from distaff.data._draw.room import HUES, ORIENTATIONS, SCALES, SHAPES, SIDE, room_tables
from distaff.data._rows import checked_rows
from distaff.data.cache.built import cache_folder, open_or_build
from distaff.data.cache.published import CachedArray

NAMES = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
SIZES = (HUES, HUES, HUES, SCALES, SHAPES, ORIENTATIONS)
UNITS = {
    "floor_hue": "0 to 0.9 of the colour circle in steps of 0.1",
    "wall_hue": "0 to 0.9 of the colour circle in steps of 0.1",
    "object_hue": "0 to 0.9 of the colour circle in steps of 0.1",
    "scale": "0.75 to 1.25 in steps of 1/14",
    "shape": "cube, cylinder, sphere, capsule",
    "orientation": "-30 to 30 degrees of the camera about the room, in steps of 30/7",
}
TABLES = CachedArray("shapes3d_lookalike", (SCALES * SHAPES * ORIENTATIONS, 3, HUES, SIDE * SIDE * 3))


@dataset(source="generated after https://github.com/google-deepmind/3d-shapes", licence="Apache-2.0")
def shapes3d_lookalike() -> Dataset:
    """The factor grid of 3D Shapes (Burgess and Kim, 2018), drawn by a ray caster fitted to its published frames.

    The grain of floor and walls and the facets of its objects are missing: it is for studies without a download, and
    its scores are not to be compared with those of `shapes3d`.
    """
    factors = Factors(NAMES, SIZES, units=UNITS)
    return Dataset("shapes3d_lookalike", factors, (SIDE, SIDE, 3), composed_images, cached=TABLES)


def composed_images(rows: Int[np.ndarray, "b"]) -> UInt8[np.ndarray, "b 64 64 3"]:
    """The images at `rows`: floor, walls and object, each in its hue, added up; raises `IndexError` off the grid."""
    rows = np.asarray(rows, dtype=np.int64)
    floor, wall, thing, scale, shape, orientation = np.unravel_index(checked_rows(rows, int(np.prod(SIZES))), SIZES)
    geometry = (scale * SHAPES + shape) * ORIENTATIONS + orientation
    tables = _tables(cache_folder())
    out = tables[geometry, 0, floor]
    out += tables[geometry, 1, wall]
    out += tables[geometry, 2, thing]
    return np.asarray(out).reshape(len(rows), SIDE, SIDE, 3)


@functools.lru_cache(maxsize=1)
def _tables(folder: Path) -> UInt8[np.ndarray, "480 3 10 12288"]:
    """The memory-mapped pictures of which images are composed, 169 MiB, built at the first call."""
    del folder  # the key: the cache may move between two calls
    return open_or_build(*TABLES, room_tables())
