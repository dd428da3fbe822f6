"""The turntable of drawn toys: a camera above a light table, six ways to light it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from distaff.data._draw.bodies import Scene, scene
from distaff.data._draw.rays import aimed, blocked, nearest, normal_at, second_colour
from distaff.data._draw.toys import CATEGORIES, INSTANCES, extent, toy_bodies

SIDE, RAYS = 64, 3  # pixels; rays of a pixel in each direction
ELEVATIONS, AZIMUTHS = 9, 18  # 30 to 70 degrees, and 0 to 340
DISTANCE, FOCAL, LOOKS_AT = 8.0, 6.6, 0.42  # distances of the screen's half-width; share of the toy's height
TABLE = 0.56  # how light it is
LAMPS = ((-0.75, 0.35, 0.75), (0.8, 0.2, 0.7), (0.1, -0.75, 0.9), (0.0, 0.15, 1.0))  # right, to the camera, up
SPREAD = 0.09  # half-width of a lamp, at distance 1: what softens its shadow
AMBIENT = 0.5
LIGHTINGS = np.array(
    [
        [0.38, 0.38, 0.0, 0.16],
        [0.72, 0.0, 0.1, 0.1],
        [0.0, 0.72, 0.1, 0.1],
        [0.2, 0.2, 0.5, 0.0],
        [0.1, 0.1, 0.0, 0.68],
        [0.26, 0.26, 0.26, 0.26],
    ]
)


def toy_images() -> Iterator[UInt8[np.ndarray, "972 64 64 1"]]:
    """For each toy, in the order of (category, instance): its images in the order of elevation, azimuth, lighting."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for category in range(len(CATEGORIES)):
            for instance in range(INSTANCES):
                bodies = toy_bodies(category, instance)
                parts, aim = scene(bodies), LOOKS_AT * extent(bodies)[1][2]
                views = [(parts, aim, 30 + 5 * e, 20 * a) for e in range(ELEVATIONS) for a in range(AZIMUTHS)]
                yield np.concatenate(list(pool.map(photographs, *zip(*views, strict=True))))


def photographs(parts: Scene, aim: float, elevation: float, azimuth: float) -> UInt8[np.ndarray, "6 64 64 1"]:
    """The toy from `elevation` degrees above the table, turned by `azimuth` degrees, under each lighting.

    The camera looks at the height `aim` above the middle of the table.
    """
    eye, axes, room = _stage(aim, np.radians(elevation), np.radians(azimuth))
    layers = _layers(parts, eye, axes, _lamps() @ room, _sky() @ room)
    linear = AMBIENT * layers[..., 0] + np.moveaxis(layers[..., 1:] @ LIGHTINGS.T, -1, 0)
    display = np.clip(linear, 0, 1) ** (1 / 2.2)
    pixels = display.reshape(len(LIGHTINGS), SIDE, RAYS, SIDE, RAYS).mean(axis=(2, 4))
    return np.asarray(np.rint(255 * pixels).astype(np.uint8)[..., None])


def _stage(aim: float, elevation: float, azimuth: float) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Camera, its axes (right, up, forwards), and those of the room (right, to the camera, up), in the toy's own."""
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    towards, right = np.array([cos, -sin, 0.0]), np.array([sin, cos, 0.0])
    out = np.cos(elevation) * towards + np.array([0, 0, np.sin(elevation)])
    axes = np.stack([right, np.cross(out, right), -out])
    room = np.stack([right, towards, np.array([0.0, 0.0, 1.0])])
    return DISTANCE * out + np.array([0, 0, aim]), axes, room


def _lamps() -> Float[np.ndarray, "4 9 3"]:
    """The way to each lamp for each ray of a pixel, in the room's axes."""
    lamps = np.empty((len(LAMPS), RAYS * RAYS, 3))
    for k, place in enumerate(LAMPS):
        middle = np.array(place) / np.linalg.norm(place)
        across = np.cross(middle, [0.3, 0.2, -1.0])
        across /= np.linalg.norm(across)
        for ray, (i, j) in enumerate(_square()):
            lamps[k, ray] = middle + SPREAD * (i * across + j * np.cross(middle, across))
    return np.asarray(lamps / np.linalg.norm(lamps, axis=-1, keepdims=True))


def _square() -> list[tuple[float, float]]:
    """Where on a lamp each ray of a pixel ends: a turned square, in an order that mixes neighbours."""
    places = [(i - 0.3 * j, j + 0.3 * i) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return [places[(4 * ray) % len(places)] for ray in range(len(places))]


def _sky() -> Float[np.ndarray, "9 3"]:
    """A direction for each ray of a pixel, spread over the upper half in proportion to the cosine."""
    ray = np.arange(RAYS * RAYS)
    radius, angle = np.sqrt((ray + 0.5) / len(ray)), ray * np.pi * (3 - np.sqrt(5.0))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], axis=1)


@numba.njit(cache=True, nogil=True)
def _layers(parts: Scene, eye: Any, axes: Any, lamps: Any, sky: Any) -> Any:
    """The light that each ray brings back from the open sky and from each lamp."""
    n = SIDE * RAYS
    out = np.zeros((n, n, 1 + lamps.shape[0]))
    o = (eye[0], eye[1], eye[2])
    for i in range(n):
        for j in range(n):
            d = aimed(axes, FOCAL, n, i, j)
            t, body, face = nearest(parts, o, d)
            table = -o[2] / d[2]
            if body < 0 or table < t:
                t, body = table, -1
            at = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
            normal = (0.0, 0.0, 1.0) if body < 0 else normal_at(parts, body, face, at)
            albedo = TABLE
            if body >= 0:
                albedo = parts.colours[body, second_colour(parts, body, face, at), 0]
            _lit(parts, at, normal, albedo, lamps, sky, (i % RAYS) * RAYS + j % RAYS, out[i, j])
    return out


@numba.njit(cache=True, nogil=True)
def _lit(parts: Scene, at: Any, n: Any, albedo: float, lamps: Any, sky: Any, ray: int, out: Any) -> None:
    start = (at[0] + 1e-3 * n[0], at[1] + 1e-3 * n[1], at[2] + 1e-3 * n[2])
    s = (sky[ray, 0] + 0.6 * n[0], sky[ray, 1] + 0.6 * n[1], sky[ray, 2] + 0.6 * n[2])
    length = (s[0] * s[0] + s[1] * s[1] + s[2] * s[2]) ** 0.5
    s = (s[0] / length, s[1] / length, s[2] / length)
    share = 0.45 + 0.55 * (0.5 + 0.5 * n[2])
    if s[2] <= 0 or not blocked(parts, start, s):
        out[0] = albedo * share
    else:
        out[0] = 0.25 * albedo * share
    for k in range(lamps.shape[0]):
        lamp = (lamps[k, ray, 0], lamps[k, ray, 1], lamps[k, ray, 2])
        facing = n[0] * lamp[0] + n[1] * lamp[1] + n[2] * lamp[2]
        if facing > 0 and not blocked(parts, start, lamp):
            out[1 + k] = albedo * facing
