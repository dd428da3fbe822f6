"""Logistic regression whose strength five folds choose, as scikit-learn's LogisticRegressionCV(Cs=10, cv=KFold(5)).

The objective is the same: mean log-loss + ||w||^2 / (2 C n), the intercept free, C of ten from 1e-4 to 1e4, the
smallest C of the best mean accuracy. What differs is the way there: L-BFGS, compiled, in coordinates in which the codes
are white, where it needs a few steps for the hundred after which scikit-learn's stops unconverged.
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
from distaff.metrics.core.linear.log_loss_descent import BLOCK, descend, in_blocks, mean_loss

Floats = NDArray[np.float64]
STRENGTHS = np.logspace(-4, 4, 10)
FOLDS = 5
MANY = 2_500  # rows, up to which one hit more or less decides between strengths, so that fits are finished
FINE = 1e-6  # of a slope in white coordinates, at which a fit is finished
STILL = 1e-15  # of the loss, by which a step of such a fit must lower it
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

    def probabilities(self, x: NDArray[Any]) -> Floats:
        """The probability of each class for each row of `x` [n k]."""
        raw = _with_ones(x) @ self.weights.T
        if raw.shape[1] == 1:
            raw = np.hstack([np.zeros_like(raw), raw])
        raw = np.exp(raw - raw.max(axis=1, keepdims=True))
        shares: Floats = raw / raw.sum(axis=1, keepdims=True)
        return shares


@one_blas_thread()
def fit_strength(x: NDArray[Any], y: NDArray[Any], strength: float) -> Linear:
    """Classes `y` [n], at least two, from `x` [n d] with one C, as scikit-learn's LogisticRegression has C = 1."""
    classes, index = np.unique(y, return_inverse=True)
    rows = _turned(_with_ones(x), index, np.append(np.ones(x.shape[1]), 0.0))
    start = np.zeros((1 if len(classes) == 2 else len(classes), len(rows.moments)))
    weights = _descend(rows, len(classes), strength, start, finished=True) @ rows.back
    return Linear(classes, weights, strength)


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
        return _path(_turned(ones[rest], index[rest], relief), len(classes))

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        paths = list(pool.map(path, folds))
    for number, held in enumerate(folds):
        hits[number] = [(_choose(ones[held], weights) == index[held]).mean() for weights in paths[number]]
    best = int(hits.mean(axis=0).argmax())
    start = np.mean([fold[best] for fold in paths], axis=0)
    rows = _turned(ones, index, relief)
    fitted = _descend(rows, len(classes), float(STRENGTHS[best]), start @ rows.there) @ rows.back
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
    blocks = _white_blocks(x)
    return [_least_loss(blocks, x.shape[1] + 1, y) for y in targets]


def _least_loss(blocks: Floats, width: int, y: NDArray[Any]) -> float:
    """The log-loss of classes `y` [n] after at most 100 steps on white columns, `width` of them."""
    classes, index = np.unique(y, return_inverse=True)
    if len(classes) == 1:
        return 0.0
    index, rows = index.astype(np.int64), 1 if len(classes) == 2 else len(classes)
    curvature = 0.25 if len(classes) == 2 else 1.0 / len(classes)
    stretch, u = np.full(width, 1 / math.sqrt(curvature)), np.zeros(rows * width)
    descend(u, blocks, index, stretch, np.zeros((width, width)), STEPS, FINE, STILL)
    return mean_loss(u.reshape(rows, width) * stretch, blocks, index)


