"""Nine lorries and a bus, put together from convex bodies; lengths as the frame has them."""

from __future__ import annotations

import numpy as np

from distaff.data._draw.bodies import Body, ball, box, off, prism, rod, turn
from distaff.data._draw.vehicles import COLOURED, DARKER, PAINT

KINDS = ("box", "tank", "tipper", "ladder", "mixer", "flat", "bus", "crane", "log", "dumper")
LENGTH, HALF, FLOOR, WHEEL = 2.0, 0.42, 0.36, 0.19  # of the frame; of the wheels


def truck(instance: int) -> list[Body]:
    """A lorry: frame, wheels, cab and what it carries; or a bus."""
    kind = KINDS[instance]
    dumper = kind == "dumper"
    length, half, floor = (1.5, 0.5, 0.46) if dumper else (LENGTH, HALF, FLOOR)
    axles = (0.6, -0.55) if kind in ("bus", "dumper") else (0.68, -0.45, -0.75)
    parts = [box((0, 0, floor - 0.06), (length / 2, 0.75 * half, 0.06))]
    parts += _wheels([x * length / 2 for x in axles], half, 0.3 if dumper else WHEEL)
    if kind == "bus":
        return [*parts, *_bus(half)]
    bonnet = 0.26 if instance % 3 == 1 else 0.0
    front = length / 2 - bonnet
    parts += _cab(front, bonnet, floor, half, floor + (0.62 if instance % 2 else 0.72))
    return [*parts, *_cargo(kind, front - 0.56, -length / 2, floor, half)]


def _wheels(places: list[float], half: float, radius: float) -> list[Body]:
    wheels = []
    for x in places:
        for side in (1, -1):
            wheel = rod((x, side * (half - 0.14), radius), (x, side * (half + 0.02), radius), radius, rim=0.55)
            wheels.append(wheel.coloured(DARKER, PAINT, COLOURED))
    return wheels


def _bus(half: float) -> list[Body]:
    hull = prism([(-1.0, 0.22), (1.0, 0.22), (0.98, 0.6), (0.9, 1.05), (-0.98, 1.05)], half, lean=0.03)
    return [hull, *(_window(x, 0.8, 0.12, half) for x in (-0.75, -0.42, -0.09, 0.24, 0.57))]


def _window(x: float, z: float, long: float, half: float) -> Body:
    return box((x, 0, z), (long, half + 0.005, 0.12)).coloured(DARKER, gloss=COLOURED)


def _cab(front: float, bonnet: float, floor: float, half: float, top: float) -> list[Body]:
    """Cab, windows, bumper, and a bonnet if it is longer than nothing."""
    outline = [
        (front - 0.5, floor - 0.1),
        (front, floor - 0.1),
        (front, floor + 0.3),
        (front - 0.1, top),
        (front - 0.5, top),
    ]
    screen = box((front - 0.045, 0, floor + 0.46), (0.02, 0.78 * half, 0.12), turn(pitch=0.28))
    parts = [
        prism(outline, 0.94 * half, lean=0.05),
        screen.coloured(DARKER, gloss=COLOURED),
        _window(front - 0.25, floor + 0.42, 0.14, 0.93 * half),
        box((front + bonnet + 0.02, 0, floor - 0.1), (0.04, 0.95 * half, 0.06)),
    ]
    if bonnet:
        parts.append(box((front + bonnet / 2, 0, floor + 0.08), (bonnet / 2, 0.7 * half, 0.18)))
    return parts


def _cargo(kind: str, front: float, back: float, floor: float, half: float) -> list[Body]:
    """What stands on the frame between `back` and `front`."""
    x, long = (front + back) / 2, (front - back) / 2
    if kind in ("tipper", "dumper"):
        return _tray(x, long, floor, half, tipped=kind == "tipper")
    if kind == "ladder":
        return _ladder(x, long, floor, half)
    if kind == "log":
        return _logs(x, back, front, floor)
    end = (back - 0.15, 0.0, floor + 1.0)
    loads = {
        "box": [box((x, 0, floor + 0.44), (long, half, 0.42))],
        "tank": [
            rod((back, 0, floor + 0.36), (front, 0, floor + 0.36), 0.36),
            rod((x, 0, floor + 0.6), (x, 0, floor + 0.8), 0.1),
        ],
        "mixer": [
            ball((x, 0, floor + 0.46), (0.98 * long, 0.38, 0.38), turn(pitch=-0.25)),
            box((x, 0, floor + 0.06), (long, 0.8 * half, 0.08)),
            rod((back + 0.06, 0, floor + 0.5), (back - 0.08, 0, floor + 0.75), 0.14),
        ],
        "flat": [
            box((x, 0, floor + 0.03), (long, half, 0.03)),
            box((x - 0.4, 0.1, floor + 0.2), (0.2, 0.17, 0.18)),
            box((x + 0.05, -0.12, floor + 0.24), (0.2, 0.17, 0.22)),
            box((x + 0.42, 0.12, floor + 0.18), (0.2, 0.17, 0.16)),
        ],
        "crane": [
            box((x, 0, floor + 0.1), (long, 0.9 * half, 0.1)),
            rod((x - 0.1, 0, floor), (x - 0.1, 0, floor + 0.3), 0.2),
            rod((x - 0.1, 0, floor + 0.3), end, 0.06),
            rod(end, (end[0], 0, floor + 0.62), 0.02),
            ball((end[0], 0, floor + 0.58), (0.06, 0.06, 0.07)),
        ],
    }
    return loads[kind]


def _tray(x: float, long: float, floor: float, half: float, tipped: bool) -> list[Body]:
    """An open box, of a lorry that tips it up or of one that is made for it."""
    tilt = turn(pitch=0.35 if tipped else 0.12)
    centre = np.array([x, 0, floor + (0.4 if tipped else 0.3)])
    walls = [
        ((0, 0, -0.16), (long, half, 0.03)),
        ((0, half, 0.02), (long, 0.03, 0.2)),
        ((0, -half, 0.02), (long, 0.03, 0.2)),
        ((long, 0, 0.06), (0.03, half, 0.24)),
    ]
    return [box(centre + tilt @ np.array(at), size, tilt) for at, size in walls]


def _ladder(x: float, long: float, floor: float, half: float) -> list[Body]:
    rise, centre = turn(pitch=-0.16), np.array([x, 0, floor + 0.62])
    rails = [box(off(centre, 0, y, 0), (1.15 * long, 0.03, 0.03), rise) for y in (0.16, -0.16)]
    rungs = [box(centre + rise @ np.array([at, 0, 0]), (0.02, 0.15, 0.02), rise) for at in np.linspace(-long, long, 8)]
    return [box((x, 0, floor + 0.2), (long, half, 0.2)), *rails, *rungs]


def _logs(x: float, back: float, front: float, floor: float) -> list[Body]:
    places = ((-0.26, 0.14), (0.0, 0.14), (0.26, 0.14), (-0.13, 0.37), (0.13, 0.37))
    logs = [rod((back - 0.1, y, floor + z), (front, y, floor + z), 0.13) for y, z in places]
    posts = [(x + along, y) for along in (-0.4, 0.4) for y in (-0.41, 0.41)]
    return [*logs, *(rod((*post, floor), (*post, floor + 0.5), 0.03) for post in posts)]
