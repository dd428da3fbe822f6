"""What a claim is, and what becomes of it on the evidence of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distaff.analysis.claims.evidence import Evidence
from distaff.analysis.claims.verdict import NOT_APPLICABLE, OPEN, Region, judge, more_seeds
from distaff.analysis.intervals import centred
from distaff.analysis.needs import Need
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
    needs: Sequence[Need]
    sees: Sequence[Need]
    seeds: int
    bounds: tuple[float, float]


def claim(
    statement: str,
    effect: str,
    *,
    published: str,
    source: str,
    holds: tuple[float, float],
    figure: str,
    needs: Sequence[Need] = (),
    sees: Sequence[Need] = (),
    seeds: int = 2,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Callable[[Measure], Measure]:
    """Enter a function from the evidence to its effect [1 + resamples] among the claims, under its own name.

    `holds` are the effects under which the claim is true, `bounds` those that there can be. Without one of `needs` the
    effect cannot exist in a study, and the claim is not applicable. Without one of `sees` the study could not see the
    contrary, and with fewer than `seeds` a setting there is no interval: then there is not enough evidence.
    """

    def enter(measure: Measure) -> Measure:
        name = measure.__name__
        CLAIMS[name] = Claim(
            name, statement, effect, published, source, Region(*holds), figure, measure, needs, sees, seeds, bounds
        )
        return measure

    return enter


def assess(one: Claim, study: Evidence) -> dict[str, object]:
    """One claim on the evidence of a study, as a row of the scorecard."""
    row = {name: getattr(one, name) for name in ("name", "statement", "effect", "published", "source", "figure")}
    row |= {"holds_from": one.region.low, "holds_to": one.region.high, "n": study.runs, "seeds": study.seeds}
    row |= {"value": None, "low": None, "high": None, "verdict": OPEN, "more_seeds": None, "needs": None}
    if lacking := _lacking(one.needs, study):
        return {**row, "verdict": NOT_APPLICABLE, "needs": lacking}
    try:
        drawn = one.measure(study)
    except DistaffError as missing:
        return {**row, "needs": str(missing)}
    if study.seeds < one.seeds:
        return {**row, "value": float(drawn[0]), "needs": f"needs {SEEDS[one.seeds]} seeds a setting"}
    effect = centred(float(drawn[0]), drawn[1:], study.seeds, study.runs, one.bounds)
    row |= {name: None if np.isnan(number) else number for name, number in effect._asdict().items() if name != "n"}
    verdict = judge(effect, one.region)
    if verdict == OPEN:
        return {**row, "more_seeds": more_seeds(effect, one.region, study.seeds)}
    unseen = _lacking(one.sees, study)
    return {**row, "verdict": OPEN if unseen else verdict, "needs": unseen}


SEEDS = {2: "two", 4: "four"}


def _lacking(needs: Sequence[Need], study: Evidence) -> str | None:
    return next((lacking for need in needs if (lacking := need(study))), None)
