"""What a claim is, and what becomes of it on the evidence of a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distaff.analysis.claims.evidence import Evidence
from distaff.analysis.claims.verdict import OPEN, Region, judge, more_seeds
from distaff.analysis.intervals import centred
from distaff.errors import DistaffError

Measure = Callable[[Evidence], NDArray[np.float64]]
CLAIMS: dict[str, Claim] = {}


@dataclass(frozen=True)
class Claim:
    """One statement: what is measured, what was published of it and where, and the effects under which it holds."""

    name: str
    statement: str
    effect: str
    published: str
    source: str
    region: Region
    figure: str  # of the report, where it is seen
    measure: Measure
    bounds: tuple[float, float] = (-np.inf, np.inf)


def claim(
    statement: str,
    effect: str,
    *,
    published: str,
    source: str,
    holds: tuple[float, float],
    figure: str,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Callable[[Measure], Measure]:
    """Enter a function from the evidence to its effect [1 + resamples] among the claims, under its own name.

    `holds` are the effects under which the claim is true, `bounds` those that there can be.
    """

    def enter(measure: Measure) -> Measure:
        name = measure.__name__
        CLAIMS[name] = Claim(name, statement, effect, published, source, Region(*holds), figure, measure, bounds)
        return measure

    return enter


def assess(one: Claim, study: Evidence) -> dict[str, object]:
    """One claim on the evidence of a study, as a row of the scorecard."""
    told = {name: getattr(one, name) for name in ("name", "statement", "effect", "published", "source", "figure")}
    told |= {"holds_from": one.region.low, "holds_to": one.region.high, "n": study.runs, "seeds": study.seeds}
    blank = {"value": None, "low": None, "high": None, "verdict": OPEN, "more_seeds": None}
    try:
        drawn = one.measure(study)
    except DistaffError as missing:
        return {**told, **blank, "needs": str(missing)}
    effect = centred(float(drawn[0]), drawn[1:], study.seeds, study.runs, one.bounds)
    verdict = judge(effect, one.region)
    more = more_seeds(effect, one.region, study.seeds) if verdict == OPEN else None
    ends = {name: None if np.isnan(end) else end for name, end in (("low", effect.low), ("high", effect.high))}
    needs = "needs two seeds a setting" if study.seeds <= 1 else None
    return {**told, "value": effect.value, **ends, "verdict": verdict, "more_seeds": more, "needs": needs}
