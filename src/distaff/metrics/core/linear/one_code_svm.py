"""The linear SVM of one code, solved exactly: what liblinear approaches one code, factor and value at a time.

The loss 1/2 (w^2 + b^2) + sum_i C_i max(0, 1 - s_i (w x_i + b))^2 of one variable is quadratic between the points where
a row enters or leaves the margin. The rows within it are one end of the sorted code, so that loss, slope and curvature
are read from running sums by bisection, and Newton's steps end in the minimum itself, O(log n) each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from distaff.metrics.core.arrays import scaled

LARGEST = 64  # the exponent beyond which no SVM is computed: its score is constant from some 10^6 on
STEPS = 100  # of Newton; some five to ten are needed
HALVINGS = 40  # of a step that does not lower the loss
NARROWEST = 2.0**-100  # a code of less spread is not widened to 1: its weight is nothing beside the intercept


def accuracies(
    x: NDArray[Any], ys: list[NDArray[Any]], x_test: NDArray[Any], ys_test: list[NDArray[Any]]
) -> NDArray[np.float64]:
    """The accuracies [d f] on `x_test` [m d] of an SVM (C = 0.01, classes weighted evenly) of each code of `x` [n d].

    `ys` are the classes [n] of each factor, at least two, and `ys_test` [m] those of the test. Each class stands
    against the rest, as in liblinear; of two classes, one SVM decides. Of equal decisions the first class is taken, and
    a class that training does not hold counts as mistaken. Codes beyond 2^64, where accuracies have long been constant,
    are brought down to that.
    """
    beyond = np.maximum(np.frexp(np.abs(x).max(axis=0))[1].astype(np.int64) - LARGEST, 0)
    x, x_test = scaled(x, beyond), scaled(x_test, beyond)
    values = [np.unique(y) for y in ys]
    sizes = np.array([len(of_factor) for of_factor in values])
    classes = np.stack([np.searchsorted(*pair) for pair in zip(values, ys, strict=True)])
    tested = np.stack([_numbered(*pair) for pair in zip(values, ys_test, strict=True)])
    shares = np.empty((x.shape[1], len(ys)))
    for i in range(x.shape[1]):
        code = x[:, i].astype(np.float64)
        order = np.argsort(code)
        of_code(code[order], order, classes, sizes, x_test[:, i].astype(np.float64), tested, shares[i])
    return shares


def _numbered(values: NDArray[Any], y: NDArray[Any]) -> NDArray[np.int64]:
    """The places of `y` [m] among ascending `values`, -1 where it is none of them."""
    places = np.minimum(np.searchsorted(values, y), len(values) - 1)
    return np.where(values[places] == y, places, -1)


@njit(cache=True, nogil=True)
def of_code(x: Any, order: Any, y: Any, sizes: Any, x_test: Any, y_test: Any, shares: Any) -> None:
    """Write the accuracy for every factor to `shares` [f]; `x` [n] ascends, and holds rows `order` of `y` [f n].

    The code is moved to its median and widened to 1, so that sums lose nothing to an offset; the penalty is still that
    of the weight and intercept of the code as it is.
    """
    n = x.shape[0]
    centre = x[n // 2]
    spread = max(x[n - 1] - centre, centre - x[0])
    spread = max(spread, NARROWEST) if spread > 0 else 1.0
    offset = centre / spread
    u, u_test = (x - centre) / spread, (x_test - centre) / spread
    grouped, sums, of_class = np.empty(n), np.empty((2, n + 1)), np.empty((2, n + 1))
    _running_sums(u, sums)
    for j in range(sizes.shape[0]):
        k = sizes[j]
        starts = _group(u, order, y[j], k, grouped)
        weights: Any = np.zeros((k, 2))
        for c in range(1 if k == 2 else 0, k):
            inner = grouped[starts[c] : starts[c + 1]]
            _running_sums(inner, of_class)
            cost = 0.01 * n / (k * inner.shape[0])
            rest = 0.01 * n / (k * starts[1]) if k == 2 else 0.01
            _solve(u, sums, inner, of_class, cost, rest, 1.0 / spread, offset, weights[c])
        shares[j] = _share(weights, u_test, y_test[j])


@njit(cache=True, nogil=True)
def _group(u: Any, order: Any, y: Any, k: int, grouped: Any) -> Any:
    """Write the values of one class after the other, ascending in each; where each of the `k` starts [k+1]."""
    starts: Any = np.zeros(k + 1, np.int64)
    for i in range(u.shape[0]):
        starts[y[i] + 1] += 1
    for c in range(k):
        starts[c + 1] += starts[c]
    at = starts[:k].copy()
    for i in range(u.shape[0]):
        c = y[order[i]]
        grouped[at[c]] = u[i]
        at[c] += 1
    return starts


@njit(cache=True, nogil=True)
def _running_sums(u: Any, sums: Any) -> None:
    """Write the sums of the first i values and of their squares to `sums` [2 n+1 or more]."""
    sums[:, 0] = 0.0
    for i in range(u.shape[0]):
        sums[0, i + 1] = sums[0, i] + u[i]
        sums[1, i + 1] = sums[1, i] + u[i] * u[i]


@njit(cache=True, nogil=True)
def _within(u: Any, sums: Any, a: float, c: float) -> Any:
    """Number, sum and sum of squares of the ascending `u` for which a u + c < 1."""
    n = u.shape[0]
    if a == 0.0:
        low = n if c < 1.0 else 0
    else:
        cut, low, high = (1.0 - c) / a, 0, n
        while low < high:
            middle = (low + high) // 2
            if u[middle] < cut or (a < 0.0 and u[middle] == cut):
                low = middle + 1
            else:
                high = middle
    if a < 0.0:
        return float(n - low), sums[0, n] - sums[0, low], sums[1, n] - sums[1, low]
    return float(low), sums[0, low], sums[1, low]


@njit(cache=True, nogil=True)
def _loss(
    u: Any,
    sums: Any,
    inner: Any,
    of_class: Any,
    cost: float,
    rest: float,
    scale: float,
    offset: float,
    a: float,
    c: float,
) -> Any:
    """Loss at a u + c, its slope in (a, c), and its curvature: twice the costs of the rows, then those of the sums."""
    n1, s1, q1 = _within(inner, of_class, a, c)
    na, sa, qa = _within(u, sums, -a, -c)
    nc, sc, qc = _within(inner, of_class, -a, -c)
    n2, s2, q2 = na - nc, sa - sc, qa - qc
    w, b = a * scale, c - a * offset
    above, below = 1.0 - c, 1.0 + c
    loss = 0.5 * (w * w + b * b)
    loss += cost * (n1 * above * above - 2.0 * above * a * s1 + a * a * q1)
    loss += rest * (n2 * below * below + 2.0 * below * a * s2 + a * a * q2)
    slope_a = w * scale - b * offset + 2.0 * cost * (a * q1 - above * s1) + 2.0 * rest * (a * q2 + below * s2)
    slope_c = b + 2.0 * cost * (a * s1 - above * n1) + 2.0 * rest * (a * s2 + below * n2)
    squares, crossed, number = (
        2.0 * (cost * q1 + rest * q2),
        2.0 * (cost * s1 + rest * s2),
        2.0 * (cost * n1 + rest * n2),
    )
    return loss, slope_a, slope_c, squares, crossed, number


@njit(cache=True, nogil=True)
def _solve(
    u: Any, sums: Any, inner: Any, of_class: Any, cost: float, rest: float, scale: float, offset: float, weights: Any
) -> None:
    """Write a and c, of the decision a u + c for the class of the rows `inner` of all rows `u`, to `weights` [2].

    A Newton step that is not cut short and leaves the same rows within the margin ends in the minimum.
    """
    a = c = 0.0
    loss, slope_a, slope_c, squares, crossed, number = _loss(u, sums, inner, of_class, cost, rest, scale, offset, a, c)
    for _ in range(STEPS):
        flat = scale * scale + squares
        determinant = flat * (1.0 + number) + offset * offset * number + 2.0 * offset * crossed - crossed * crossed
        if not determinant > 0.0:
            break
        step_a = -((1.0 + number) * slope_a - (crossed - offset) * slope_c) / determinant
        step_c = -((flat + offset * offset) * slope_c - (crossed - offset) * slope_a) / determinant
        expected = slope_a * step_a + slope_c * step_c
        length, lower = 1.0, False
        for _ in range(HALVINGS):
            found = _loss(u, sums, inner, of_class, cost, rest, scale, offset, a + length * step_a, c + length * step_c)
            lower = found[0] <= loss + 1e-4 * length * expected
            if lower:
                break
            length *= 0.5
        if not lower:
            break
        same = found[3] == squares and found[4] == crossed and found[5] == number
        a, c = a + length * step_a, c + length * step_c
        loss, slope_a, slope_c, squares, crossed, number = found
        if same and length == 1.0:
            break
    weights[0], weights[1] = a, c


@njit(cache=True, nogil=True)
def _share(weights: Any, u: Any, y: Any) -> Any:
    """The share of the test's rows that are given their class: of the greatest decision, the first of equal ones."""
    k, hits = weights.shape[0], 0
    for i in range(u.shape[0]):
        chosen, best = 0, -np.inf
        for c in range(k):
            decision = weights[c, 0] * u[i] + weights[c, 1]
            if decision > best:
                chosen, best = c, decision
        hits += chosen == y[i]
    return hits / u.shape[0]
