"""Exact gradient-boosted trees: the predictor that DCI and the downstream tasks of the field are defined by.

The mathematics is that of scikit-learn's GradientBoostingClassifier and GradientBoostingRegressor with their default
settings (Friedman, 2001): 100 stages of trees of depth 3 that fit the negative gradient in least squares, one Newton
step in each leaf, learning rate 0.1. Where two columns split a node equally well, a draw from the seed decides, there
and here. See `tree_growth` for the tree itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics.core import tree_growth as growth
from distaff.metrics.core.arrays import canonical, moderate, scaled

Floats = NDArray[np.float64]
MANY_TIES = 0.02  # above this share of equal neighbours, a column is scanned with its values from the start


@dataclass(frozen=True)
class Boosted:
    """Fitted trees: their predictions for new rows and for the rows of training, and the columns that they used."""

    classes: NDArray[Any] | None  # None: a regression
    feature: NDArray[np.int32]  # [stages k nodes]
    threshold: Floats  # [stages k nodes]
    value: Floats  # [stages k leaves]
    start: Floats  # [k]
    rate: float
    fitted: NDArray[Any]  # [n]: the predictions for the rows of training
    importances: Floats  # [d]: non-negative, sum 1, or all zero if no tree has a split
    exponents: NDArray[np.int64]  # [d]: thresholds are those of codes divided by 2^exponents

    def raw(self, x: NDArray[Any]) -> Floats:
        """The sum of the trees [k n] for rows `x [n d]`."""
        out = np.repeat(self.start[:, None], len(x), axis=1)
        rows = np.ascontiguousarray(scaled(np.asarray(x), self.exponents), dtype=np.float32)
        growth.add_trees(rows, self.feature, self.threshold, self.value, self.rate, out)
        return out

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """The likeliest class, or the value, of every row of `x [n d]`."""
        return _decide(self.raw(x), self.classes)


def _decide(raw: Floats, classes: NDArray[Any] | None) -> NDArray[Any]:
    if classes is None:
        values: NDArray[Any] = raw[0]
        return values
    labels: NDArray[Any] = classes[(raw[0] >= 0).astype(int) if len(raw) == 1 else raw.argmax(axis=0)]
    return labels


def classify(
    x: NDArray[Any], y: NDArray[Any], *, seed: int, stages: int = 100, rate: float = 0.1, depth: int = 3, jobs: int = 1
) -> Boosted:
    """Trees that predict the class `y [n]` from `x [n d]`; one class alone needs no tree and is always predicted.

    `jobs` threads share the classes of a stage; no number depends on how many they are.
    """
    classes, index = np.unique(y, return_inverse=True)
    prior = np.bincount(index) / len(index)
    if len(classes) == 1:
        start, target, slopes = np.zeros(1), np.zeros((1, 0)), _logistic
        classes, stages = np.repeat(classes, 2), 0
    elif len(classes) == 2:
        start, target, slopes = np.log(prior[1:] / prior[:1]), index[None].astype(float), _logistic
    else:
        start, target, slopes = np.log(prior), (index == np.arange(len(classes))[:, None]).astype(float), _softmax
    scale = 1.0 if len(start) == 1 else (len(start) - 1) / len(start)
    return _boost(x, target, start, slopes, scale, classes, seed, stages, rate, depth, jobs)


def regress(
    x: NDArray[Any], y: NDArray[Any], *, seed: int, stages: int = 100, rate: float = 0.1, depth: int = 3
) -> Boosted:
    """Trees that predict the number `y [n]` from `x [n d]` in least squares."""
    target = np.asarray(y, dtype=np.float64)[None]
    return _boost(x, target, target.mean(axis=1), _least_squares, 1.0, None, seed, stages, rate, depth, 1)


def _logistic(raw: Floats, target: Floats, g: Floats, h: Floats) -> None:
    g[:] = 1.0 / (1.0 + np.exp(-raw))
    _slopes_and_curvatures(target, g, h)


def _softmax(raw: Floats, target: Floats, g: Floats, h: Floats) -> None:
    np.subtract(raw, raw.max(axis=0), out=g)
    np.exp(g, out=g)
    np.divide(g, g.sum(axis=0), out=g)
    _slopes_and_curvatures(target, g, h)


def _slopes_and_curvatures(target: Floats, g: Floats, h: Floats) -> None:
    """Probabilities `g` become their slopes, and `h` the curvatures; in place, since fresh memory costs four times."""
    np.subtract(1.0, g, out=h)
    np.multiply(h, g, out=h)
    np.subtract(target, g, out=g)


def _least_squares(raw: Floats, target: Floats, g: Floats, h: Floats) -> None:
    np.subtract(target, raw, out=g)
    h[:] = 1.0


def _boost(
    x: NDArray[Any],
    target: Floats,
    start: Floats,
    slopes: Callable[[Floats, Floats, Floats, Floats], None],
    scale: float,
    classes: NDArray[Any] | None,
    seed: int,
    stages: int,
    rate: float,
    depth: int,
    jobs: int,
) -> Boosted:
    """Stages of one tree per row of `target [k n]`, each a step along the slopes that the stage began with.

    Columns are taken in their canonical order: equal splits then go to the same one wherever it stands.
    """
    narrow, exponents = moderate(np.asarray(x))
    narrow = narrow.astype(np.float32)
    order = canonical(narrow)
    columns = np.ascontiguousarray(narrow[:, order].T)
    width, rows = columns.shape
    sorted_rows = np.argsort(columns, axis=1, kind="stable")
    ordered = np.take_along_axis(columns, sorted_rows, axis=1)
    orders = sorted_rows.astype(np.uint16 if rows <= 2**16 else np.uint32)
    tied = (np.diff(ordered, axis=1) <= growth.SAME).mean(axis=1) > MANY_TIES if rows > 1 else np.zeros(width, bool)
    up = 1.0 / np.arange(1, rows + 1)
    inverse = np.concatenate([up[::-1], up])
    keys = _keys(seed, stages, len(start))
    feature = np.zeros((stages, len(start), 2**depth - 1), np.int32)
    threshold = np.zeros(feature.shape)
    value = np.zeros((stages, len(start), 2**depth))
    gain = np.zeros((stages, len(start), width))
    grown = np.zeros((stages, len(start)), bool)
    raw = np.repeat(start[:, None], rows, axis=1)
    g, h = np.empty_like(raw), np.empty_like(raw)

    def work(stage: int, share: range) -> None:
        """The trees of some classes of a stage; each thread has its own scratch."""
        buffers = np.empty((2, width, rows), orders.dtype)
        sums, left, leaf = np.empty((3, rows)), np.empty(rows, np.uint8), np.empty(rows, np.uint8)
        for k in share:
            grown[stage, k] = growth.grow(
                columns, orders, tied, inverse, g[k], depth, keys[stage, k], buffers, sums, left,
                feature[stage, k], threshold[stage, k], leaf, gain[stage, k],
            )  # fmt: skip
            growth.step(leaf, g[k], h[k], scale, rate, value[stage, k], raw[k])

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for stage in range(stages):
            slopes(raw, target, g, h)
            shares = [range(first, len(start), jobs) for first in range(min(jobs, len(start)))]
            if len(shares) == 1:
                work(stage, shares[0])
            else:
                list(pool.map(lambda share, stage=stage: work(stage, share), shares))
    importances = np.zeros(width)
    importances[order] = gain[grown].sum(axis=0)
    total = importances.sum()
    importances = importances / total if total > 0 else np.zeros(width)
    numbered = order.astype(np.int32)[feature]
    return Boosted(classes, numbered, threshold, value, start, rate, _decide(raw, classes), importances, exponents)


def _keys(seed: int, stages: int, classes: int) -> NDArray[np.uint64]:
    """One 64-bit key for every tree, from which the draws of its nodes follow."""
    words = np.frombuffer(b"boosted trees", dtype=np.uint8)
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *words.tolist()])))
    return generator.integers(0, 2**64, size=(stages, classes), dtype=np.uint64)
