"""Ten people, put together from convex bodies."""

from __future__ import annotations

import numpy as np

from distaff.data._draw.bodies import Body, Vector, ball, box, limb, off, prism, rod

POSES = (  # angles in degrees: left and right arm forwards, outwards; left and right leg forwards; what they carry
    (20, -20, 8, 25, -20, "none"),
    (80, -10, 10, 12, -12, "rifle"),
    (-30, 30, 15, 35, -30, "none"),
    (5, 5, 80, 4, -4, "none"),
    (150, 150, 20, 6, -6, "none"),
    (70, 70, 6, 18, -14, "box"),
    (90, -15, 12, 20, -25, "sword"),
    (10, 10, 12, 3, -3, "skirt"),
    (40, 60, 25, 30, -10, "ball"),
    (15, 95, 14, 8, -8, "staff"),
)
HATS = ("none", "helmet", "cap", "none", "hat", "cap", "helmet", "hair", "none", "hat")


def person(instance: int) -> list[Body]:
    """A person: trunk, head, limbs in a pose, a hat, and something carried."""
    left, right, out, front, behind, carried = POSES[instance]
    stout = 1 + 0.12 * np.sin(2.1 * instance)
    parts = [
        ball((0, 0, 1.0), (0.13 * stout, 0.18 * stout, 0.14)),
        ball((0, 0, 1.25), (0.14 * stout, 0.23 * stout, 0.27)),
        limb((0, 0, 1.45), (0.02, 0, 1.62), 0.07),
        ball((0.03, 0, 1.72), (0.13, 0.11, 0.15)),
        ball((0.15, 0, 1.7), (0.03, 0.025, 0.03)),
    ]
    for side, swing in ((1, front), (-1, behind)):
        hip = np.array([0, side * 0.1, 0.98])
        knee = hip + 0.46 * _aim(swing + 4, side * 4)
        foot = knee + 0.45 * _aim(swing * 0.6 - 6, side * 3)
        foot[2] = max(foot[2], 0.06)
        parts += [
            limb(hip, knee, 0.1 * stout),
            limb(knee, foot, 0.075),
            ball(off(foot, 0.07, 0, -0.01), (0.14, 0.06, 0.05)),
        ]
    hands = []
    for side, swing in ((1, left), (-1, right)):
        shoulder = np.array([0, side * 0.23 * stout, 1.42])
        elbow = shoulder + 0.3 * _aim(swing, side * out)
        hands.append(elbow + 0.29 * _aim(swing + 22, side * out * 0.6))
        parts += [limb(shoulder, elbow, 0.07), limb(elbow, hands[-1], 0.055), ball(hands[-1], (0.06, 0.05, 0.06))]
    return parts + _hat(HATS[instance]) + _carried(carried, hands)


def _aim(forwards: float, outwards: float) -> Vector:
    """The direction of a limb that hangs down, turned forwards and then outwards."""
    a, b = np.radians(forwards), np.radians(outwards)
    return np.array([np.sin(a) * np.cos(b), np.sin(b), -np.cos(a) * np.cos(b)])


def _hat(kind: str) -> list[Body]:
    head = (0.03, 0, 1.72)
    return {
        "none": [],
        "helmet": [ball((0.01, 0, 1.77), (0.17, 0.15, 0.13))],
        "cap": [ball((0.01, 0, 1.8), (0.14, 0.12, 0.08)), ball((0.14, 0, 1.79), (0.1, 0.1, 0.02))],
        "hat": [rod((0.02, 0, 1.82), (0.02, 0, 1.85), 0.24), rod((0.02, 0, 1.83), (0.02, 0, 1.99), 0.13)],
        "hair": [ball((head[0] - 0.05, 0, 1.7), (0.14, 0.15, 0.19))],
    }[kind]


def _carried(what: str, hands: list[Vector]) -> list[Body]:
    left, right = hands
    things = {
        "none": [],
        "rifle": [rod(off(left, 0.45, 0, 0.08), off(left, -0.45, 0.1, -0.05), 0.035)],
        "box": [box(off((left + right) / 2, 0.08, 0, 0.02), (0.14, 0.2, 0.13))],
        "sword": [
            rod(left, off(left, 0.3, 0.1, 0.62), 0.025),
            ball(off(right, 0.06, -0.05, 0.02), (0.05, 0.2, 0.26)),
        ],
        "skirt": [prism([(-0.26, 0.42), (0.26, 0.42), (0.13, 1.08), (-0.13, 1.08)], 0.28, lean=0.2)],
        "ball": [ball(off(right, 0.1, 0, 0), (0.13, 0.13, 0.13))],
        "staff": [rod((right[0], right[1], 0.02), (right[0] + 0.02, right[1], 1.95), 0.03)],
    }
    return things[what]
