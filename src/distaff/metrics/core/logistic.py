"""Logistic regression whose strength five folds choose, as scikit-learn's LogisticRegressionCV(Cs=10, cv=KFold(5)).

The objective is the same: mean log-loss + ||w||^2 / (2 C n), the intercept free, C of ten from 1e-4 to 1e4, the
smallest C of the best mean accuracy. What differs is the way there: L-BFGS runs in coordinates in which the codes are
white, where it needs a few steps for the hundred after which scikit-learn's stops unconverged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core.arrays import canonical, moderate
from distaff.metrics.core.blas_threads import one_blas_thread
from distaff.metrics.core.column_blocks import transposed_blocks

Floats = NDArray[np.float64]
STRENGTHS = np.logspace(-4, 4, 10)
FOLDS = 5
MANY = 2_500  # rows, up to which one hit more or less decides between strengths, so that fits are finished
AT_ONCE = 2_000  # rows whose scores of some forty classes stay in the cache
FEW = 256  # rows that are made white at once
STEPS = 100  # scikit-learn's max_iter
FAINT = 30  # a code below 2^-30 would have to overcome a penalty 2^60 times that of a moderate one: it is not used


@dataclass(frozen=True)
class Linear:
    """A fitted classifier: the likeliest class of rows [n d]."""

    classes: NDArray[Any]
    weights: Floats  # [r d+1], the intercept last; r = 1 for two classes
    strength: float

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """The likeliest class of each row of `x` [n d]."""
        predicted: NDArray[Any] = self.classes[_choose(_with_ones(x), self.weights)]
        return predicted


@one_blas_thread()
def fit_logistic(x: NDArray[Any], y: NDArray[Any], jobs: int = 1) -> Linear:
    """Classes `y` [n] from `x` [n d]; one class alone is always predicted. `jobs` threads share the folds.

    The penalty is that of the codes as given, however large or small they are.
    """
    classes, index = np.unique(y, return_inverse=True)
    if len(classes) == 1:
        return Linear(np.repeat(classes, 2), np.zeros((1, x.shape[1] + 1)), float(STRENGTHS[0]))
    order = canonical(x)
    codes, exponents = moderate(np.asarray(x, dtype=np.float64)[:, order])
    ones = _with_ones(np.where(exponents > -FAINT, codes, 0.0))
    shrunk = np.ldexp(1.0, -np.maximum(exponents, -FAINT))  # weights of the codes themselves, over those fitted
    relief = np.append(shrunk**2, 0.0)  # and the share of their penalty
    folds = np.array_split(np.arange(len(y)), min(FOLDS, len(y)))
    hits = np.zeros((len(folds), len(STRENGTHS)))

    def path(held: NDArray[np.int64]) -> list[Floats]:
        rest = np.delete(np.arange(len(y)), held)
        return _path(ones[rest], index[rest], len(classes), relief)

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        paths = list(pool.map(path, folds))
    for number, held in enumerate(folds):
        hits[number] = [(_choose(ones[held], weights) == index[held]).mean() for weights in paths[number]]
    best = int(hits.mean(axis=0).argmax())
    start = np.mean([fold[best] for fold in paths], axis=0)
    fitted = _descend(ones, index, len(classes), float(STRENGTHS[best]), start, _whitening(ones), relief)
    weights = np.empty_like(fitted)
    weights[:, [*order.tolist(), -1]] = fitted * np.append(np.where(exponents > -FAINT, shrunk, 0.0), 1.0)
    return Linear(classes, weights, float(STRENGTHS[best]))


def log_loss(x: NDArray[Any], y: NDArray[Any]) -> float:
    """The mean log-loss in nats of classes `y` [n] under the best linear classifier of `x` [n d], on the same rows.

    Nothing is penalised; where classes are separable the loss falls towards 0 and stops after 100 steps.
    """
    return log_losses(x, [y])[0]


@one_blas_thread()
def log_losses(x: NDArray[Any], targets: Sequence[NDArray[Any]]) -> list[float]:
    """`log_loss` of each of the targets [n]; the codes [n d] are made white once for all of them."""
    white = _white_rows(x)
    return [_least_loss(white, y) for y in targets]


def _least_loss(white: Floats, y: NDArray[Any]) -> float:
    """The log-loss of classes `y` [n] after at most 100 steps in white coordinates [d+1 n]."""
    from scipy.optimize import minimize

    classes, index = np.unique(y, return_inverse=True)
    if len(classes) == 1:
        return 0.0
    start = np.zeros((1 if len(classes) == 2 else len(classes), len(white)))
    unit = 1 / math.sqrt(0.25 if len(classes) == 2 else 1.0 / len(classes))  # of weights whose curvature is 1

    def objective(flat: Floats) -> tuple[float, Floats]:
        loss, slope = _summed(flat.reshape(start.shape) * unit, white, index)
        return loss / len(index), (slope * (unit / len(index))).ravel()

    options = {"maxiter": STEPS, "gtol": 1e-4, "ftol": 1e-12}
    found = minimize(objective, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return _summed(found.x.reshape(start.shape) * unit, white, index)[0] / len(index)


def _white_rows(x: NDArray[Any]) -> Floats:
    """Codes [n d] and a column of ones in coordinates in which their second moments are one: [d+1 n].

    A few rows at a time, since a table in float64 is twice as large as one in float32.
    """
    order = canonical(x)
    centre, spread = np.empty(len(order)), np.empty(len(order))
    for block, columns in transposed_blocks(x):
        centre[block], spread[block] = (part(columns, axis=1, dtype=np.float64) for part in (np.mean, np.std))
    centre, spread = centre[order], np.where(spread > 0, spread, 1.0)[order]
    n, width = len(x), len(order) + 1
    slices = [slice(first, min(first + FEW, n)) for first in range(0, n, FEW)]
    moments = np.zeros((width, width))
    for rows in slices:
        ones = _with_ones((x[rows][:, order] - centre) / spread)
        moments += ones.T @ ones
    moments /= n
    values, vectors = np.linalg.eigh(moments)
    del moments
    vectors /= np.sqrt(np.maximum(values, 1e-10 * values[-1]))  # copies have no curvature between them
    white = np.empty((width, n))
    for rows in slices:
        white[:, rows] = vectors.T @ _with_ones((x[rows][:, order] - centre) / spread).T
    return white


def _with_ones(x: NDArray[Any]) -> Floats:
    return np.column_stack([np.asarray(x, dtype=np.float64), np.ones(len(x))])


def _choose(ones: Floats, weights: Floats) -> NDArray[np.int64]:
    raw = ones @ weights.T
    return (raw[:, 0] > 0).astype(np.int64) if len(weights) == 1 else raw.argmax(axis=1)


def _path(ones: Floats, index: NDArray[Any], classes: int, relief: Floats) -> list[Floats]:
    """The weights for every strength, each fit beginning where the one before ended."""
    weights = np.zeros((1 if classes == 2 else classes, ones.shape[1]))
    whitening, path = _whitening(ones), []
    for strength in STRENGTHS:
        weights = _descend(ones, index, classes, float(strength), weights, whitening, relief)
        path.append(weights)
    return path


def _whitening(ones: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues and eigenvectors of the second moments of the rows: the curvature that all classes share."""
    values, vectors = np.linalg.eigh(ones.T @ ones / len(ones))
    return np.maximum(values, 0.0), vectors


