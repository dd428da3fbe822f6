"""Rays against convex bodies: where they go, what they hit first, in which colour, and what stands in the way."""

from __future__ import annotations

from typing import Any, TypeAlias

import numba

from distaff.data._draw.bodies import BALL, MOST_PLANES, SOLID, TUBE, Scene

Vector: TypeAlias = Any  # three floats, to the compiled functions

FAR = 1e9
NEAR = 1e-4  # of the scene's unit: a ray does not hit the surface that it starts from


@numba.njit(cache=True, nogil=True)
def aimed(axes: Any, focal: float, n: int, i: int, j: int) -> Vector:
    """The way, of length 1, of ray i, j of [n n] through a screen that is `focal` of its half-widths before the eye.

    The rows of `axes` [3 3] are the camera's: right, up and forwards.
    """
    right, up = ((2 * j + 1) / n - 1) / focal, (1 - (2 * i + 1) / n) / focal
    x = axes[0, 0] * right + axes[1, 0] * up + axes[2, 0]
    y = axes[0, 1] * right + axes[1, 1] * up + axes[2, 1]
    z = axes[0, 2] * right + axes[1, 2] * up + axes[2, 2]
    length = (x * x + y * y + z * z) ** 0.5
    return (x / length, y / length, z / length)


@numba.njit(cache=True, nogil=True)
def nearest(scene: Scene, o: Vector, d: Vector) -> tuple[float, int, int]:
    """Distance, body and surface of the first hit of the ray o + t d; FAR and -1 if there is none."""
    best, body, surface = FAR, -1, -1
    for m in range(scene.kind.size):
        if _beside(scene, m, o, d):
            continue
        t, face = enter(scene, m, o, d)
        if t < best:
            best, body, surface = t, m, face
    return best, body, surface


@numba.njit(cache=True, nogil=True)
def blocked(scene: Scene, o: Vector, d: Vector) -> bool:
    """Whether any body lies on the ray."""
    for m in range(scene.kind.size):  # noqa: SIM110 (numba compiles no generators)
        if not _beside(scene, m, o, d) and enter(scene, m, o, d)[0] < FAR:
            return True
    return False


@numba.njit(cache=True, nogil=True, inline="always")
def _beside(scene: Scene, m: int, o: Vector, d: Vector) -> bool:
    """Whether the ray, of unit length, misses the sphere about the body."""
    x, y, z = scene.bound[m, 0] - o[0], scene.bound[m, 1] - o[1], scene.bound[m, 2] - o[2]
    r2 = scene.bound[m, 3] ** 2
    along = x * d[0] + y * d[1] + z * d[2]
    away = x * x + y * y + z * z
    return bool(away - along * along > r2 or (along < 0 and away > r2))


@numba.njit(cache=True, nogil=True)
def enter(scene: Scene, m: int, o: Vector, d: Vector) -> tuple[float, int]:
    """Where a ray from outside enters body m, and through which surface; FAR if it does not."""
    a = scene.into[m]
    ox = a[0, 0] * o[0] + a[0, 1] * o[1] + a[0, 2] * o[2] + a[0, 3]
    oy = a[1, 0] * o[0] + a[1, 1] * o[1] + a[1, 2] * o[2] + a[1, 3]
    oz = a[2, 0] * o[0] + a[2, 1] * o[1] + a[2, 2] * o[2] + a[2, 3]
    dx = a[0, 0] * d[0] + a[0, 1] * d[1] + a[0, 2] * d[2]
    dy = a[1, 0] * d[0] + a[1, 1] * d[1] + a[1, 2] * d[2]
    dz = a[2, 0] * d[0] + a[2, 1] * d[1] + a[2, 2] * d[2]
    first, last, face = -FAR, FAR, -1
    if scene.kind[m] != SOLID:
        flat = 0.0 if scene.kind[m] == TUBE else 1.0
        p = dx * dx + dy * dy + flat * dz * dz
        q = ox * dx + oy * dy + flat * oz * dz
        r = ox * ox + oy * oy + flat * oz * oz - 1.0
        s = q * q - p * r
        if s <= 0.0 or p < 1e-18:
            if r > 0.0 or p >= 1e-18:
                return FAR, -1
        else:
            root = s**0.5
            first, last, face = (-q - root) / p, (-q + root) / p, MOST_PLANES
    for k in range(scene.sides[m]):
        n = scene.planes[m, k]
        along = n[0] * dx + n[1] * dy + n[2] * dz
        beyond = n[3] - (n[0] * ox + n[1] * oy + n[2] * oz)
        if along < 0.0:
            t = beyond / along
            if t > first:
                first, face = t, k
        elif along > 0.0:
            last = min(last, beyond / along)
        elif beyond < 0.0:
            return FAR, -1
        if first >= last:
            return FAR, -1
    return (first, face) if first > NEAR and first < last else (FAR, -1)


@numba.njit(cache=True, nogil=True)
def normal_at(scene: Scene, m: int, face: int, at: Vector) -> Vector:
    """The outward unit normal of a surface of body m at a point."""
    a = scene.into[m]
    if face < MOST_PLANES:
        x, y, z = scene.planes[m, face, 0], scene.planes[m, face, 1], scene.planes[m, face, 2]
    else:
        x, y, z = _local(a, at)
        if scene.kind[m] != BALL:
            z = 0.0
    nx = a[0, 0] * x + a[1, 0] * y + a[2, 0] * z
    ny = a[0, 1] * x + a[1, 1] * y + a[2, 1] * z
    nz = a[0, 2] * x + a[1, 2] * y + a[2, 2] * z
    length = (nx * nx + ny * ny + nz * nz) ** 0.5
    return nx / length, ny / length, nz / length


@numba.njit(cache=True, nogil=True)
def second_colour(scene: Scene, m: int, face: int, at: Vector) -> int:
    """1 where body m has its second colour: glass within its frame, a rim within its tyre."""
    x, y, z = _local(scene.into[m], at)
    if scene.kind[m] == TUBE and face < MOST_PLANES and scene.finish[m, 1] > 0.0:
        return 1 if x * x + y * y < scene.finish[m, 1] ** 2 else 0
    if scene.glazed[m, face] == 0:
        return 0
    for k in range(scene.sides[m]):
        n = scene.planes[m, k]
        if k != face and n[3] - (n[0] * x + n[1] * y + n[2] * z) < scene.finish[m, 0]:
            return 0
    return 1


@numba.njit(cache=True, nogil=True, inline="always")
def _local(a: Any, at: Vector) -> Vector:
    """A point in the body's own coordinates."""
    return (
        a[0, 0] * at[0] + a[0, 1] * at[1] + a[0, 2] * at[2] + a[0, 3],
        a[1, 0] * at[0] + a[1, 1] * at[1] + a[1, 2] * at[2] + a[1, 3],
        a[2, 0] * at[0] + a[2, 1] * at[1] + a[2, 2] * at[2] + a[2, 3],
    )
