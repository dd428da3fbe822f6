"""Ten animals, put together from convex bodies."""

from __future__ import annotations

import numpy as np

from distaff.data._draw.bodies import Body, Vector, ball, limb, off, prism, rod, turn

ANIMALS = {  # body length, width, height; leg length, thickness; neck length, rise; head length, thickness
    "horse": ((0.62, 0.2, 0.24), (0.62, 0.065), (0.5, 1.0), (0.24, 0.1)),
    "elephant": ((0.72, 0.38, 0.42), (0.5, 0.15), (0.2, 0.3), (0.26, 0.25)),
    "cow": ((0.7, 0.27, 0.3), (0.48, 0.08), (0.28, 0.35), (0.24, 0.14)),
    "lion": ((0.62, 0.2, 0.22), (0.42, 0.085), (0.26, 0.5), (0.18, 0.16)),
    "giraffe": ((0.48, 0.17, 0.22), (0.8, 0.06), (1.0, 2.2), (0.2, 0.085)),
    "pig": ((0.6, 0.3, 0.31), (0.25, 0.09), (0.12, 0.1), (0.24, 0.18)),
    "rhinoceros": ((0.78, 0.33, 0.36), (0.36, 0.13), (0.22, 0.0), (0.34, 0.18)),
    "camel": ((0.56, 0.22, 0.25), (0.68, 0.07), (0.5, 0.9), (0.2, 0.09)),
    "bear": ((0.62, 0.31, 0.34), (0.36, 0.13), (0.2, 0.4), (0.2, 0.19)),
    "dinosaur": ((0.62, 0.27, 0.28), (0.4, 0.11), (0.95, 0.9), (0.17, 0.09)),
}


def animal(instance: int) -> list[Body]:
    """An animal: a body with legs, neck, head and tail, and what only this one has."""
    name = list(ANIMALS)[instance]
    (length, width, height), (leg, thick), (neck, rise), (head, broad) = ANIMALS[name]
    back = leg + height * 0.8
    parts = [
        ball((0, 0, back), (length, width, height)),
        ball((length * 0.55, 0, back + 0.02), (0.3, width * 0.95, height)),
    ]
    for i, (x, y) in enumerate(((0.62, 1), (0.62, -1), (-0.66, 1), (-0.66, -1))):
        stride = (0.1, -0.06, -0.1, 0.08)[i] * leg
        hip, knee = (x * length, y * width * 0.6, back - 0.1), (x * length + stride, y * width * 0.62, leg * 0.45)
        foot = (x * length + stride * 0.4, y * width * 0.62, thick)
        parts += [limb(hip, knee, thick * 1.35), limb(knee, foot, thick), ball(foot, (thick * 1.3, thick * 1.1, thick))]
    flat = 1 / np.hypot(1, rise)
    shoulder = np.array([length * 0.75, 0, back + height * 0.25])
    top = shoulder + neck * flat * np.array([1, 0, rise])
    parts.append(limb(shoulder, top, max(broad * 0.85, 0.07)))
    nose = top + head * np.array([1.25, 0, -0.35])
    parts += [limb(top, nose, broad * 0.75), ball(off(top, 0.03, 0, 0.02), (broad, broad, broad))]
    for y in (1, -1):
        ear = off(top, -0.02, y * broad * 0.75, broad * 0.95)
        parts.append(ball(ear, (0.03, 0.04, 0.08)) if name != "elephant" else
                     ball(off(top, -0.1, y * 0.3, 0.02), (0.06, 0.22, 0.26), turn(yaw=-0.5 * y)))  # fmt: skip
    tail = np.array([-length * 0.95, 0, back + 0.05])
    end = tail + (np.array([-0.85, 0.1, -0.25]) if name == "dinosaur" else np.array([-0.16, 0.04, -0.4]))
    parts.append(limb(tail, end, 0.13 if name == "dinosaur" else 0.04))
    return parts + _marks(name, top, nose, back, height)


def _marks(name: str, top: Vector, nose: Vector, back: float, height: float) -> list[Body]:
    """What only this animal has."""
    marks = {
        "elephant": [
            limb(off(nose, -0.05, 0, -0.02), off(nose, 0.1, 0, -0.5), 0.09),
            *(limb(off(nose, -0.05, y, -0.08), off(nose, 0.25, 1.2 * y, -0.16), 0.035) for y in (0.12, -0.12)),
        ],
        "cow": [limb(off(top, 0, y, 0.1), off(top, 0.04, 2.4 * y, 0.26), 0.03) for y in (0.1, -0.1)],
        "lion": [ball(off(top, -0.06, 0, -0.02), (0.17, 0.27, 0.3)), ball((-0.75, 0, back - 0.3), (0.06, 0.05, 0.07))],
        "giraffe": [rod(off(top, 0, y, 0.06), off(top, 0, y, 0.2), 0.018) for y in (0.04, -0.04)],
        "rhinoceros": [
            limb(off(nose, -0.04, 0, 0.1), off(nose, 0.08, 0, 0.34), 0.05),
            limb(off(nose, -0.16, 0, 0.13), off(nose, -0.1, 0, 0.26), 0.04),
        ],
        "camel": [ball((x, 0, back + 0.95 * height), (0.17, 0.13, 0.24)) for x in (0.22, -0.22)],
        "horse": [
            limb(off(top, -0.06, 0, 0.02), (0.32, 0, back + 0.3), 0.06),
            limb((-0.62, 0, back), (-0.78, 0.0, 0.35), 0.07),
        ],
        "dinosaur": [
            prism([(x - 0.09, back + h), (x + 0.09, back + h), (x, back + h + 0.2)], 0.03)
            for x, h in ((-0.3, 0.2), (0.0, 0.24), (0.3, 0.2))
        ],
    }
    return marks.get(name, [])