def _white_blocks(x: NDArray[Any]) -> Floats:
    """Codes [n d] and a column of ones in coordinates in which their second moments are one, as `in_blocks` has them.

    A block at a time, since a table in float64 is twice as large as one in float32.
    """
    order = canonical(x)
    centre, spread = np.empty(len(order)), np.empty(len(order))
    for block, columns in transposed_blocks(x):
        centre[block], spread[block] = (part(columns, axis=1, dtype=np.float64) for part in (np.mean, np.std))
    centre, spread = centre[order], np.where(spread > 0, spread, 1.0)[order]
    n, width = len(x), len(order) + 1
    slices = [slice(first, min(first + BLOCK, n)) for first in range(0, n, BLOCK)]
    moments = np.zeros((width, width))
    for rows in slices:
        ones = _with_ones((x[rows][:, order] - centre) / spread)
        moments += ones.T @ ones
    moments /= n
    values, vectors = np.linalg.eigh(moments)
    del moments
    vectors /= np.sqrt(np.maximum(values, 1e-10 * values[-1]))  # copies have no curvature between them
    blocks = np.empty(n * width)
    for rows in slices:
        white = vectors.T @ _with_ones((x[rows][:, order] - centre) / spread).T
        blocks[rows.start * width : rows.stop * width] = white.ravel()
    return blocks


def _with_ones(x: NDArray[Any]) -> Floats:
    return np.column_stack([np.asarray(x, dtype=np.float64), np.ones(len(x))])


def _choose(ones: Floats, weights: Floats) -> NDArray[np.int64]:
    raw = ones @ weights.T
    return (raw[:, 0] > 0).astype(np.int64) if len(weights) == 1 else raw.argmax(axis=1)


@dataclass(frozen=True)
class _Turned:
    """Codes about their mean, in the directions in which they do not correlate, and the intercept as the last column.

    Then the penalty, which spares the intercept, and the curvature that all classes share are both diagonal.
    """

    blocks: Floats  # of columns, as `in_blocks` has them
    moments: Floats  # [d+1]
    there: Floats  # [d+1 d+1]: weights of codes and ones @ there are those of the columns
    back: Floats  # [d+1 d+1]: its inverse
    penalty: Floats  # [d+1 d+1]: of weights of the columns; the relief, were they the codes themselves
    index: NDArray[np.int64]  # [n]: the classes


def _turned(ones: Floats, index: NDArray[Any], relief: Floats) -> _Turned:
    """`relief` [d+1] is the share of the penalty that each column of `ones` [n d+1] bears."""
    width = ones.shape[1] - 1
    mean = ones[:, :-1].mean(axis=0)
    centred = ones[:, :-1] - mean
    moments, vectors = np.linalg.eigh(centred.T @ centred / len(ones))
    there, back = np.eye(width + 1), np.eye(width + 1)
    there[:-1, :-1], there[:-1, -1] = vectors, mean
    back[:-1, :-1], back[:-1, -1] = vectors.T, -vectors.T @ mean
    penalty = np.zeros((width + 1, width + 1))
    penalty[:-1, :-1] = (vectors.T * relief[:-1]) @ vectors
    blocks = in_blocks(_with_ones(centred @ vectors))
    return _Turned(blocks, np.append(np.maximum(moments, 0.0), 1.0), there, back, penalty, index.astype(np.int64))


def _path(rows: _Turned, classes: int) -> list[Floats]:
    """The weights for every strength, each fit beginning where the one before ended."""
    weights = np.zeros((1 if classes == 2 else classes, len(rows.moments)))
    path = []
    for strength in STRENGTHS:
        weights = _descend(rows, classes, float(strength), weights)
        path.append(weights)
    return [weights @ rows.back for weights in path]


def _descend(rows: _Turned, classes: int, strength: float, start: Floats, finished: bool = False) -> Floats:
    """The weights [r d+1] of least loss, of the turned columns as is `start`."""
    n = len(rows.index)
    decay = 1.0 / (strength * n)
    curvature = rows.moments * (0.25 if classes == 2 else 1.0 / classes)
    curvature[:-1] += decay
    curvature = np.maximum(curvature, 1e-10 * curvature.max())  # without a penalty, copies have none between them
    stretch = 1.0 / np.sqrt(curvature)
    steep, still = (5e-4, 1e-7) if n > MANY and not finished else (FINE, STILL)  # the slope is of white coordinates
    u = (start / stretch).ravel()
    descend(u, rows.blocks, rows.index, stretch, decay * rows.penalty, STEPS, steep, still)
    weights: Floats = u.reshape(start.shape) * stretch
    return weights
