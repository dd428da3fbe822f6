"""How far a score would move with other rows and other draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.evaluate import (
    EvaluationTable,
    Split,
    evaluate_table,
    evaluation_table,
    is_grid,
    specification,
    splits,
)
from distaff.plugins.registry import registry_of
from distaff.plugins.spec import Spec

DRAWS, LEVEL = 10, 0.95
SHARE = (math.sqrt(5) - 1) / 2  # of the rows in a draw: see `interval`
STRETCH = math.sqrt(SHARE / (1 - SHARE))


def interval(
    metric: str | Spec, codes: Any, factors: Any, *, draws: int = DRAWS, level: float = LEVEL, **options: Any
) -> tuple[float, float]:
    """Where the score would lie with other rows of the same kind: value -+ t * standard deviation, within its range.

    For a metric of rows, the deviation is that of `draws` parts of them, drawn without replacement, each with another
    seed, times sqrt(p / (1 - p)) for a share p of the rows (Politis & Romano, 1994): unlike the rows of a bootstrap
    those of a part are all different, which estimates of information need. p is the golden section, .618. A smooth
    score has the right deviation with any p, but one of noise is made of squares, as information is of independent
    variables: its parts differ from the whole by p (1 + p) of its variance, which is 1 for this p (with halves it was
    3/4, and intervals of Modularity and IRS of noise covered .87 and .90). For a metric of a grid it is that of
    `draws` seeds, with the table as it is. t is Student's at `level` with `draws` - 1 degrees of freedom. The
    bias of a score is not in it. NaN where a score is. `options` are options of `evaluate`, such as `rows`. Raises
    `DistaffError` as the metric does, and for fewer than two draws or a level outside 0 to 1.
    """
    spec, table = specification(metric), evaluation_table(codes, factors, **options)
    return interval_of(spec, table, float(evaluate_table(spec, table)), draws, level)


def interval_of(
    spec: Spec, table: EvaluationTable, value: float, draws: int = DRAWS, level: float = LEVEL
) -> tuple[float, float]:
    """The interval around a `value` that is known already."""
    from scipy.special import stdtrit

    if draws < 2 or not 0 < level < 1:
        raise DistaffError(f"an interval needs two draws and a level between 0 and 1, not {draws} and {level}")
    scores = np.array([float(_redrawn(spec, table, draw)) for draw in range(1, draws + 1)])
    if not (math.isfinite(value) and np.isfinite(scores).all()):
        return math.nan, math.nan
    stretch = 1.0 if is_grid(spec) else STRETCH
    wide = stretch * float(stdtrit(draws - 1, 0.5 + level / 2) * scores.std(ddof=1))
    least, most = registry_of(spec).plugin(spec.name).marks["range"]
    return max(value - wide, min(value, float(least))), min(value + wide, max(value, float(most)))


def _redrawn(spec: Spec, table: EvaluationTable, draw: int) -> float:
    """The score with other draws: of a part of the rows, or of the same grid."""
    if is_grid(spec):
        return float(evaluate_table(spec, table, seed=draw))
    rng = generator("halves", draw)
    subset = Split(*(rng.permutation(rows)[: round(SHARE * len(rows)) or len(rows)] for rows in splits(spec, table)))
    return float(evaluate_table(spec, table, split=subset, seed=draw))
