"""Downstream accuracy: how well is each factor predicted from all codes with a number of labels?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.metrics.core.train_test import TrainTest, prediction_score, train_test
from distaff.tasks import Score, task
from distaff.tasks._classifiers import check_options, fit_classifier


@task(
    paper="https://arxiv.org/abs/1811.12359",
    label="Downstream accuracy",
    study_2019=1,
    rows=10_000,
    test_rows=5_000,
    range=(0, 1),
    quick={"labels": 100},
    ranges={"labels": "[1, inf)", "learner": ("logistic", "trees")},
    version=2,
)
def downstream(
    codes: Any,
    factors: Any,
    test: Any = None,
    jobs: int = 1,
    *,
    seed: int = 0,
    labels: int = 10_000,
    learner: str = "logistic",
) -> Score:
    r"""Downstream accuracy (Locatello et al., 2019, Sec. 5.5): mean over factors of the accuracy of a classifier.

    One classifier for each of the factors [n f] is trained on the codes [n d] of `labels` rows, drawn without
    replacement (all rows, if there are fewer), and tested on `test=(codes, factors)`, or on a third of the rows held
    out by a draw from `seed`. Rows are shuffled, as folds are blocks of them. `learner="logistic"` is multinomial
    logistic regression whose strength five folds choose, `"trees"` 100 stages of boosted trees of depth 3.

    From 0 to 1, higher is better; chance depends on the factors. A factor of which the drawn rows hold one value is
    predicted to have it always, and a value that they do not hold is never predicted. Codes that are not finite give
    NaN with a reason. Both learners on raw codes, 10, 100, 1,000 and 10,000 labels are the 2019 study's. Parts:
    `mean_train`, `mean_test` (the score), `min_train`, `min_test`, `train_<factor>`, `test_<factor>`.

    Raises `DistaffError` for arrays that do not fit together, an unknown `learner`, or less than one label.
    """
    check_options("downstream", learner, labels=labels)
    data = train_test("downstream", codes, factors, test, seed, classes=True)
    if data.untrainable and data.varying:
        return Score(math.nan, reason=data.untrainable)
    rng = generator("downstream", seed)
    drawn = rng.permutation(len(data.train))[:labels]
    seeds = rng.integers(2**63, size=len(data.sizes))
    return score_accuracies(data, *accuracies(data, drawn, learner, seeds, jobs))


def accuracies(
    data: TrainTest, drawn: NDArray[np.int64], learner: str, seeds: NDArray[np.int64], jobs: int = 1
) -> tuple[list[float], list[float]]:
    """The accuracy for each factor on the rows `drawn`, which train the classifier, and on the test rows."""
    train, tested = [], []
    x = data.train[drawn]
    for j, seed in enumerate(seeds):
        y = data.train_targets[j][drawn]
        model = fit_classifier(learner, x, y, int(seed), jobs)
        train.append(prediction_score(y, model.predict(x), continuous=False))
        tested.append(prediction_score(data.test_targets[j], model.predict(data.test), continuous=False))
    return train, tested


def score_accuracies(data: TrainTest, train: list[float], tested: list[float]) -> Score:
    """The mean, the least and each, as a score."""
    mean = float(np.mean(tested))
    parts = {"mean_train": float(np.mean(train)), "mean_test": mean, "min_train": min(train), "min_test": min(tested)}
    parts |= {f"train_{name}": value for name, value in zip(data.names, train, strict=True)}
    parts |= {f"test_{name}": value for name, value in zip(data.names, tested, strict=True)}
    return Score(mean, parts)
