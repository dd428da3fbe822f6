"""What a claim is, and its assessment on the evidence of a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from distaff.analysis.claims.evidence import Evidence
from distaff.analysis.claims.requirements import Requirement
from distaff.analysis.claims.verdict import NOT_APPLICABLE, OPEN, Region, judge, more_seeds
from distaff.analysis.intervals import centred
from distaff.errors import DistaffError

Measure = Callable[[Evidence], NDArray[np.float64]]
CLAIMS: dict[str, Claim] = {}


@dataclass(frozen=True)
class Claim:
    """One statement: what is measured, what was published about it and where, and the effects under which it holds."""

    name: str
    statement: str
    effect: str
    published: str
    source: str
    region: Region
    figure: str  # of the report, which shows it
    measure: Measure
    requires: Sequence[Requirement]
    controls: Sequence[Requirement]
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
    requires: Sequence[Requirement] = (),
    controls: Sequence[Requirement] = (),
    seeds: int = 2,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Callable[[Measure], Measure]:
    """Register a function from the evidence to its effect [1 + resamples] as a claim, under the name of the function.

    `holds` are the effects under which the claim is true, `bounds` those that are possible. Without one of `requires`
    the effect cannot exist in a study, and the claim is not applicable. Without one of `controls` the study could not
    detect the contrary, and with fewer than `seeds` a setting there is no interval: then there is not enough evidence.
    """

    def register(measure: Measure) -> Measure:
        name = measure.__name__
        CLAIMS[name] = Claim(
            name,
            statement,
            effect,
            published,
            source,
            Region(*holds),
            figure,
            measure,
            requires,
            controls,
            seeds,
            bounds,
        )
        return measure

    return register


def assess(one: Claim, study: Evidence) -> dict[str, object]:
    """One claim on the evidence of a study, as a row of the scorecard."""
    row = {name: getattr(one, name) for name in ("name", "statement", "effect", "published", "source", "figure")}
    row |= {"holds_from": one.region.low, "holds_to": one.region.high, "n": study.runs, "seeds": study.seeds}
    row |= {"value": None, "low": None, "high": None, "verdict": OPEN, "more_seeds": None, "needs": None}
    if missing := _first_missing(one.requires, study):
        return {**row, "verdict": NOT_APPLICABLE, "needs": missing}
    try:
        drawn = one.measure(study)
    except DistaffError as error:
        return {**row, "needs": str(error)}
    if study.seeds < one.seeds:
        return {**row, "value": float(drawn[0]), "needs": f"needs {SEEDS[one.seeds]} seeds a setting"}
    effect = centred(float(drawn[0]), drawn[1:], study.seeds, study.runs, one.bounds)
    row |= {name: None if np.isnan(number) else number for name, number in effect._asdict().items() if name != "n"}
    verdict = judge(effect, one.region)
    if verdict == OPEN:
        return {**row, "more_seeds": more_seeds(effect, one.region, study.seeds)}
    uncontrolled = _first_missing(one.controls, study)
    return {**row, "verdict": OPEN if uncontrolled else verdict, "needs": uncontrolled}


SEEDS = {2: "two", 4: "four"}


def _first_missing(requirements: Sequence[Requirement], study: Evidence) -> str | None:
    return next((missing for requirement in requirements if (missing := requirement(study))), None)
