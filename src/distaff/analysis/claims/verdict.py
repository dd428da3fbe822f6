"""From an effect and its interval to a verdict, and how many more seeds one would take."""

from __future__ import annotations

import math
from typing import NamedTuple

from distaff.analysis.intervals import Interval

SUPPORTED, CONTRADICTED, OPEN = "supported", "contradicted", "not enough evidence"
MOST = 1000  # more seeds than this nobody trains: the effect lies on the border


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
    """How many more seeds a setting would decide an open claim, were the effect what it seems; None if beyond reach.

    An interval of n seeds shrinks as 1 / sqrt(n); it must no longer hold the nearest end of the region.
    """
    if math.isnan(effect.low) or seeds <= 1:
        return None
    needed = 0.0
    for end in (end for end in region if math.isfinite(end)):
        distance = abs(effect.value - end)
        width = effect.value - effect.low if end < effect.value else effect.high - effect.value
        needed = max(needed, math.inf if distance == 0 else seeds * (width / distance) ** 2)
    inside = region.low < effect.value < region.high
    if not inside:  # one end is enough: the near one
        near = min((end for end in region if math.isfinite(end)), key=lambda end: abs(effect.value - end))
        distance = abs(effect.value - near)
        width = effect.value - effect.low if near < effect.value else effect.high - effect.value
        needed = math.inf if distance == 0 else seeds * (width / distance) ** 2
    more = needed - seeds
    return None if more > MOST else max(1, math.ceil(more))
