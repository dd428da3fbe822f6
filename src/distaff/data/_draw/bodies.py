"""Convex bodies: parts of a ball or a tube, or solids between planes, from which drawn cars and toys are put together.

A body is what its planes leave of a unit ball, an endless unit tube or all of space, moved into place. Lengths are in
units of the scene, x forwards, y to the left, z upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]
Point: TypeAlias = "Sequence[float] | Vector"
Colour: TypeAlias = tuple[float, float, float]

SOLID, BALL, TUBE = range(3)
MOST_PLANES = 16
GREY: Colour = (0.5, 0.5, 0.5)


@dataclass(frozen=True, eq=False)
class Body:
    """One convex body.

    `into` [3 4] leads from the scene to its own coordinates, where `planes` [p 4] hold n . x <= d as (n, d). Surfaces
    are the planes and then the ball or tube; those in `glazed` have the second colour, except within `frame` of an
    edge; a tube's flat ends have it within `rim` of its axis. A `block` is a unit cube in its own coordinates.
    """

    kind: int
    into: Float[np.ndarray, "3 4"]
    planes: Float[np.ndarray, "p 4"]
    centre: Float[np.ndarray, "3"]
    radius: float
    colours: tuple[Colour, Colour] = (GREY, GREY)
    glazed: frozenset[int] = frozenset()
    frame: float = 0.0
    rim: float = 0.0
    gloss: float = 0.0
    block: bool = False

    def coloured(self, first: Colour, second: Colour | None = None, gloss: float = 0.0) -> Body:
        """The same body in other colours."""
        return replace(self, colours=(first, second or first), gloss=gloss)


class Scene(NamedTuple):
    """Bodies as arrays, for compiled code."""

    kind: Int[np.ndarray, "m"]
    into: Float[np.ndarray, "m 3 4"]
    planes: Float[np.ndarray, "m p 4"]
    sides: Int[np.ndarray, "m"]  # planes of each
    bound: Float[np.ndarray, "m 4"]
    colours: Float[np.ndarray, "m 2 3"]
    glazed: Int[np.ndarray, "m p"]
    finish: Float[np.ndarray, "m 3"]  # frame, rim, gloss


def scene(bodies: Sequence[Body]) -> Scene:
    """The arrays of `bodies`."""
    m = len(bodies)
    planes, glazed = np.zeros((m, MOST_PLANES, 4)), np.zeros((m, MOST_PLANES + 1), dtype=np.int64)
    for i, body in enumerate(bodies):
        planes[i, : len(body.planes)] = body.planes
        glazed[i, list(body.glazed)] = 1
    return Scene(
        np.array([body.kind for body in bodies]),
        np.stack([body.into for body in bodies]),
        planes,
        np.array([len(body.planes) for body in bodies]),
        np.array([[*body.centre, body.radius] for body in bodies]),
        np.array([body.colours for body in bodies]),
        glazed,
        np.array([(body.frame, body.rim, body.gloss) for body in bodies]),
    )


def off(point: Point, x: float, y: float, z: float) -> Vector:
    """The point that lies (x, y, z) from `point`."""
    return np.asarray(np.asarray(point, dtype=float) + np.array([x, y, z]))


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> Float[np.ndarray, "3 3"]:
    """The rotation by `roll` about x, then `pitch` (nose up) about y, then `yaw` about z, in radians."""
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, -pitch, roll))
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    about_y = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    about_x = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return np.asarray(about_z @ about_y @ about_x)


def ball(centre: Point, radii: Point, axes: Float[np.ndarray, "3 3"] | None = None) -> Body:
    """An ellipsoid with the given semi-axes along the columns of `axes`."""
    return _placed(BALL, np.zeros((0, 4)), centre, radii, axes, max(radii))


def limb(start: Point, end: Point, radius: float) -> Body:
    """An ellipsoid from `start` to `end`, a little beyond both."""
    axes, half = _along(start, end)
    return ball(_middle(start, end), (radius, radius, half + 0.5 * radius), axes)


def rod(start: Point, end: Point, radius: float, rim: float = 0.0) -> Body:
    """A cylinder between two points."""
    axes, half = _along(start, end)
    ends = np.array([[0, 0, 1, 1], [0, 0, -1, 1.0]])
    body = _placed(TUBE, ends, _middle(start, end), (radius, radius, half), axes, float(np.hypot(radius, half)))
    return replace(body, rim=rim)


def box(centre: Point, halves: Point, axes: Float[np.ndarray, "3 3"] | None = None) -> Body:
    """A block with the given half-edges along the columns of `axes`."""
    faces = np.concatenate([np.hstack([np.eye(3), np.ones((3, 1))]), np.hstack([-np.eye(3), np.ones((3, 1))])])
    return replace(_placed(SOLID, faces, centre, halves, axes, float(np.linalg.norm(halves))), block=True)


def prism(
    outline: Sequence[tuple[float, float]],
    half: float,
    lean: float = 0.0,
    axes: Float[np.ndarray, "3 3"] | None = None,
    centre: Point = (0, 0, 0),
) -> Body:
    """The convex `outline` in (x, z) drawn out over y from -half to half; sides lean inwards by `lean` y for each z.

    Its first planes are those of the outline's edges, in order, then the left and the right side.
    """
    points = np.asarray(outline, dtype=float)
    after = np.roll(points, -1, axis=0) - points
    around = points - points.mean(axis=0)
    anticlockwise = np.sum(around[:, 0] * after[:, 1] - around[:, 1] * after[:, 0]) > 0
    normals = np.stack([after[:, 1], -after[:, 0]], axis=1) * (1 if anticlockwise else -1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    edges = np.column_stack([normals[:, 0], np.zeros(len(points)), normals[:, 1], np.sum(normals * points, axis=1)])
    low = points[:, 1].min()
    sides = [_plane((0, side, lean), (0, side * half, low)) for side in (1, -1)]
    corners = np.array([[x, y, z] for x, z in points for y in (half, -half)])
    axes = np.eye(3) if axes is None else axes
    middle = corners.mean(axis=0)
    radius = float(np.linalg.norm(corners - middle, axis=1).max())
    into = np.column_stack([axes.T, -axes.T @ np.asarray(centre)])
    return Body(SOLID, into, np.vstack([edges, *sides]), axes @ middle + np.asarray(centre), radius)


def cut(body: Body, normal: Point, through: Point) -> Body:
    """What of a prism lies on the inner side of the plane through a point, in the prism's own coordinates."""
    return replace(body, planes=np.vstack([body.planes, _plane(normal, through)]))


