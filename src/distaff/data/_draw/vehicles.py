"""Cars, put together from convex bodies: a body below the windows, glass above it, wheels, lights and the rest.

Lengths are in metres, the car standing on z = 0 and looking along x.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from distaff.data._draw.bodies import Body, Colour, ball, box, cut, prism, rod

TYRE: Colour = (0.06, 0.06, 0.065)
RIM: Colour = (0.62, 0.63, 0.65)
GLASS: Colour = (0.08, 0.1, 0.13)
DARK: Colour = (0.05, 0.05, 0.055)
LAMP: Colour = (0.95, 0.94, 0.85)
TAIL: Colour = (0.72, 0.04, 0.05)
PLATE: Colour = (0.85, 0.85, 0.8)
PAINT: Colour = (0.34, 0.34, 0.34)  # of toys, which have one coat of grey
DARKER: Colour = (0.25, 0.25, 0.25)
COLOURED = 0.01  # the gloss of toys' bodies whose colour is set


@dataclass(frozen=True)
class Shape:
    """The proportions of a car, in metres; positions along x are from its middle, forwards."""

    length: float
    width: float
    height: float
    belt: float  # height of the windows' lower edge
    nose: float  # height of the front edge of the bonnet
    boot: float  # height of the rear edge of the boot
    cowl: float  # x where windscreen and bonnet meet
    roof_front: float
    roof_back: float
    deck: float  # x where rear window and boot meet
    wheel: float = 0.32  # radius
    clearance: float = 0.2
    lean: float = 0.28  # how far windows lean inwards, y for each z
    axle_front: float = 0.31  # of the length, from the middle
    axle_back: float = 0.29
    windows: bool = True  # at the sides behind the doors
    wing: bool = False
    rack: bool = False
    stripe: bool = False
    sign: bool = False
    bed: bool = False


def car(shape: Shape, paint: Colour, second: Colour | None = None, gloss: float = 0.35) -> list[Body]:
    """The bodies of a car of this shape and paint; roof and stripe have the second colour."""
    second = second or paint
    front, back, half = shape.length / 2, -shape.length / 2, shape.width / 2
    bodies = [*_hull(shape, paint, gloss), *_cabin(shape, paint, second, gloss), *_wheels(shape)]
    bodies += _ends(shape, front, back, half)
    for side in (1, -1):
        mirror = ball((shape.cowl - 0.12, side * (half + 0.05), shape.belt + 0.06), (0.07, 0.1, 0.07))
        bodies.append(mirror.coloured(paint, gloss=gloss))
        sill = box((0, side * (half - 0.02), shape.clearance + 0.04), (0.32 * shape.length, 0.03, 0.05))
        bodies.append(sill.coloured(DARK))
    if shape.wing:
        wing = box((back + 0.16, 0, shape.boot + 0.2), (0.14, 0.84 * half, 0.02))
        posts = [box((back + 0.2, y * half, shape.boot + 0.09), (0.05, 0.03, 0.12)) for y in (-0.6, 0.6)]
        bodies += [part.coloured(paint, gloss=gloss) for part in (wing, *posts)]
    if shape.rack:
        x0, x1, y = shape.roof_front - 0.15, shape.roof_back + 0.15, half - 0.32
        bodies += [
            rod((x0, s * y, shape.height + 0.05), (x1, s * y, shape.height + 0.05), 0.03).coloured(DARK)
            for s in (1, -1)
        ]
    if shape.sign:
        middle = (shape.roof_front + shape.roof_back) / 2
        bodies.append(box((middle, 0, shape.height + 0.08), (0.1, 0.3, 0.08)).coloured((0.95, 0.95, 0.9)))
    return bodies


def _hull(shape: Shape, paint: Colour, gloss: float) -> list[Body]:
    """The part below the windows: a side view drawn out over the width, its corners rounded off in the plan."""
    front, back, half = shape.length / 2, -shape.length / 2, shape.width / 2
    middle = (shape.clearance + shape.nose) / 2
    outline = [
        (front - 0.12, shape.clearance),
        (front, middle - 0.05),
        (front - 0.03, shape.nose - 0.06),
        (front - 0.16, shape.nose),
        (shape.cowl, shape.belt),
        (max(shape.deck, back + 0.2), shape.belt),
        (back + 0.07, shape.boot),
        (back, middle),
        (back + 0.1, shape.clearance),
    ]
    hull = prism(outline, half, lean=0.1)
    for x, sign in ((front, 1), (back, -1)):
        hull = cut(hull, (sign * 0.45, 1, 0), (x - sign * 0.1, half - 0.13, 0))
        hull = cut(hull, (sign * 0.45, -1, 0), (x - sign * 0.1, 0.13 - half, 0))
    hull = hull.coloured(paint, gloss=gloss)
    if not shape.bed:
        return [hull]
    bed = box(((shape.deck + back) / 2 + 0.02, 0, shape.belt), ((shape.deck - back) / 2 - 0.12, half - 0.16, 0.015))
    return [hull, bed.coloured(DARK)]


def _cabin(shape: Shape, paint: Colour, roof: Colour, gloss: float) -> list[Body]:
    """Glass with frames of paint, a roof, and pillars behind the doors."""
    half = shape.width / 2 - 0.06
    outline = [(shape.cowl, shape.belt - 0.02), (shape.roof_front, shape.height), (shape.roof_back, shape.height),
               (shape.deck, shape.belt - 0.02)]  # fmt: skip
    glass = prism(outline, half, lean=shape.lean)
    glass = replace(glass, glazed=frozenset({0, 2, 4, 5}), frame=0.06).coloured(roof, GLASS, gloss)
    bodies = [glass]
    middle = (shape.roof_front + shape.roof_back) / 2 - 0.03
    pillar = cut(cut(prism(outline, half + 0.006, lean=shape.lean), (1, 0, 0), (middle + 0.05, 0, 0)), (-1, 0, 0),
                 (middle - 0.05, 0, 0))  # fmt: skip
    bodies.append(pillar.coloured(paint, gloss=gloss))
    if not shape.windows:
        closed = cut(prism(outline, half + 0.008, lean=shape.lean), (1, 0, 0), (middle + 0.02, 0, 0))
        bodies.append(cut(closed, (-1, 0, 0), (shape.deck + 0.12, 0, 0)).coloured(paint, gloss=gloss))
    return bodies


def _wheels(shape: Shape) -> list[Body]:
    """Four wheels in dark arches."""
    half, bodies = shape.width / 2, []
    for x in (shape.axle_front * shape.length, -shape.axle_back * shape.length):
        for side in (1, -1):
            inner, outer = side * (half - 0.24), side * (half + 0.015)
            tyre = rod((x, inner, shape.wheel), (x, outer, shape.wheel), shape.wheel, rim=0.66)
            bodies.append(tyre.coloured(TYRE, RIM, 0.1))
            arch = rod(
                (x, side * (half - 0.05), shape.wheel + 0.03),
                (x, side * (half + 0.004), shape.wheel + 0.03),
                shape.wheel * 1.13,
            )
            bodies.append(arch.coloured(DARK))
    return bodies


def _ends(shape: Shape, front: float, back: float, half: float) -> list[Body]:
    """Lamps, grille, number plates and bumpers."""
    height = shape.nose - 0.17
    bodies = [
        box((front - 0.02, 0, height - 0.04), (0.03, 0.36 * half, 0.07)).coloured(DARK),
        box((front - 0.04, 0, shape.clearance + 0.12), (0.07, 0.8 * half, 0.05)).coloured(DARK),
        box((back + 0.04, 0, shape.clearance + 0.14), (0.07, 0.85 * half, 0.05)).coloured(DARK),
        box((back + 0.015, 0, shape.boot - 0.3), (0.03, 0.27, 0.06)).coloured(PLATE),
    ]
    for side in (1, -1):
        lamp = ball((front - 0.11, side * 0.7 * half, height), (0.11, 0.17, 0.085))
        tail = box((back + 0.04, side * 0.73 * half, shape.boot - 0.16), (0.05, 0.13, 0.07))
        bodies += [lamp.coloured(LAMP, gloss=0.5), tail.coloured(TAIL, gloss=0.3)]
    return bodies


def drawn_shape(kind: str, generator: np.random.Generator) -> Shape:
    """A shape of the given kind, its proportions drawn about those usual for it."""

    def about(value: float, by: float) -> float:
        return float(value + by * generator.uniform(-1, 1))

    stretch, wide = about(1, 0.05), about(1, 0.03)
    common: dict[str, Any] = {
        "wheel": about(0.32, 0.02),
        "axle_front": about(0.315, 0.015),
        "axle_back": about(0.29, 0.02),
    }
    plans = {  # length width height belt nose boot cowl roof_front roof_back deck
        "saloon": (4.5, 1.78, 1.44, 0.92, 0.74, 0.93, 0.85, 0.15, -0.95, -1.6),
        "hatchback": (3.9, 1.7, 1.48, 0.94, 0.76, 0.9, 0.82, 0.2, -1.3, -1.8),
        "estate": (4.6, 1.78, 1.48, 0.93, 0.74, 0.88, 0.85, 0.15, -1.75, -2.2),
        "coupe": (4.4, 1.82, 1.3, 0.86, 0.7, 0.88, 0.65, -0.05, -0.75, -1.7),
        "sports": (4.3, 1.9, 1.18, 0.8, 0.66, 0.86, 0.75, -0.05, -0.6, -1.75),
        "jeep": (4.4, 1.88, 1.78, 1.08, 0.98, 1.0, 0.8, 0.35, -1.75, -2.1),
        "van": (4.7, 1.86, 1.95, 1.05, 0.9, 1.02, 1.75, 1.15, -2.1, -2.3),
        "pickup": (5.1, 1.88, 1.7, 1.04, 0.92, 1.02, 1.0, 0.5, -0.35, -0.55),
        "minicar": (3.1, 1.55, 1.5, 0.92, 0.8, 0.92, 0.85, 0.45, -0.9, -1.35),
        "oldtimer": (4.2, 1.68, 1.52, 1.0, 0.86, 0.84, 0.55, 0.2, -0.75, -1.25),
    }
    length, width, height, belt, nose, boot, cowl, roof_front, roof_back, deck = plans[kind]
    if kind in ("jeep", "pickup", "van"):
        common |= {"wheel": about(0.38, 0.03), "clearance": about(0.27, 0.04), "lean": 0.14}
    if kind in ("sports", "coupe"):
        common |= {"clearance": 0.13, "lean": 0.42}
    shift, lift = about(0, 0.08), about(0, 0.04)
    return Shape(
        stretch * length, wide * width, height + lift + about(0, 0.04), belt + lift, nose + lift + about(0, 0.03),
        min(boot, belt - 0.03) + lift, stretch * (cowl + shift), stretch * (roof_front + shift) + about(0, 0.08),
        stretch * roof_back + about(0, 0.1), stretch * deck + about(0, 0.06), **common,
        windows=kind != "van" or generator.random() < 0.5,
        wing=kind in ("sports", "coupe") and generator.random() < 0.4,
        rack=kind in ("jeep", "estate") and generator.random() < 0.5,
        sign=kind == "saloon" and generator.random() < 0.15,
        bed=kind == "pickup",
    )  # fmt: skip
