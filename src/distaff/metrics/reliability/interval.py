"""How far a score would move with other rows and other draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.evaluate import Split, Table, evaluate_table, is_grid, specification, splits, table
from distaff.plugins.registry import registry_of
from distaff.plugins.spec import Spec

DRAWS, LEVEL = 10, 0.95
PART = (math.sqrt(5) - 1) / 2  # of the rows in a draw: see `interval`
STRETCH = math.sqrt(PART / (1 - PART))


def interval(
    metric: str | Spec, codes: Any, factors: Any, *, draws: int = DRAWS, level: float = LEVEL, **limits: Any
) -> tuple[float, float]:
    """Where the score would lie with other rows of the same kind: value -+ t * standard deviation, within its range.

    For a metric of rows, the deviation is that of `draws` parts of them, drawn without replacement, each with another
    seed, times sqrt(p / (1 - p)) for a share p of the rows (Politis & Romano, 1994): unlike the rows of a bootstrap
    those of a part are all different, which estimates of information need. p is the golden section, .618. A smooth
    score has the right deviation with any p, but one of noise is made of squares, as information is of independent
    variables: its parts stray from the whole by p (1 + p) of its variance, which is 1 for this p (with halves it was
    3/4, and intervals of Modularity and IRS of noise covered .87 and .90). For a metric of a grid it is that of
    `draws` seeds, with the table as it is. t is Student's at `level` with `draws` - 1 degrees of freedom. The
    bias of a score is not in it. NaN where a score is. `limits` are options of `evaluate`, such as `rows`. Raises
    `DistaffError` as the metric does, and for fewer than two draws or a level outside 0 to 1.
    """
    spec, given = specification(metric), table(codes, factors, **limits)
    return interval_of(spec, given, float(evaluate_table(spec, given)), draws, level)


def interval_of(
    spec: Spec, given: Table, value: float, draws: int = DRAWS, level: float = LEVEL
) -> tuple[float, float]:
    """The interval around a `value` that is known already."""
    from scipy.special import stdtrit

    if draws < 2 or not 0 < level < 1:
        raise DistaffError(f"an interval needs two draws and a level between 0 and 1, not {draws} and {level}")
    found = np.array([float(_again(spec, given, draw)) for draw in range(1, draws + 1)])
    if not (math.isfinite(value) and np.isfinite(found).all()):
        return math.nan, math.nan
    stretch = 1.0 if is_grid(spec) else STRETCH
    wide = stretch * float(stdtrit(draws - 1, 0.5 + level / 2) * found.std(ddof=1))
    least, most = registry_of(spec).plugin(spec.name).marks["range"]
    return max(value - wide, min(value, float(least))), min(value + wide, max(value, float(most)))


def _again(spec: Spec, given: Table, draw: int) -> float:
    """The score with other draws: of a part of the rows, or of the same grid."""
    if is_grid(spec):
        return float(evaluate_table(spec, given, seed=draw))
    rng = generator("halves", draw)
    parts = Split(*(rng.permutation(rows)[: round(PART * len(rows)) or len(rows)] for rows in splits(spec, given)))
    return float(evaluate_table(spec, given, split=parts, seed=draw))
