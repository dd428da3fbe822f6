"""Strong downstream accuracy: does a classifier survive when another factor takes values it has never seen?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.metrics.core.lookup import look_up
from distaff.metrics.core.predict import hit
from distaff.metrics.core.rows import Rows
from distaff.tasks import Score, task
from distaff.tasks._learners import check, learn


@task(paper="https://github.com/google-research/disentanglement_lib", rows="grid", range=(0, 1))
def strong_downstream(
    codes: Any,
    factors: Any,
    jobs: int = 1,
    *,
    seed: int = 0,
    labels: int = 10_000,
    test: int = 5_000,
    experiments: int = 1,
    learner: str = "trees",
) -> Score:
    r"""Strong downstream accuracy (disentanglement_lib 1.3): of a factor, with another shifted between train and test.

    For each of the factors [n f] and each of `experiments`: another factor is drawn; in `labels` rows of training it is
    set to one value, in `test` rows to any of its other values; a classifier learns the first factor from codes [n d].
    The score is the mean accuracy on those tests. Parts: `train` and `test`, the same without a shift; `strong_train`
    and `strong_test` (the score); `gap` = 1 - strong_test / test; `strong_test_<factor>`.

    `codes` is a table, an object that answers `codes[rows]`, or a function `sample(factors)` of factor values;
    `factors` are the rows, in which every cell that the shift asks for must exist. From 0 to 1, higher is better. Only
    factors with at least two values are shifted; with none to shift, or codes that are not finite, NaN with a reason.
    No configuration of the old library states sizes.

    Raises `DistaffError` naming a missing cell, an unknown `learner`, or counts below one.
    """
    check("strong_downstream", learner, labels=labels, test=test, experiments=experiments)
    rows, rng = Rows(factors), generator("strong_downstream", seed)
    movable = np.flatnonzero(rows.sizes > 1)
    pairs = [(j, movable[movable != j]) for j in range(len(rows.sizes))]
    pairs = [(j, others) for j, others in pairs if len(others)]
    if not pairs:
        return Score(math.nan, reason="no factor has another beside it that takes two values")
    learnt, asked = rows.anywhere(labels, rng), rows.anywhere(test, rng)
    codes_of = look_up(codes, rows)
    x, fresh = codes_of(learnt), codes_of(asked)
    if not (np.isfinite(x).all() and np.isfinite(fresh).all()):
        return Score(math.nan, reason="codes hold values that are not finite")
    plain, strong, parts = [], [], {}
    for j, others in pairs:
        y = rows.classes[:, j]
        plain.append(_taught(learner, (x, y[learnt]), (fresh, y[asked]), rng, jobs))
        found = []
        for _ in range(experiments):
            here, there = _shifted(rows, learnt, asked, int(rng.choice(others)), rng)
            train, tested = (codes_of(here), y[here]), (codes_of(there), y[there])
            if not (np.isfinite(train[0]).all() and np.isfinite(tested[0]).all()):
                return Score(math.nan, reason="codes hold values that are not finite")
            found.append(_taught(learner, train, tested, rng, jobs))
        strong += found
        parts[f"strong_test_{rows.names[j]}"] = float(np.mean(found, axis=0)[1])
    train, tested = np.mean(plain, axis=0).tolist()
    strong_train, strong_test = np.mean(strong, axis=0).tolist()
    gap = 1 - strong_test / tested if tested > 0 else math.nan
    whole = {"train": train, "test": tested, "strong_train": strong_train, "strong_test": strong_test, "gap": gap}
    return Score(strong_test, whole | parts)


def _shifted(
    rows: Rows, learnt: NDArray[np.int64], asked: NDArray[np.int64], factor: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows like `learnt` with `factor` at one drawn value, and like `asked` with it at any of the others."""
    values = np.unique(rows.values[:, factor])
    chosen = rng.choice(values)
    here, there = rows.values[learnt].copy(), rows.values[asked].copy()
    here[:, factor] = chosen
    there[:, factor] = rng.choice(values[values != chosen], size=len(asked))
    return rows.at(here, rng), rows.at(there, rng)


def _taught(
    learner: str,
    train: tuple[NDArray[Any], NDArray[Any]],
    test: tuple[NDArray[Any], NDArray[Any]],
    rng: np.random.Generator,
    jobs: int,
) -> tuple[float, float]:
    model = learn(learner, *train, int(rng.integers(2**63)), jobs)
    return hit(train[1], model.predict(train[0]), False), hit(test[1], model.predict(test[0]), False)
