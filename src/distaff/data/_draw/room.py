"""The room of the 3D Shapes look-alike: a ray caster with one object, one lamp, a floor, three walls and a sky.

Lengths are in half-sizes of the room, z upwards, the object standing on the origin. Every number was fitted to real
frames of 3D Shapes (Burgess and Kim, 2018). A pixel is the mean of 2x2 rays, and each ray sees one of three things
that have a hue: so an image is a sum of three pictures, one for each hue, which are computed once for all hues.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numba
import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

Vector: TypeAlias = tuple[float, float, float]

SIDE = 64  # pixels
RAYS = 2 * SIDE  # in each direction
HUES, SCALES, SHAPES, ORIENTATIONS = 10, 8, 4, 15
CUBE, CYLINDER, SPHERE, CAPSULE = range(SHAPES)
SKY, FLOOR, WALL, OBJECT = range(4)
SKY_COLOUR = (153.0, 226.0, 249.0)

DISTANCE, HEIGHT, PITCH, FOCAL, CENTRE = 0.7637, 0.2195, -0.00285, 70.346, (31.706, 31.767)  # camera, pixels
WALL_HEIGHT = 0.5771
HALF_EDGE, CYLINDER_SIZE, RADIUS, CAPSULE_SIZE = 0.10136, (0.10405, 0.21485), 0.12332, (0.0976, 0.38257)
_LAMP = np.array([-0.237, 0.249, 1.0]) / np.linalg.norm([-0.237, 0.249, 1.0])
LAMP: Vector = (float(_LAMP[0]), float(_LAMP[1]), float(_LAMP[2]))
FLOOR_SHADE = (1.0117, -0.6623, 0.2073, -0.2384, -0.7651, -0.0332, 0.319, -0.0295, 0.4272, 0.2079, 0.286)
SHADOW = (0.3184, 0.0581)
BACK, RIGHT, LEFT = (
    (0.7569, 0.2761, -0.0614, -0.0607),
    (-1.008, 1.9359, 0.4665, -0.0496),
    (-0.89, 1.9638, 0.355, -0.0162),
)
UNLIT, LIT, HIGHLIGHT = (0.583, 0.368), (0.469, 0.564, 0.72), 0.114
FAR = 1e9


def room_tables() -> Iterator[UInt8[np.ndarray, "1 3 10 12288"]]:
    """For each (scale, shape, orientation): what floor, walls with sky, and object add to an image, in each hue."""
    hues = _hues()
    for scale in np.linspace(0.75, 1.25, SCALES):
        for shape in range(SHAPES):
            for degrees in np.linspace(-30, 30, ORIENTATIONS):
                yield _tables(*_cast(shape, scale, np.radians(degrees)), hues)[None]


def _hues() -> Float[np.ndarray, "10 3"]:
    """The colours hsv(h / 10, 1, 1) in [0, 1]."""
    h = np.arange(HUES)[:, None] * 0.6
    away = np.abs((h - np.array([0.0, 2.0, 4.0]) + 3) % 6 - 3)  # from pure red, green, blue on a circle of 6
    return np.asarray(np.clip(2 - away, 0, 1))


@numba.njit(cache=True)
def _cast(shape: int, scale: float, angle: float) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """What each ray sees, how bright that is, and the white light on top of it."""
    hit = np.zeros((RAYS, RAYS), dtype=np.int64)
    shade = np.zeros((RAYS, RAYS))
    white = np.zeros((RAYS, RAYS))
    cos, sin = np.cos(angle), np.sin(angle)
    eye = (sin * DISTANCE, -cos * DISTANCE, HEIGHT)
    for i in range(RAYS):
        v = -((i + 0.5) / 2 - CENTRE[1]) / FOCAL
        forward, up = np.cos(PITCH) + np.sin(PITCH) * v, -np.sin(PITCH) + np.cos(PITCH) * v
        for j in range(RAYS):
            x = ((j + 0.5) / 2 - CENTRE[0]) / FOCAL
            ray = (cos * x - sin * forward, sin * x + cos * forward, up)
            at, normal = _object(shape, scale, eye, ray)
            if at < FAR:
                hit[i, j] = OBJECT
                shade[i, j], white[i, j] = _object_shade(normal, ray)
            else:
                hit[i, j], shade[i, j] = _room(shape, scale, eye, ray)
    return hit, shade, white


@numba.njit(cache=True)
def _room(shape: int, scale: float, eye: Vector, ray: Vector) -> tuple[int, float]:
    """The nearest of floor, side wall and back wall, and its shade; the sky has none."""
    length = np.sqrt(ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2)
    floor = -eye[2] / ray[2] if ray[2] < 0 else FAR
    side = ((1.0 if ray[0] > 0 else -1.0) - eye[0]) / ray[0] if ray[0] != 0 else FAR
    back = (1 - eye[1]) / ray[1] if ray[1] > 0 else FAR
    at = min(floor, side, back)
    x, y, z = eye[0] + at * ray[0], eye[1] + at * ray[1], eye[2] + at * ray[2]
    if floor == at:
        return FLOOR, _floor_shade(shape, scale, x, y, -ray[2] / length)
    if z > WALL_HEIGHT:
        return SKY, 1.0
    if back == at:
        return WALL, _wall_shade(BACK, x, z, ray[1] / length)
    return WALL, _wall_shade(RIGHT if ray[0] > 0 else LEFT, y, z, abs(ray[0]) / length)


@numba.njit(cache=True)
def _floor_shade(shape: int, scale: float, x: float, y: float, facing: float) -> float:
    """A cubic of the place plus the headlight's cosine; a constant plus that cosine in the object's shadow."""
    if _object(shape, scale, (x, y, 0.0), LAMP)[0] < FAR:
        return SHADOW[0] + SHADOW[1] * facing
    terms = (1.0, x, y, x * x, y * y, x * y, x**3, x * x * y, x * y * y, y**3, facing)
    total = 0.0
    for k in range(len(terms)):
        total += FLOOR_SHADE[k] * terms[k]
    return total


@numba.njit(cache=True)
def _wall_shade(wall: tuple[float, float, float, float], along: float, z: float, facing: float) -> float:
    """A plane of place and height plus the headlight's cosine, less three faint oblique smudges."""
    w = (along + 0.57) / 0.585
    du, dz = (w - np.round(w)) * 0.585, z - 0.29
    a, b = (du - dz) / np.sqrt(2.0), (du + dz) / np.sqrt(2.0)
    smudge = 1 - 0.07 * np.exp(-((a / 0.075) ** 2) - (b / 0.045) ** 2)
    return float((wall[0] + wall[1] * facing + wall[2] * along + wall[3] * z) * smudge)


