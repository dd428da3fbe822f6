"""Reduced downstream accuracy: what is lost with the codes that matter most to one factor?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.core.predict import Lesson, lesson
from distaff.metrics.core.predict import learn_trees as trees_of
from distaff.tasks import Score, task
from distaff.tasks._learners import check
from distaff.tasks.downstream import accuracies


@task(
    paper="https://github.com/google-research/disentanglement_lib",
    rows=10_000,
    test_rows=5_000,
    range=(0, 1),
    higher_is_better=False,
)
def reduced_downstream(
    codes: Any,
    factors: Any,
    test: Any = None,
    jobs: int = 1,
    *,
    seed: int = 0,
    labels: int = 10_000,
    remove: int = 1,
    learner: str = "trees",
) -> Score:
    r"""Reduced downstream accuracy (disentanglement_lib 1.3): of each factor without the codes most important to it.

    For each of the factors [n f]: `remove` times, the code of [n d] most important to boosted trees that predict it is
    taken away; then every factor is predicted from what is left, as in `downstream`. The score is the mean accuracy of
    the factors aimed at. Low beside a high `test_other_factors` means that the factor was in those codes alone, and
    they held nothing else. Parts: `train_` and `test_reduced_factor`, `train_` and `test_other_factors` (NaN with one
    factor), and `test_<factor>_without_<factor>`. Matrix: the test accuracy of factor j without factor i's codes [f f].

    A factor that does not vary loses its first code. Codes that are not finite give NaN with a reason. One code and
    boosted trees are the defaults of the library, whose study did not report it.

    Raises `DistaffError` for arrays that do not fit together, or where fewer than one code would be left.
    """
    check("reduced_downstream", learner, labels=labels, remove=remove)
    taught = lesson("reduced_downstream", codes, factors, test, seed, classes=True)
    if remove >= taught.train.shape[1]:
        raise DistaffError(f"reduced_downstream: taking {remove} of {taught.train.shape[1]} codes leaves none")
    if taught.broken:
        return Score(math.nan, reason=taught.broken)
    rng, f = generator("reduced_downstream", seed), len(taught.sizes)
    drawn = rng.permutation(len(taught.train))[:labels]
    taught = replace(
        taught, train=taught.train[drawn], train_targets=[target[drawn] for target in taught.train_targets]
    )
    train, tested = np.zeros((f, f)), np.zeros((f, f))
    for i in range(f):
        left = _without(taught, i, remove, rng, jobs)
        train[i], tested[i] = accuracies(left, np.arange(len(drawn)), learner, rng.integers(2**63, size=f), jobs)
    aimed = np.eye(f, dtype=bool)
    parts = {
        "train_reduced_factor": float(train[aimed].mean()),
        "test_reduced_factor": float(tested[aimed].mean()),
        "train_other_factors": float(train[~aimed].mean()) if f > 1 else math.nan,
        "test_other_factors": float(tested[~aimed].mean()) if f > 1 else math.nan,
    }
    for i, gone in enumerate(taught.names):
        parts |= {f"test_{name}_without_{gone}": float(tested[i, j]) for j, name in enumerate(taught.names)}
    return Score(parts["test_reduced_factor"], parts, tested)


def _without(taught: Lesson, factor: int, remove: int, rng: np.random.Generator, jobs: int) -> Lesson:
    """The same rows without the codes that trees find most important to `factor`, one after the other."""
    for _ in range(remove):
        seed = int(rng.integers(2**63))
        varies = len(np.unique(taught.train_targets[factor])) > 1
        gone = int(trees_of(taught, factor, "exact", seed, jobs).importances.argmax()) if varies else 0
        taught = replace(taught, train=np.delete(taught.train, gone, axis=1), test=np.delete(taught.test, gone, axis=1))
    return taught
