"""The evaluations of the 2019 study written down plainly with scikit-learn: what benchmarks/metrics.py compares with.

Codes are given, as a table of the whole grid, so that no image is encoded; nothing is batched, cached or compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC

Array = NDArray[Any]


def pairs(table: Array, sizes: Array, rng: np.random.Generator) -> tuple[Array, int]:
    """One point of the BetaVAE score."""
    k = int(rng.integers(len(sizes)))
    first, second = (rng.integers(sizes, size=(64, len(sizes))) for _ in range(2))
    second[:, k] = first[:, k]
    one, two = (table[np.ravel_multi_index(tuple(cells.T), sizes)] for cells in (first, second))
    return np.abs(one - two).mean(axis=0), k


def beta_vae(table: Array, sizes: Array, rng: np.random.Generator) -> float:
    """The BetaVAE score, a point at a time."""
    points = [pairs(table, sizes, rng) for _ in range(15_000)]
    x, y = np.array([point for point, _ in points]), np.array([k for _, k in points])
    return float(LogisticRegression().fit(x[:10_000], y[:10_000]).score(x[10_000:], y[10_000:]))


def factor_vae(table: Array, sizes: Array, rng: np.random.Generator) -> float:
    """The FactorVAE score, a vote at a time."""
    spread = table[rng.integers(len(table), size=10_000)].var(axis=0, ddof=1)
    active = np.flatnonzero(np.sqrt(spread) >= 0.05)
    votes = np.zeros((2, len(sizes), table.shape[1]), dtype=int)
    for draw in range(15_000):
        k = int(rng.integers(len(sizes)))
        cells = rng.integers(sizes, size=(64, len(sizes)))
        cells[:, k] = cells[0, k]
        local = table[np.ravel_multi_index(tuple(cells.T), sizes)].var(axis=0, ddof=1)
        votes[int(draw >= 10_000), k, active[np.argmin(local[active] / spread[active])]] += 1
    guess = votes[0].argmax(axis=0)
    return float(votes[1][guess, np.arange(len(guess))].sum() / votes[1].sum())


def cut(codes: Array) -> Array:
    """Twenty equal widths of each code."""
    return np.stack([np.digitize(c, np.histogram(c, 20)[1][:-1]) for c in codes.T], axis=1)


def information(codes: Array, factors: Array) -> Array:
    """Mutual information, a pair at a time."""
    return np.array([[mutual_info_score(v, c) for v in factors.T] for c in cut(codes).T])


def mig(codes: Array, factors: Array) -> float:
    """The gap between the two largest of each factor."""
    ordered = np.sort(information(codes, factors), axis=0)
    return float(np.mean((ordered[-1] - ordered[-2]) / [mutual_info_score(v, v) for v in factors.T]))


def modularity_and_explicitness(codes: Array, factors: Array, x_test: Array, y_test: Array) -> tuple[float, float]:
    """Modularity, and the area under the curve of every value of every factor."""
    squares = information(codes, factors) ** 2
    most = squares.max(axis=1)
    modular = np.mean(1 - (squares.sum(axis=1) - most) / (most * (factors.shape[1] - 1)))
    centre, spread = codes.mean(axis=0), codes.std(axis=0)
    areas = []
    for v, w in zip(factors.T, y_test.T, strict=True):
        model = LogisticRegression().fit((codes - centre) / spread, v)
        predicted = model.predict_proba((x_test - centre) / spread)
        areas.append(np.mean([roc_auc_score(w == c, predicted[:, at]) for at, c in enumerate(model.classes_)]))
    return float(modular), float(np.mean(areas))


def sap(codes: Array, factors: Array, x_test: Array, y_test: Array) -> float:
    """One support vector machine for each pair."""
    accuracy = np.zeros((codes.shape[1], factors.shape[1]))
    for i in range(codes.shape[1]):
        for j in range(factors.shape[1]):
            model = LinearSVC(C=0.01, class_weight="balanced").fit(codes[:, [i]], factors[:, j])
            accuracy[i, j] = model.score(x_test[:, [i]], y_test[:, j])
    ordered = np.sort(accuracy, axis=0)
    return float(np.mean(ordered[-1] - ordered[-2]))


def unsupervised(codes: Array) -> tuple[float, float, float]:
    """Total correlation, Wasserstein correlation, mean pairwise information."""
    cov, square = np.cov(codes.T), information(codes, cut(codes))
    total = 0.5 * (np.log(np.diag(cov)).sum() - np.linalg.slogdet(cov)[1])
    distance = 2 * np.trace(cov) - 2 * np.trace(sqrtm(cov * np.diag(cov)[:, None])).real
    d = len(cov)
    return float(total), float(distance), float((square.sum() - np.trace(square)) / (d * (d - 1)))


def trees(codes: Array, factors: Array, stages: int) -> None:
    """One ensemble for each factor: the whole of DCI's cost, and of the downstream task's."""
    for v in factors.T:
        if len(np.unique(v)) > 1:
            GradientBoostingClassifier(n_estimators=stages).fit(codes, v)


def logistic(codes: Array, factors: Array) -> None:
    """One cross-validated logistic regression for each factor."""
    for v in factors.T:
        if len(np.unique(v)) > 1:
            LogisticRegressionCV(Cs=10, cv=KFold(5)).fit(codes, v)
