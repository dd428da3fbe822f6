"""The showroom of drawn cars: 183 of them before white, from 4 heights and 24 sides."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from jaxtyping import Float, Int, UInt8

from distaff.data._draw.bodies import Body, Colour, Scene, moved, scene
from distaff.data._draw.rays import FAR, aimed, blocked, nearest, normal_at, second_colour
from distaff.data._draw.vehicles import car, drawn_shape

SIDE, RAYS = 64, 3  # pixels; rays of a pixel in each direction
ELEVATIONS, AZIMUTHS, CARS = (0.0, 10.0, 20.0, 30.0), 24, 183  # degrees above the floor
DISTANCE, FOCAL, LOOKS_AT = 17.0, 5.9, 0.68  # metres; distances of the screen's half-width; height in metres
USUAL = 4.5  # metres: longer cars are drawn smaller and shorter ones larger, by a little less than that
KEY = np.array([0.25, 0.5, 0.83]) / np.linalg.norm([0.25, 0.5, 0.83])
SKY, GROUND, HORIZON = 1.0, 0.34, 0.52
KINDS = ("saloon", "hatchback", "estate", "coupe", "sports", "jeep", "van", "pickup", "minicar", "oldtimer")
PAINTS: tuple[Colour, ...] = (
    (0.62, 0.05, 0.05), (0.75, 0.11, 0.04), (0.8, 0.55, 0.04), (0.1, 0.28, 0.1), (0.05, 0.33, 0.3), (0.05, 0.13, 0.45),
    (0.12, 0.3, 0.62), (0.3, 0.45, 0.62), (0.25, 0.06, 0.25), (0.32, 0.17, 0.08), (0.55, 0.46, 0.3), (0.78, 0.78, 0.76),
    (0.5, 0.51, 0.53), (0.26, 0.27, 0.29), (0.07, 0.07, 0.08), (0.4, 0.03, 0.06),
)  # fmt: skip
ROOFS: tuple[Colour, ...] = ((0.7, 0.69, 0.64), (0.05, 0.05, 0.055))


def car_bodies(number: int) -> list[Body]:
    """Car `number`: its kind, proportions and paint are drawn from a generator of its own."""
    generator = np.random.Generator(np.random.Philox(key=[183, number]))
    shape = drawn_shape(KINDS[number % len(KINDS)], generator)
    paint = np.array(PAINTS[int(generator.integers(len(PAINTS)))]) * generator.uniform(0.55, 0.9)
    two_tone = generator.random() < 0.15
    second = ROOFS[int(generator.integers(len(ROOFS)))] if two_tone else tuple(paint)
    bodies = car(shape, tuple(paint.clip(0, 0.95)), second, float(generator.uniform(0.25, 0.5)))
    return [moved(body, (0, 0, 0), (USUAL / shape.length) ** 0.6) for body in bodies]


def car_images() -> Iterator[tuple[Int[np.ndarray, "96"], UInt8[np.ndarray, "96 64 64 3"]]]:
    """For each car: its rows in the grid of (elevation, azimuth, object), and its images."""
    views = [(elevation, azimuth * 360 / AZIMUTHS) for elevation in ELEVATIONS for azimuth in range(AZIMUTHS)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number in range(CARS):
            parts = [scene(car_bodies(number))] * len(views)
            images = pool.map(photograph, parts, *zip(*views, strict=True))
            yield np.arange(len(views)) * CARS + number, np.stack(list(images))


def photograph(parts: Scene, elevation: float, azimuth: float) -> UInt8[np.ndarray, "64 64 3"]:
    """The scene from `elevation` degrees above the floor and `azimuth` degrees round it."""
    light = _light(parts, *_camera(np.radians(elevation), np.radians(azimuth)))
    linear = light.reshape(SIDE, RAYS, SIDE, RAYS, 3).mean(axis=(1, 3))
    return np.asarray(np.rint(255 * np.clip(linear, 0, 1)).astype(np.uint8))


def _camera(elevation: float, azimuth: float) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3 3"]]:
    """Where it stands, and its axes: right, up and forwards."""
    out = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    return DISTANCE * out + np.array([0, 0, LOOKS_AT]), np.stack([right, np.cross(out, right), -out])


@numba.njit(cache=True, nogil=True)
def _light(parts: Scene, eye: Any, axes: Any) -> Any:
    """What each ray sees, in display values: a car before white."""
    n = SIDE * RAYS
    out = np.ones((n, n, 3))
    o = (eye[0], eye[1], eye[2])
    for i in range(n):
        for j in range(n):
            d = aimed(axes, FOCAL, n, i, j)
            t, body, face = nearest(parts, o, d)
            if t < FAR:
                at = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
                _shade(parts, body, face, at, d, out[i, j])
    return out


@numba.njit(cache=True, nogil=True)
def _shade(parts: Scene, body: int, face: int, at: Any, d: Any, out: Any) -> None:
    """Sky and ground, a key light with shadows, and their reflection in the paint; then a display's gamma."""
    n = normal_at(parts, body, face, at)
    which = second_colour(parts, body, face, at)
    open_sky = 0.5 + 0.5 * n[2]
    ambient = GROUND + (0.62 - GROUND) * open_sky
    key = n[0] * KEY[0] + n[1] * KEY[1] + n[2] * KEY[2]
    start = (at[0] + 1e-3 * n[0], at[1] + 1e-3 * n[1], at[2] + 1e-3 * n[2])
    if key > 0 and blocked(parts, start, (KEY[0], KEY[1], KEY[2])):
        key = 0.0
    facing = -(n[0] * d[0] + n[1] * d[1] + n[2] * d[2])
    diffuse = ambient + 0.55 * max(key, 0.0) + 0.12 * facing
    up = d[2] + 2 * facing * n[2]  # the mirrored ray's height
    mirrored = HORIZON + (SKY - HORIZON) * min(max(4 * up, 0.0), 1.0) - 0.4 * min(max(-3 * up, 0.0), 1.0)
    gloss = parts.finish[body, 2] if which == 0 else 0.22
    share = gloss * (0.12 + 0.88 * (1 - max(facing, 0.0)) ** 4)
    for c in range(3):
        linear = parts.colours[body, which, c] * diffuse * (1 - share) + share * mirrored
        out[c] = min(max(linear, 0.0), 1.0) ** (1 / 2.2)
