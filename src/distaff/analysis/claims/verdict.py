"""From an effect and its interval to a verdict, and how many more seeds one would take."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from distaff.analysis.intervals import Interval, student

SUPPORTED, CONTRADICTED, OPEN = "supported", "contradicted", "not enough evidence"
NOT_APPLICABLE = "not applicable"  # the effect cannot exist in this study, however many seeds it has
MOST = 1000  # more seeds than anyone trains: the effect lies on the border


class Region(NamedTuple):
    """The effects under which a claim holds."""

    low: float
    high: float


def judge(effect: Interval, region: Region) -> str:
    """Supported where the whole interval lies in the region, contradicted where none of it does, else open."""
    if math.isnan(effect.low) or math.isnan(effect.high):
        return OPEN
    if effect.low > region.low and effect.high < region.high:
        return SUPPORTED
    if effect.high < region.low or effect.low > region.high:
        return CONTRADICTED
    return OPEN


def more_seeds(effect: Interval, region: Region, seeds: float) -> int | None:
    """How many more seeds a setting would decide an open claim, were the effect as estimated; None beyond `MOST`.

    The least number at which `judge` decides, as an interval of n seeds is t(n - 1) / sqrt(n) wide.
    """
    if math.isnan(effect.low) or seeds <= 1:
        return None
    more = np.arange(1, MOST + 1)
    shrunk = student(seeds + more) / student(seeds) * np.sqrt(seeds / (seeds + more))
    low, high = (
        effect.value - shrunk * (effect.value - effect.low),
        effect.value + shrunk * (effect.high - effect.value),
    )
    inside = (low > region.low) & (high < region.high)
    outside = (high < region.low) | (low > region.high)
    decided = np.flatnonzero(inside | outside)
    return int(more[decided[0]]) if len(decided) else None
