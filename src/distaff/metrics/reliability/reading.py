"""A score as it should be reported: its value, its share of what can be reached here, and an interval."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from distaff.metrics import Score
from distaff.metrics.reliability.asking import Table, ask, specification, table
from distaff.metrics.reliability.interval import DRAWS, interval_of
from distaff.metrics.reliability.reach import Reach, reach_of
from distaff.plugins.registry import Spec, registry_of


class Reading(NamedTuple):
    """A score with what it means on these factors."""

    metric: str
    score: Score
    reach: Reach | None
    share: float  # of the way from noise to a perfect code; NaN where both are as good, as of independence
    interval: tuple[float, float]
    higher_is_better: bool


def read(metric: str | Spec, codes: Any, factors: Any, *, draws: int = DRAWS, **limits: int) -> Reading:
    """The score of codes [n d] and factors [n f] by a metric such as "mig(bins=30)", with its reach and interval.

    `draws=0` leaves the interval out. `limits` are `rows` and `test_rows`, the most that a metric is given, and `jobs`,
    threads. It costs `draws` / 2 + 3 times the metric alone. Raises `DistaffError` as the metric does.
    """
    spec, told = specification(metric), table(codes, factors, **limits)
    return reading_of(spec, told, draws)


def reading_of(spec: Spec, told: Table, draws: int = DRAWS, meaning: bool = True) -> Reading:
    """The reading of a table; with `meaning=False` the score alone."""
    score = ask(spec, told)
    found = reach_of(spec, told, told.codes.shape[1]) if meaning else None
    around = interval_of(spec, told, float(score), draws) if meaning and draws else (math.nan, math.nan)
    better = bool(registry_of(spec).plugin(spec.name).marks.get("higher_is_better", True))
    share = found.share(float(score)) if found and better else math.nan
    return Reading(str(spec), score, found, share, around, better)
