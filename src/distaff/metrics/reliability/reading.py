"""A score as it should be reported: its value, its share of the way from noise to a perfect code, and an interval."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from distaff.metrics import Score
from distaff.metrics.baselines import Baselines, baselines_of
from distaff.metrics.evaluate import Sampled, Table, evaluate_table, specification, table
from distaff.metrics.reliability.interval import DRAWS, interval_of
from distaff.plugins.registry import registry_of
from distaff.plugins.spec import Spec


class Reading(NamedTuple):
    """A score with what it means on these factors."""

    metric: str
    score: Score
    baselines: Baselines | None
    share: float  # of the way from noise to a perfect code; NaN where both are as good, as of independence
    interval: tuple[float, float]
    higher_is_better: bool


def read(metric: str | Spec, codes: Any, factors: Any, *, draws: int = DRAWS, **limits: Any) -> Reading:
    """The score of codes [n d] and factors [n f] by a metric such as "mig(bins=30)", with its baselines and interval.

    `draws=0` leaves the interval out. `limits` are options of `evaluate`, such as `rows`, `test_rows` and `jobs`. It
    costs `draws` / 2 + 3 times the metric alone. Raises `DistaffError` as the metric does.
    """
    return reading_of(specification(metric), table(codes, factors, **limits), draws)


def reading_of(spec: Spec, given: Table, draws: int = DRAWS, meaning: bool = True) -> Reading:
    """The reading of a table; with `meaning=False` the score alone."""
    score = evaluate_table(spec, given)
    found = baselines_of(spec, given, _width(given)) if meaning else None
    around = interval_of(spec, given, float(score), draws) if meaning and draws else (math.nan, math.nan)
    better = bool(registry_of(spec).plugin(spec.name).marks.get("higher_is_better", True))
    share = found.share(float(score)) if found and better else math.nan
    return Reading(str(spec), score, found, share, around, better)


def _width(given: Table) -> int:
    codes = given.codes.mean if isinstance(given.codes, Sampled) else given.codes
    return int(codes.shape[1])
