"""SAP: can one code alone predict each factor, and only one?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import moderate
from distaff.metrics.core.linear.one_code_svm import accuracies
from distaff.metrics.core.top_two_gap import top_two_gap
from distaff.metrics.core.train_test import train_test

WAYS = ("auto", "svm", "correlation")
LEAST_VARIANCE = 1e-12  # the study's, below which a code is taken for constant


@metric(
    paper="https://arxiv.org/abs/1711.00848",
    about="factors",
    label="SAP",
    study_2019=6,
    rows=10_000,
    test_rows=5_000,
    range=(0, 1),
    depends_on=("scale", "shift"),
    version=3,
    ranges={"by": ("auto", "svm", "correlation")},
)
def sap(codes: Any, factors: Any, test: Any = None, *, seed: int = 0, by: str = "auto") -> Score:
    r"""SAP (Kumar et al., 2018, Sec. 3): mean over factors of the gap between the two codes that predict it best.

    mean_j (S_*j - S_oj). Where factor j of factors [n f] has classes, S_ij is the accuracy of a linear SVM (squared
    hinge, C = 0.01, classes weighted evenly) of code i of codes [n d] alone, on `test=(codes, factors)`, or on a
    third of the rows held out by a draw from `seed`. Where it is continuous, S_ij is their squared correlation in the
    rows of training.

    From 0 to 1, higher is better; a perfect code reaches .2 to .5 on the common data sets, since a line cannot separate
    many ordered values. The SVM is given codes as they are and penalises its intercept too, so that scale and shift of
    a code count (centre codes to compare models); codes beyond 2^64, where its score has long been constant, are
    brought down to that. With a single code the second counts as one that predicts nothing. A factor with one value in
    training is left out of the mean; if all have one, or codes are not finite, the score is NaN with a reason. A class
    that only the test rows hold counts as mistaken; a code with a variance below 1e-12 correlates 0.

    `by="svm"` cuts continuous factors into 20 classes, `by="correlation"` correlates with the values of all factors
    (with classes where values are words); `"auto"` is the 2019 study's for factors with classes, as are C = 0.01 and
    its 10,000 and 5,000 rows. Parts: one gap per factor. Matrix: S [d f].

    Raises `DistaffError` for arrays that do not fit together and for an unknown `by`.
    """
    if by not in WAYS:
        raise unknown("by", by, WAYS)
    data = train_test("sap", codes, factors, test, seed, classes=by == "svm")
    if reason := data.untrainable:
        return Score(math.nan, reason=reason)
    matrix = np.zeros((data.train.shape[1], len(data.sizes)))
    correlated = [j for j in data.varying if by == "correlation" or data.continuous[j]]
    for j in correlated:
        matrix[:, j] = squared_correlations(data.train, data.numbers[j])
    if classified := [j for j in data.varying if j not in correlated]:
        y, y_test = ([targets[j] for j in classified] for targets in (data.train_targets, data.test_targets))
        matrix[:, classified] = accuracies(data.train, y, data.test, y_test)
    gaps = top_two_gap(matrix)[data.varying]
    names = [data.names[j] for j in data.varying]
    return Score(float(gaps.mean()), dict(zip(names, gaps.tolist(), strict=True)), matrix)


def squared_correlations(codes: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """The squared correlation of each code [n d] with `y` [n]; 0 where the variance of the code is below 1e-12."""
    codes, exponents = moderate(codes)
    x, y = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64), y - y.mean()
    sizes = (x**2).sum(axis=0)
    with np.errstate(over="ignore"):
        alive = sizes / max(len(x) - 1, 1) > np.ldexp(LEAST_VARIANCE, -2 * exponents)
    squares: NDArray[np.float64] = np.where(alive, (x.T @ y) ** 2 / (np.where(alive, sizes, 1) * (y @ y)), 0.0)
    return np.minimum(squares, 1.0)
