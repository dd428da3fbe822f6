"""Fifty toys, ten of each category, put together from convex bodies; all in one grey, standing on z = 0."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from distaff.data._draw.aircraft import aircraft
from distaff.data._draw.animals import animal
from distaff.data._draw.bodies import BALL, TUBE, Body, moved
from distaff.data._draw.people import person
from distaff.data._draw.trucks import truck
from distaff.data._draw.vehicles import COLOURED, DARKER, PAINT, car, drawn_shape

CATEGORIES, INSTANCES = ("animal", "human", "plane", "truck", "car"), 10
HALF_EXTENT = 0.98  # of the table's unit: half of the largest extent of a toy along the table


def toy_bodies(category: int, instance: int) -> list[Body]:
    """The bodies of one toy, as large as the others."""
    makers: tuple[Callable[[int], list[Body]], ...] = (animal, person, aircraft, truck, _car)
    bodies = makers[category](instance)
    low, high = extent(bodies)
    size = max(float(np.hypot(high[0] - low[0], high[1] - low[1])) / 2, 0.62 * float(high[2] - low[2]))
    scale = HALF_EXTENT / size
    middle = (-(low[0] + high[0]) / 2 * scale, -(low[1] + high[1]) / 2 * scale, -low[2] * scale)
    return [moved(body if body.gloss else body.coloured(PAINT), middle, scale) for body in bodies]


def extent(bodies: list[Body]) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """The smallest and largest coordinates of the bodies; of solids between planes, about those."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for body in bodies:
        out = np.linalg.inv(body.into[:, :3])
        middle = -out @ body.into[:, 3]
        if body.kind == BALL:
            half = np.linalg.norm(out, axis=1)
        elif body.kind == TUBE or body.block:
            half = np.abs(corners @ out.T).max(axis=0)
        else:
            middle, half = body.centre, np.full(3, 0.8 * body.radius / 3**0.5)
        low, high = np.minimum(low, middle - half), np.maximum(high, middle + half)
    return low, high


CARS = ("saloon", "hatchback", "sports", "jeep", "coupe", "pickup", "minicar", "oldtimer", "van", "estate")


def _car(instance: int) -> list[Body]:
    """A car as the showroom has them, in two greys."""
    shape = drawn_shape(CARS[instance], np.random.Generator(np.random.Philox(key=[50, instance])))
    greys = {True: DARKER, False: PAINT}
    return [
        body.coloured(greys[sum(body.colours[0]) < 0.6], greys[sum(body.colours[1]) < 0.6], COLOURED)
        for body in car(shape, PAINT)
    ]
