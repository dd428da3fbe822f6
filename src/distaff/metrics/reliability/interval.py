"""How far a score would move with other rows and other draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.reliability.asking import Table, ask, is_grid, rows_of, specification, table
from distaff.plugins.registry import Spec, registry_of

DRAWS, LEVEL = 10, 0.95


def interval(
    metric: str | Spec, codes: Any, factors: Any, *, draws: int = DRAWS, level: float = LEVEL, **limits: int
) -> tuple[float, float]:
    """Where the score would lie with other rows of the same kind: value -+ t * standard deviation, within its range.

    For a metric of rows, the deviation is that of `draws` halves of them, drawn without replacement, each with another
    seed: a half strays from the whole as far as the whole from the truth (Politis & Romano, 1994), and unlike the rows
    of a bootstrap those of a half are all different, which estimates of information need. For a metric of a grid it is
    that of `draws` seeds, with the table as it is. t is Student's at `level` with `draws` - 1 degrees of freedom. The
    bias of a score is not in it. NaN where a score is. Raises `DistaffError` as the metric does, and for fewer than two
    draws or a level outside 0 to 1.
    """
    spec, told = specification(metric), table(codes, factors, **limits)
    return interval_of(spec, told, float(ask(spec, told)), draws, level)


def interval_of(spec: Spec, told: Table, value: float, draws: int = DRAWS, level: float = LEVEL) -> tuple[float, float]:
    """The interval around a `value` that is known already."""
    from scipy.special import stdtrit

    if draws < 2 or not 0 < level < 1:
        raise DistaffError(f"an interval wants two draws and a level between 0 and 1, not {draws} and {level}")
    found = np.array([float(_again(spec, told, draw)) for draw in range(1, draws + 1)])
    if not (math.isfinite(value) and np.isfinite(found).all()):
        return math.nan, math.nan
    wide = float(stdtrit(draws - 1, 0.5 + level / 2) * found.std(ddof=1))
    least, most = registry_of(spec).plugin(spec.name).marks["range"]
    return max(value - wide, float(least)), min(value + wide, float(most))


def _again(spec: Spec, told: Table, draw: int) -> float:
    """The score with other draws: of half the rows, or of the same grid."""
    if is_grid(spec):
        return float(ask(spec, told, seed=draw))
    rng = generator("halves", draw)
    halves = tuple(rng.permutation(part)[: max(len(part) // 2, 1)] for part in rows_of(spec, told))
    return float(ask(spec, told, halves, seed=draw))