@numba.njit(cache=True)
def _object_shade(normal: Vector, ray: Vector) -> tuple[float, float]:
    """Shade and white highlight of the object where the lamp lights it and where it does not."""
    length = np.sqrt(ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2)
    facing = -(normal[0] * ray[0] + normal[1] * ray[1] + normal[2] * ray[2]) / length
    lamp = normal[0] * LAMP[0] + normal[1] * LAMP[1] + normal[2] * LAMP[2]
    if lamp > -0.03:
        return LIT[0] + LIT[1] * facing + LIT[2] * lamp, HIGHLIGHT
    return UNLIT[0] + UNLIT[1] * facing, 0.0


@numba.njit(cache=True)
def _object(shape: int, scale: float, eye: Vector, ray: Vector) -> tuple[float, Vector]:
    """The distance to the object along a ray (FAR if it is missed) and the normal there."""
    if shape == CUBE:
        return _cube(HALF_EDGE * scale, eye, ray)
    if shape == SPHERE:
        return _sphere(RADIUS * scale, RADIUS * scale, eye, ray)
    if shape == CYLINDER:
        return _tube(CYLINDER_SIZE[0] * scale, 0.0, CYLINDER_SIZE[1] * scale, True, eye, ray)
    radius, height = CAPSULE_SIZE[0] * scale, CAPSULE_SIZE[1] * scale
    best, normal = _tube(radius, radius, height - radius, False, eye, ray)
    for z in (radius, height - radius):
        at, there = _sphere(radius, z, eye, ray)
        if at < best:
            best, normal = at, there
    return best, normal


