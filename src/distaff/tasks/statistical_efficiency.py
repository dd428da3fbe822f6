"""Statistical efficiency: how much of the accuracy with many labels is there with few?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.core.train_test import train_test
from distaff.tasks import Score, task
from distaff.tasks._classifiers import check_options
from distaff.tasks.downstream import accuracies


@task(
    paper="https://arxiv.org/abs/1811.12359",
    label="Statistical efficiency",
    study_2019=2,
    rows=10_000,
    test_rows=5_000,
    range=(0, 1e999),  # above 1 where more labels do harm
    quick={"few": 20, "many": 100},
    ranges={"few": "[1, inf)", "many": "[1, inf)", "learner": ("logistic", "trees")},
    version=2,
)
def statistical_efficiency(
    codes: Any,
    factors: Any,
    test: Any = None,
    jobs: int = 1,
    *,
    seed: int = 0,
    few: int = 100,
    many: int = 10_000,
    learner: str = "trees",
) -> Score:
    r"""Statistical efficiency (Locatello et al., 2019, Sec. 5.5): accuracy with `few` labels over that with `many`.

    The accuracies are those of `downstream`, on one test; the few rows are among the many. With fewer rows than `many`
    all are used. Usually from 0 to 1, higher is better; above 1 where more labels do harm. If the many predict nothing
    right, or codes are not finite, NaN with a reason. 100 and 10,000 labels are the study's. Parts: `few`, `many`.

    Raises `DistaffError` for arrays that do not fit together, an unknown `learner`, or `few` above `many` or below 1.
    """
    check_options("statistical_efficiency", learner, few=few, many=many)
    if few > many:
        raise DistaffError(f"statistical_efficiency: few is {few} and many {many}; few must be the smaller")
    data = train_test("statistical_efficiency", codes, factors, test, seed, classes=True)
    if data.untrainable and data.varying:
        return Score(math.nan, reason=data.untrainable)
    rng = generator("statistical_efficiency", seed)
    order = rng.permutation(len(data.train))
    seeds = rng.integers(2**63, size=len(data.sizes))
    low, high = (float(np.mean(accuracies(data, order[:n], learner, seeds, jobs)[1])) for n in (few, many))
    if high == 0:
        return Score(math.nan, {"few": low, "many": high}, reason="with many labels nothing is predicted right")
    return Score(low / high, {"few": low, "many": high})
