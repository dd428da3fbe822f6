"""SAP: can one code alone predict each factor, and only one?"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.gaps import gap
from distaff.metrics.core.predict import hit, lesson

WAYS = ("auto", "svm", "correlation")


@metric(paper="https://arxiv.org/abs/1711.00848", rows=10_000, test_rows=5_000, range=(0, 1), depends_on=("scale",))
def sap(codes: Any, factors: Any, test: Any = None, *, seed: int = 0, by: str = "auto") -> Score:
    r"""SAP (Kumar et al., 2018, Sec. 3): mean over factors of the gap between the two codes that predict it best.

    mean_j (S_*j - S_oj). Where factor j of factors [n f] has classes, S_ij is the accuracy of a linear SVM (squared
    hinge, C = 0.01, classes weighted evenly) that sees code i of codes [n d] alone, on `test=(codes, factors)`, or on a
    third of the rows held out by a draw from `seed`. Where it is continuous, S_ij is their squared correlation in the
    rows of training.

    From 0 to 1, higher is better; a perfect code reaches .2 to .5 on the common data sets, since a line cannot
    separate many ordered values. A single code has no rival, which counts as one that predicts nothing. A factor with
    one value in training is left out of the mean; if all have one, or codes are not finite, the score is NaN with a
    reason. A class that only the test rows hold counts as mistaken; a constant code correlates 0.

    `by="svm"` cuts continuous factors into 20 classes, `by="correlation"` treats classes as numbers; `"auto"` is the
    2019 study's for factors with classes, as are C = 0.01 and its 10,000 and 5,000 rows. Parts: one gap per factor.
    Matrix: S [d f].

    Raises `DistaffError` for arrays that do not fit together and for an unknown `by`.
    """
    if by not in WAYS:
        raise unknown("by", by, WAYS)
    taught = lesson("sap", codes, factors, test, seed, classes=by == "svm")
    if reason := taught.broken:
        return Score(math.nan, reason=reason)
    seeds = generator("sap", seed).integers(2**31, size=len(taught.sizes))
    matrix = np.zeros((taught.train.shape[1], len(taught.sizes)))
    for j in taught.varying:
        y = taught.train_targets[j]
        if by == "correlation" or taught.continuous[j]:
            matrix[:, j] = squared_correlations(taught.train, y)
        else:
            matrix[:, j] = accuracies(taught.train, y, taught.test, taught.test_targets[j], int(seeds[j]))
    gaps = gap(matrix)[taught.varying]
    names = [taught.names[j] for j in taught.varying]
    return Score(float(gaps.mean()), dict(zip(names, gaps.tolist(), strict=True)), matrix)


def squared_correlations(codes: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """The squared correlation of each code [n d] with `y` [n]; 0 where the variance of the code is below 1e-12."""
    x, y = codes.astype(np.float64) - codes.mean(axis=0, dtype=np.float64), y - y.mean()
    sizes = (x**2).sum(axis=0)
    alive = sizes / max(len(x) - 1, 1) > 1e-12
    squares: NDArray[np.float64] = np.where(alive, (x.T @ y) ** 2 / (np.where(alive, sizes, 1) * (y @ y)), 0.0)
    return squares


def accuracies(x: NDArray[Any], y: NDArray[Any], test: NDArray[Any], asked: NDArray[Any], seed: int) -> list[float]:
    """The accuracy on `test` [m d] of a linear SVM for each single code of `x` [n d], taught `y` [n], asked [m]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    found = []
    for i in range(x.shape[1]):
        model = LinearSVC(C=0.01, class_weight="balanced", random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the study's score is where its solver stopped
            model.fit(x[:, [i]], y)
        found.append(hit(asked, model.predict(test[:, [i]]), continuous=False))
    return found
