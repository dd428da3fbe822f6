"""DCI: which codes do boosted trees use to predict a factor, and how well do they predict it?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.factor_trees import TREES, fit_trees
from distaff.metrics.core.train_test import train_test

TINY = 1e-11  # added to every importance before the entropies, as the study's code does


@metric(
    paper="https://openreview.net/forum?id=By-7dz-AZ",
    about="factors",
    label="DCI disentanglement",
    symbol="DCI",
    study_2019=4,
    rows=10_000,
    test_rows=5_000,
    range=(0, 1),
    tolerance=0.02,
    ranges={"trees": ("exact", "sklearn", "lightgbm")},
)
def dci(codes: Any, factors: Any, test: Any = None, jobs: int = 1, *, seed: int = 0, trees: str = "exact") -> Score:
    r"""DCI disentanglement (Eastwood & Williams, 2018, Sec. 2): is each code important for one factor only?

    R_ij is the importance of code i to boosted trees that predict factor j from codes [n d]. Disentanglement is the
    mean over codes, weighted by sum_j R_ij, of 1 - H_f(R_i. / sum_j R_ij) with the entropy to base f; completeness the
    mean over factors, weighted by sum_i R_ij, of 1 - H_d(R_.j / sum_i R_ij); informativeness the mean over factors of
    the accuracy of the trees on factors [n f], or on `test=(codes, factors)`; without `test` a third of the rows is
    held out by a draw from `seed`.

    All from 0 to 1, higher is better. The score is disentanglement. Parts: `disentanglement`, `completeness`,
    `informativeness_train`, `informativeness_test`, `disentanglement_code_i`, `completeness_<factor>` and
    `informativeness_test_<factor>`. Matrix: R [d f], each column summing to 1, or 0 if its factor could not be split.

    A continuous factor (fractions, most of them distinct) is predicted by regression trees, and its informativeness is
    the share of variance explained, 0 at the least. A factor with one value in training is left out of all three
    numbers; with one factor left every used code is disentangled, with one code every predicted factor complete, and
    if no tree has a split both are 0. A class that only the test rows hold counts as mistaken. Codes that are not
    finite, or factors none of which varies, give NaN with a reason.

    `trees="exact"` fits scikit-learn's GradientBoostingClassifier with its defaults (100 stages, depth 3, rate 0.1),
    which the 2019 study used, many times faster; `"sklearn"` is that class itself; `"lightgbm"` is another
    measure (D up to a tenth higher). 10,000 rows and 5,000 for the test are the study's. `jobs` threads change nothing.

    Raises `DistaffError` for arrays that do not fit together, an unknown `trees`, or LightGBM where it is missing.
    """
    if trees not in TREES:
        raise unknown("trees", trees, TREES)
    data = train_test("dci", codes, factors, test, seed)
    if reason := data.untrainable:
        return Score(math.nan, reason=reason)
    seeds = data.seeds("dci", seed, 2**63)
    fitted = {j: fit_trees(data, j, trees, int(seeds[j]), jobs) for j in data.varying}
    matrix = np.zeros((data.train.shape[1], len(data.sizes)))
    for j, trees_of_j in fitted.items():
        matrix[:, j] = trees_of_j.importances
    varying = matrix[:, data.varying]
    parts = {
        "disentanglement": disentanglement(varying),
        "completeness": disentanglement(varying.T),
        "informativeness_train": float(np.mean([one.train for one in fitted.values()])),
        "informativeness_test": float(np.mean([one.test for one in fitted.values()])),
    }
    parts |= {f"disentanglement_code_{i}": float(value) for i, value in enumerate(concentration(varying))}
    for j, value in zip(data.varying, concentration(varying.T), strict=True):
        parts[f"completeness_{data.names[j]}"] = float(value)
        parts[f"informativeness_test_{data.names[j]}"] = fitted[j].test
    return Score(parts["disentanglement"], parts, matrix)


def disentanglement(matrix: NDArray[np.float64]) -> float:
    """The concentration of the rows of `matrix` [d f], weighted by their sums; of its transpose: completeness."""
    weights = matrix.sum(axis=1)
    total = weights.sum()
    return min(max(float(concentration(matrix) @ (weights / total)), 0.0), 1.0) if total > 0 else 0.0


def concentration(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - H(row / sum) for each row of `matrix` [d f], entropies to base f; with one column 1 where it is not zero."""
    if matrix.shape[1] == 1:
        return (matrix[:, 0] > 0).astype(np.float64)
    shares = (matrix + TINY) / (matrix + TINY).sum(axis=1, keepdims=True)
    entropies: NDArray[np.float64] = -(shares * np.log(shares)).sum(axis=1) / np.log(matrix.shape[1])
    return np.clip(1.0 - entropies, 0.0, 1.0)  # both bounds are exact, and missed by a last digit
