"""What a claim requires of a study: that its effect can exist there, and that the study could detect the contrary.

A requirement is a function of the evidence that returns what is missing, or None. A claim lists those of the first kind
as `requires=`: without one of them it is not applicable. It lists those of the second kind as `controls=`: without one
of them it is open, whatever its interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from distaff.analysis.claims import measures
from distaff.analysis.claims.evidence import Evidence
from distaff.analysis.intervals import centred
from distaff.analysis.paper import RANGES
from distaff.analysis.scores import TC, unsupervised
from distaff.analysis.usefulness import accuracies, efficiencies

Requirement = Callable[[Evidence], str | None]
WORDS = {1: "one", 2: "two", 3: "three"}
CLEARLY = 0.65  # of games won: half of what the paper's best row gains over chance


def columns(*names: str) -> Requirement:
    """Scores that some data set has all of."""

    def missing(study: Evidence) -> str | None:
        exists = any(set(names) <= part.columns.keys() for part in study.datasets)
        return None if exists else f"needs {' and '.join(names)}"

    return missing


def strengths(method: str, column: str) -> Requirement:
    """A score of one method at two of the paper's strengths."""
    low, high = RANGES[method]

    def missing(study: Evidence) -> str | None:
        for part in study.datasets_with_duplicates:
            rows = part.method == method
            if column in part.columns and len(np.unique(part.strength_index[rows])) > 1:
                return None
        return f"needs {column} of {method} at two strengths from {low} to {high}"

    return missing


def both_methods(one: str, other: str, column: str) -> Requirement:
    """A score of two methods on one data set."""

    def missing(study: Evidence) -> str | None:
        exists = any(
            column in part.columns and {one, other} <= set(part.method) for part in study.datasets_with_duplicates
        )
        return None if exists else f"needs {column} of {one} and of {other}"

    return missing


def plain_vae(column: str) -> Requirement:
    """A score of the plain VAE and of other settings on one data set."""

    def missing(study: Evidence) -> str | None:
        parts = measures.with_columns(study, column)
        exists = any(0 < measures.is_plain(part).sum() < len(part.method) for part in parts)
        return None if exists else f"needs {column} of beta_vae(beta=1) and of other settings"

    return missing


def methods(least: int) -> Requirement:
    """So many methods of the paper on one data set: of one method alone, the choice explains nothing."""

    def missing(study: Evidence) -> str | None:
        most = max((len(np.unique(part.method)) for part in study.datasets), default=0)
        return None if most >= least else f"needs {WORDS[least]} methods of the paper on one data set"

    return missing


def datasets(least: int) -> Requirement:
    """So many data sets with settings to compare."""

    def missing(study: Evidence) -> str | None:
        if len(study.datasets) >= least:
            return None
        return "needs a second data set" if least == 2 else f"needs {WORDS[least]} data sets"

    return missing


def metrics(least: int, *, ordinary: bool = False) -> Requirement:
    """So many of the paper's metrics on every data set; `ordinary` ones leave Modularity out."""
    beside = " beside Modularity" if ordinary else ""

    def missing(study: Evidence) -> str | None:
        names = measures.ordinary_metrics(study) if ordinary else study.metrics
        if len(names) >= least:
            return None
        what = "one of the paper's six metrics" if least == 1 else f"{WORDS[least]} of the paper's six metrics"
        return f"needs {what}{beside}"

    return missing


def factor_sizes(study: Evidence) -> str | None:
    """How many values the factors of a data set have."""
    exists = any(study.grids.get(part.dataset) for part in study.datasets)
    return None if exists else "needs the factor sizes of its data set"


def accuracy(study: Evidence) -> str | None:
    """A downstream task."""
    return None if accuracies(study.table) else "needs downstream accuracy"


def efficiency(study: Evidence) -> str | None:
    """Statistical efficiency."""
    return None if efficiencies(study.table) else "needs statistical efficiency"


def no_labels(study: Evidence) -> str | None:
    """A loss or another score without labels."""
    return None if unsupervised(study.table) else "needs a loss or another score without labels"


def more_than_noise(study: Evidence) -> str | None:
    """Scores that tell settings apart, or go together: of noise neither a large nor a small effect means anything."""
    return None if study.reliability.more_than_noise() else "the scores cannot be told from noise here"


def each_more_than_noise(*names: str) -> Requirement:
    """The same of each of some metrics: noise goes with nothing."""

    def missing(study: Evidence) -> str | None:
        noise = [name for name in names if not study.reliability.more_than_noise(name)]
        return f"{' and '.join(noise)} cannot be told from noise here" if noise else None

    return missing


def settings_differ(study: Evidence) -> str | None:
    """Settings whose scores differ by more than the luck of their seeds: else no method can be shown to be the best."""
    return None if study.reliability.differ() else "settings do not differ by more than their seeds here"


def settings_differ_in(name: str) -> Requirement:
    """The same of one metric: one that is luck disagrees with every other, which shows nothing about it."""

    def missing(study: Evidence) -> str | None:
        return None if study.reliability.differ(name) else f"{name} differs by seeds more than by settings here"

    return missing


def settings_differ_in_efficiency(study: Evidence) -> str | None:
    """Sample efficiency that is more than the luck of seeds: no score has a link with luck."""
    names = [one.column for one in efficiencies(study.table)]
    columns: Sequence[str] = [name for name in names if all(name in part.columns for part in study.datasets)]
    reliability = study.reliability_of(columns)
    differ = any(reliability.differ(name) for name in columns)
    return None if differ else "sample efficiency differs by seeds more than by settings here"


def falls_for(method: str, column: str) -> Requirement:
    """The positive control of a score that does not fall: the study sees it fall with another method's strength."""

    def missing(study: Evidence) -> str | None:
        if lacking := strengths(method, column)(study):
            return lacking
        drawn = measures.trend(study, column, method)
        falls = centred(float(drawn[0]), drawn[1:], study.seeds, study.runs, (-1, 1)).high < 0
        return None if falls else f"{column} does not even fall with the strength of {method} here, with certainty"

    return missing


def gap_is_significant(study: Evidence) -> str | None:
    """More total correlation of means than of samples: without a gap there is nothing to explain."""
    drawn = measures.gap(study, TC)
    gap = centred(float(drawn[0]), drawn[1:], study.seeds, study.runs)
    return None if gap.low > 0 else "means do not depend more than samples here, with certainty"


def good_settings_stay_good(study: Evidence) -> str | None:
    """The positive control of the games: on its own data set and metric, a good setting wins by more than `CLEARLY`."""
    drawn = study.game(metric=True, dataset=True)
    same_setting = centred(float(drawn[0]), drawn[1:], study.seeds, study.runs, (0, 1))
    if same_setting.low > CLEARLY:
        return None
    return "not even another seed of a good setting beats a random model here, with certainty"