def _descend(
    ones: Floats,
    index: NDArray[Any],
    classes: int,
    strength: float,
    start: Floats,
    whitening: tuple[Floats, Floats],
    relief: Floats,
) -> Floats:
    """The weights [r d+1] of least loss; `relief` [d+1] is the share of the penalty that each column bears."""
    from scipy.optimize import minimize

    n = len(ones)
    decay = 1.0 / (strength * n)
    penalty = decay * relief
    values, vectors = whitening
    curvature = values * (0.25 if classes == 2 else 1.0 / classes) + decay
    curvature = np.maximum(curvature, 1e-10 * curvature.max())  # copies have next to none between them
    turn = vectors / np.sqrt(curvature)  # weights = u @ turn.T
    # the slope is bounded in white coordinates; with many rows less is enough, and float32 for what is summed over rows
    rough = n > MANY
    steep, kind = (5e-4, np.float32) if rough else (1e-4, np.float64)
    turned = np.ascontiguousarray((turn.T @ ones.T).astype(kind))  # [d+1 n]: sums over classes then run along rows
    back = vectors * np.sqrt(curvature)

    def objective(flat: Floats) -> tuple[float, Floats]:
        u = flat.reshape(start.shape)
        weights = u @ turn.T
        loss, slope = _summed(u.astype(kind), turned, index)
        penalised = weights * penalty
        return loss / n + 0.5 * float((weights * penalised).sum()), (slope / n + penalised @ turn).ravel()

    result = minimize(
        objective,
        (start @ back).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": STEPS, "gtol": steep, "ftol": 1e-7 if rough else 1e-12},
    )
    weights: Floats = result.x.reshape(start.shape) @ turn.T
    return weights


def _summed(weights: NDArray[Any], columns: NDArray[Any], index: NDArray[Any]) -> tuple[float, Floats]:
    """The summed log-loss of classes `index` [n] for weights [r d+1] and columns [d+1 n], and its slope [r d+1]."""
    slope = np.zeros(weights.shape)
    loss = 0.0
    for first in range(0, columns.shape[1], AT_ONCE):
        block, classes = columns[:, first : first + AT_ONCE], index[first : first + AT_ONCE]
        raw = weights @ block
        loss += _binary(raw, classes) if len(weights) == 1 else _several(raw, classes)
        slope += raw @ block.T
    return loss, slope


def _binary(raw: NDArray[Any], index: NDArray[Any]) -> float:
    """The summed log-loss of log-odds [1 n], which become their own slopes."""
    z = raw[0].astype(np.float64)
    loss = float((np.logaddexp(0.0, z) - index * z).sum(dtype=np.float64))
    raw[0] = 1.0 / (1.0 + np.exp(-z)) - index
    return loss


def _several(raw: NDArray[Any], index: NDArray[Any]) -> float:
    """The summed log-loss of scores [k n], which become their own slopes."""
    row = np.arange(raw.shape[1])
    raw -= raw.max(axis=0)
    loss = -float(raw[index, row].sum(dtype=np.float64))
    np.exp(raw, out=raw)
    totals = raw.sum(axis=0)
    loss += float(np.log(totals).sum(dtype=np.float64))
    raw /= totals
    raw[index, row] -= 1.0
    return loss