def moved(body: Body, by: Point, scale: float = 1.0) -> Body:
    """The body made larger about the origin, then shifted."""
    shift = np.asarray(by, dtype=float)
    into = body.into.copy()
    into[:, :3] /= scale
    into[:, 3] -= into[:, :3] @ shift
    return replace(body, into=into, centre=body.centre * scale + shift, radius=body.radius * scale)


def _plane(normal: Point, through: Point) -> Float[np.ndarray, "4"]:
    n = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
    return np.array([*n, n @ np.asarray(through, dtype=float)])


def _placed(
    kind: int, planes: Float[np.ndarray, "p 4"], centre: Point, sizes: Point, axes: Float[np.ndarray, "3 3"] | None,
    radius: float,
) -> Body:  # fmt: skip
    middle = np.asarray(centre, dtype=float)
    linear = (np.eye(3) if axes is None else axes.T) / np.asarray(sizes, dtype=float)[:, None]
    return Body(kind, np.column_stack([linear, -linear @ middle]), planes, middle, radius)


def _along(start: Point, end: Point) -> tuple[Float[np.ndarray, "3 3"], float]:
    """Axes of which the third leads from `start` to `end`, and half the distance."""
    way = np.asarray(end, dtype=float) - np.asarray(start, dtype=float)
    length = float(np.linalg.norm(way))
    third = way / length
    helper = np.eye(3)[int(np.argmin(np.abs(third)))]
    first = np.cross(helper, third)
    first /= np.linalg.norm(first)
    return np.column_stack([first, np.cross(third, first), third]), length / 2


def _middle(start: Point, end: Point) -> Float[np.ndarray, "3"]:
    return np.asarray((np.asarray(start, dtype=float) + np.asarray(end, dtype=float)) / 2)
