"""Ten aeroplanes, put together from convex bodies."""

from __future__ import annotations

import numpy as np

from distaff.data._draw.bodies import Body, ball, box, moved, prism, rod, turn

PLANES = (  # span, sweep, chord, length, thickness; wings' height; engines, tail, kind
    (1.0, 0.45, 0.34, 1.0, 0.11, -0.06, 2, "low", "jet"),
    (0.62, 0.75, 0.6, 1.05, 0.1, 0.0, 0, "twin", "jet"),
    (0.95, 0.0, 0.26, 0.78, 0.12, 0.12, 1, "low", "propeller"),
    (0.85, 0.05, 0.24, 0.7, 0.13, -0.1, 1, "low", "biplane"),
    (1.1, 0.3, 0.3, 0.95, 0.14, 0.13, 4, "high", "jet"),
    (0.6, 1.1, 0.9, 1.1, 0.08, -0.04, 0, "fin", "delta"),
    (0.98, 0.12, 0.28, 0.85, 0.12, -0.08, 2, "low", "propeller"),
    (0.72, 0.6, 0.4, 1.0, 0.12, 0.02, 2, "high", "jet"),
    (1.05, 0.0, 0.34, 0.95, 0.15, 0.16, 2, "low", "propeller"),
    (0.7, 0.35, 0.42, 0.95, 0.11, -0.05, 0, "low", "jet"),
)


def aircraft(instance: int) -> list[Body]:
    """An aeroplane on its wheels: fuselage, cockpit, wings, tail and engines."""
    span, sweep, chord, length, thick, high, engines, tail, kind = PLANES[instance]
    z = 0.42
    parts = [
        ball((0, 0, z), (length, thick, thick * 1.1)),
        rod((-0.5 * length, 0, z), (0.6 * length, 0, z), thick * 0.92),
        ball((0.5 * length, 0, z + thick * 0.8), (0.2, thick * 0.6, thick * 0.7)),
    ]
    for side in (1, -1):
        parts.append(_wing(side, (0.1 + chord / 2, z + high), span, sweep, chord, 0.42))
        if kind == "biplane":
            parts.append(_wing(side, (0.1 + chord / 2, z + 0.28), span, sweep, chord, 0.8))
            parts += [rod((x, side * 0.55, z + high), (x, side * 0.55, z + 0.28), 0.015) for x in (0.0, 0.2)]
        level = z + (0.34 if tail == "high" else 0.04)
        parts.append(_wing(side, (-0.72 * length, level), span * 0.36, 0.3, chord * 0.55, 0.5))
        if tail == "twin":
            parts.append(moved(_fin(length * 0.95, z, 0.3), (0.02, side * 0.13, 0)))
    if tail != "twin":
        parts.append(_fin(length, z, 0.34 if kind != "delta" else 0.28))
    parts += _engines(engines, kind, span, sweep, z + high, length, thick)
    for x, y in ((0.55 * length, 0), (-0.05, 0.2), (-0.05, -0.2)):
        parts += [rod((x, y, 0.09), (x, y, z), 0.022), rod((x, y - 0.03, 0.075), (x, y + 0.03, 0.075), 0.075)]
    return parts


def _wing(side: int, root: tuple[float, float], span: float, sweep: float, chord: float, tip: float) -> Body:
    """Half a wing: a flat solid from the root's leading edge outwards, swept back, with a shorter tip."""
    x, z = root
    back = sweep * span
    outline = [(x, 0.0), (x - chord, 0.0), (x - back - chord * tip, -span), (x - back, -span)]
    return prism(outline, 0.028, axes=turn(roll=-side * np.pi / 2), centre=(0, 0, z))


def _fin(length: float, z: float, height: float) -> Body:
    """The upright part of the tail."""
    x = -0.62 * length
    return prism([(x, z), (x - 0.3, z), (x - 0.36, z + height), (x - 0.2, z + height)], 0.025)


def _engines(n: int, kind: str, span: float, sweep: float, z: float, length: float, thick: float) -> list[Body]:
    parts: list[Body] = []
    if n == 1:
        parts = [
            ball((length * 0.92, 0, 0.42), (0.1, thick * 0.8, thick * 0.8)),
            box((length + 0.02, 0, 0.42), (0.012, 0.24, 0.03)),
        ]
    for i in range(n // 2):
        for side in (1, -1):
            y = side * span * (0.34 + 0.28 * i)
            x = 0.14 - sweep * abs(y)
            low = z - (0.1 if kind == "jet" else 0.0)
            parts.append(rod((x - 0.08, y, low), (x + 0.24, y, low), 0.075))
            if kind == "propeller":
                parts += [ball((x + 0.26, y, low), (0.07, 0.05, 0.05)), box((x + 0.28, y, low), (0.01, 0.03, 0.2))]
    return parts