@numba.njit(cache=True)
def _cube(half: float, eye: Vector, ray: Vector) -> tuple[float, Vector]:
    near, far, axis = 0.0, FAR, -1
    for k in range(3):
        low, high = (-half, half) if k < 2 else (0.0, 2 * half)
        if ray[k] == 0:
            if eye[k] < low or eye[k] > high:
                return FAR, (0.0, 0.0, 0.0)
            continue
        t0, t1 = (low - eye[k]) / ray[k], (high - eye[k]) / ray[k]
        if t0 > t1:
            t0, t1 = t1, t0
        if t0 > near:
            near, axis = t0, k
        far = min(far, t1)
    if near >= far or far <= 0:
        return FAR, (0.0, 0.0, 0.0)
    sign = 1.0 if axis >= 0 and ray[axis] < 0 else -1.0
    return near, (sign if axis == 0 else 0.0, sign if axis == 1 else 0.0, sign if axis == 2 else 0.0)


@numba.njit(cache=True)
def _sphere(radius: float, height: float, eye: Vector, ray: Vector) -> tuple[float, Vector]:
    """A sphere whose centre is `height` above the origin."""
    dz = eye[2] - height
    a = ray[0] ** 2 + ray[1] ** 2 + ray[2] ** 2
    b = eye[0] * ray[0] + eye[1] * ray[1] + dz * ray[2]
    c = eye[0] ** 2 + eye[1] ** 2 + dz**2 - radius**2
    inside = b * b - a * c
    if inside <= 0 or b >= 0:
        return FAR, (0.0, 0.0, 0.0)
    at = (-b - np.sqrt(inside)) / a
    x, y, z = eye[0] + at * ray[0], eye[1] + at * ray[1], dz + at * ray[2]
    return at, (x / radius, y / radius, z / radius)


@numba.njit(cache=True)
def _tube(radius: float, low: float, high: float, lid: bool, eye: Vector, ray: Vector) -> tuple[float, Vector]:
    """An upright cylinder from `low` to `high` (the eye outside it), with a flat lid or open."""
    a = ray[0] ** 2 + ray[1] ** 2
    b = eye[0] * ray[0] + eye[1] * ray[1]
    c = eye[0] ** 2 + eye[1] ** 2 - radius**2
    inside = b * b - a * c
    if inside > 0:
        at = (-b - np.sqrt(inside)) / a
        z = eye[2] + at * ray[2]
        if at > 0 and low <= z <= high:
            return at, ((eye[0] + at * ray[0]) / radius, (eye[1] + at * ray[1]) / radius, 0.0)
    if lid and ray[2] != 0:
        at = (high - eye[2]) / ray[2]
        if at > 0 and (eye[0] + at * ray[0]) ** 2 + (eye[1] + at * ray[1]) ** 2 <= radius**2:
            return at, (0.0, 0.0, 1.0)
    return FAR, (0.0, 0.0, 0.0)


@numba.njit(cache=True)
def _tables(
    hit: NDArray[np.int64], shade: NDArray[np.float64], white: NDArray[np.float64], hues: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The shares of floor, walls and object in each pixel, in each hue, so rounded that a sum cannot pass 255."""
    out = np.zeros((3, HUES, SIDE * SIDE * 3), dtype=np.uint8)
    for i in range(SIDE):
        for j in range(SIDE):
            for part in range(3):
                for hue in range(HUES):
                    for channel in range(3):
                        light = 0.0
                        for ray in range(4):
                            y, x = 2 * i + ray // 2, 2 * j + ray % 2
                            if hit[y, x] == part + 1:
                                value = hues[hue, channel] * shade[y, x] + white[y, x]
                                light += (255 * min(max(value, 0.0), 1.0) + 0.5) / 4
                            elif hit[y, x] == SKY and part + 1 == WALL:
                                light += (SKY_COLOUR[channel] + 0.5) / 4
                        out[part, hue, (i * SIDE + j) * 3 + channel] = int(light)
    return out
