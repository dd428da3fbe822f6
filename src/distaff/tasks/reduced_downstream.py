"""Reduced downstream accuracy: what is lost with the codes that matter most to one factor?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.core.factor_trees import fit_trees
from distaff.metrics.core.train_test import TrainTest, train_test
from distaff.tasks import Score, task
from distaff.tasks._classifiers import check_options
from distaff.tasks.downstream import accuracies


@task(
    paper="https://github.com/google-research/disentanglement_lib",
    label="Accuracy without its codes",
    rows=10_000,
    test_rows=5_000,
    range=(0, 1),
    higher_is_better=False,
    quick={"labels": 100},
    ranges={"labels": "[1, inf)", "remove": "[1, inf)", "learner": ("logistic", "trees")},
    version=2,
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
    taken away; then every factor is predicted from the remaining codes, as in `downstream`. The score is the mean
    accuracy of the factors whose codes are removed. Lower is better, with a high `test_other_factors`: then the factor
    was in those codes alone, and they held nothing else. Parts: `train_` and `test_reduced_factor`, `train_` and
    `test_other_factors` (NaN with one factor), and `test_<factor>_without_<factor>`. Matrix: the test accuracy of
    factor j without factor i's codes [f f].

    A factor that does not vary loses its first code. Codes that are not finite give NaN with a reason. One code and
    boosted trees are the defaults of the library, whose study did not report it.

    Raises `DistaffError` for arrays that do not fit together, or where no code would remain.
    """
    check_options("reduced_downstream", learner, labels=labels, remove=remove)
    data = train_test("reduced_downstream", codes, factors, test, seed, classes=True)
    if remove >= data.train.shape[1]:
        raise DistaffError(f"reduced_downstream: removing {remove} of {data.train.shape[1]} codes leaves none")
    if data.untrainable:
        return Score(math.nan, reason=data.untrainable)
    rng, f = generator("reduced_downstream", seed), len(data.sizes)
    drawn = rng.permutation(len(data.train))[:labels]
    data = replace(data, train=data.train[drawn], train_targets=[target[drawn] for target in data.train_targets])
    train, tested = np.zeros((f, f)), np.zeros((f, f))
    for i in range(f):
        remaining = _without(data, i, remove, rng, jobs)
        train[i], tested[i] = accuracies(remaining, np.arange(len(drawn)), learner, rng.integers(2**63, size=f), jobs)
    reduced = np.eye(f, dtype=bool)
    parts = {
        "train_reduced_factor": float(train[reduced].mean()),
        "test_reduced_factor": float(tested[reduced].mean()),
        "train_other_factors": float(train[~reduced].mean()) if f > 1 else math.nan,
        "test_other_factors": float(tested[~reduced].mean()) if f > 1 else math.nan,
    }
    for i, removed in enumerate(data.names):
        parts |= {f"test_{name}_without_{removed}": float(tested[i, j]) for j, name in enumerate(data.names)}
    return Score(parts["test_reduced_factor"], parts, tested)


def _without(data: TrainTest, factor: int, remove: int, rng: np.random.Generator, jobs: int) -> TrainTest:
    """The same rows without the codes that trees find most important to `factor`, one after the other."""
    for _ in range(remove):
        seed = int(rng.integers(2**63))
        varies = len(np.unique(data.train_targets[factor])) > 1
        code = int(fit_trees(data, factor, "exact", seed, jobs).importances.argmax()) if varies else 0
        data = replace(data, train=np.delete(data.train, code, axis=1), test=np.delete(data.test, code, axis=1))
    return data
