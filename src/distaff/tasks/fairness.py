"""Unfairness: how much do predictions of one factor change with another that should not matter?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.metrics.core.lookup import look_up
from distaff.metrics.core.rows import Rows
from distaff.tasks import Score, task
from distaff.tasks._learners import check, learn


@task(paper="https://arxiv.org/abs/1905.13662", rows="grid", range=(0, 1), higher_is_better=False)
def fairness(
    codes: Any,
    factors: Any,
    jobs: int = 1,
    *,
    seed: int = 0,
    labels: int = 10_000,
    per_value: int = 100,
    learner: str = "trees",
) -> Score:
    r"""Unfairness (Locatello et al., 2019b, Sec. 3): total variation of predictions over a sensitive factor's values.

    A classifier of each factor i learns from `labels` rows. For each other factor j, `per_value` rows are drawn and
    factor j of all is set to each of its values c in turn; TV_c = 1/2 sum_p |P(p | c) - P(p)| compares the predictions
    for c with those for all. The score is the mean over i, j and c: 0 is fair, 1 the least fair.

    `codes` is a table [n d], an object that answers `codes[rows]`, or a function `sample(factors)` of factor values;
    `factors` [n f] are the rows, in which every cell that an intervention asks for must exist. Parts: `mean` (the
    score), `max_of_means`, `mean_of_maxima`, `max`, with the maxima over c. Matrix: the mean over c for predicted
    factor i and sensitive factor j [f f], 0 on the diagonal. A sensitive factor with one value is always fair. With one
    factor, or codes that are not finite, NaN with a reason. 10,000 rows, 100 a value and boosted trees are the fairness
    study's.

    Raises `DistaffError` naming a missing cell, an unknown `learner`, or counts below one.
    """
    check("fairness", learner, labels=labels, per_value=per_value)
    rows, rng = Rows(factors), generator("fairness", seed)
    f, codes_of = len(rows.sizes), look_up(codes, rows)
    if f < 2:
        return Score(math.nan, reason="with one factor there is no other to be unfair about")
    learnt = rows.anywhere(labels, rng)
    x = codes_of(learnt)
    groups = [_groups(rows, j, per_value, rng) for j in range(f)]
    asked = [codes_of(group.reshape(-1)) for group in groups]
    if not all(np.isfinite(part).all() for part in [x, *asked]):
        return Score(math.nan, reason="codes hold values that are not finite")
    mean, greatest = np.zeros((f, f)), np.zeros((f, f))
    for i in range(f):
        model = learn(learner, x, rows.classes[learnt, i], int(rng.integers(2**63)), jobs)
        for j in range(f):
            if i != j:
                said = model.predict(asked[j]).reshape(groups[j].shape)
                counts = np.stack([np.bincount(group, minlength=rows.sizes[i]) for group in said], axis=1)
                mean[i, j], greatest[i, j] = between_groups(counts)
    off = ~np.eye(f, dtype=bool)
    parts = {
        "mean": float(mean[off].mean()),
        "max_of_means": float(mean[off].max()),
        "mean_of_maxima": float(greatest[off].mean()),
        "max": float(greatest[off].max()),
    }
    return Score(parts["mean"], parts, mean)


def between_groups(counts: NDArray[Any]) -> tuple[float, float]:
    """Mean, weighted by size, and maximum of the total variation between each column of `counts` [p c] and all."""
    pooled = counts.sum(axis=1) / counts.sum()
    sizes = counts.sum(axis=0)
    distances = 0.5 * np.abs(counts / sizes - pooled[:, None]).sum(axis=0)
    return float(distances @ sizes / sizes.sum()), float(distances.max())


def _groups(rows: Rows, j: int, per_value: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows [c per_value] that differ, from one group to the next, in the value of factor j only."""
    cells = rows.values[rows.anywhere(per_value, rng)]
    values = np.unique(rows.values[:, j])
    wanted = np.tile(cells, (len(values), 1))
    wanted[:, j] = np.repeat(values, per_value)
    return rows.at(wanted, rng).reshape(len(values), per_value)
