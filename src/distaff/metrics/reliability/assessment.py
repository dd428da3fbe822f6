"""A score as it should be reported: its value, its share of the way from noise to a perfect code, and an interval."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from distaff.metrics import Score
from distaff.metrics.baselines import Baselines, baselines_of
from distaff.metrics.evaluate import EvaluationTable, Sampled, evaluate_table, evaluation_table, specification
from distaff.metrics.reliability.interval import DRAWS, interval_of
from distaff.plugins.registry import registry_of
from distaff.plugins.spec import Spec


class Assessment(NamedTuple):
    """A score with its baselines on these factors and its interval."""

    metric: str
    score: Score
    baselines: Baselines | None
    share: float  # of the way from noise to a perfect code; NaN where both score alike, as in independence
    interval: tuple[float, float]
    higher_is_better: bool


def assess(metric: str | Spec, codes: Any, factors: Any, *, draws: int = DRAWS, **options: Any) -> Assessment:
    """The score of codes [n d] and factors [n f] by a metric such as "mig(bins=30)", with its baselines and interval.

    `draws=0` leaves the interval out. `options` are options of `evaluate`, such as `rows`, `test_rows` and `jobs`. It
    costs `draws` / 2 + 3 times the metric alone. Raises `DistaffError` as the metric does.
    """
    return assess_table(specification(metric), evaluation_table(codes, factors, **options), draws)


def assess_table(spec: Spec, table: EvaluationTable, draws: int = DRAWS, with_baselines: bool = True) -> Assessment:
    """The assessment of a table; with `with_baselines=False` the score alone."""
    score = evaluate_table(spec, table)
    baselines = baselines_of(spec, table, _width(table)) if with_baselines else None
    around = interval_of(spec, table, float(score), draws) if with_baselines and draws else (math.nan, math.nan)
    better = bool(registry_of(spec).plugin(spec.name).marks.get("higher_is_better", True))
    share = baselines.share(float(score)) if baselines and better else math.nan
    return Assessment(str(spec), score, baselines, share, around, better)


def _width(table: EvaluationTable) -> int:
    codes = table.codes.mean if isinstance(table.codes, Sampled) else table.codes
    return int(codes.shape[1])
