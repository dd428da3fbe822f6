"""L-BFGS on the log-loss of linear classifiers, compiled: the fits of few rows are thousands of evaluations of 3 us.

Rows stand in columns, so that sums over classes run along rows, and in blocks [d 256] one after the other, so that each
stays in the cache. Of two classes the log-odds are one row of weights, of more each class has one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK = 256  # rows at once
MEMORY = 10  # pairs of steps and changes of slope, as scipy's L-BFGS-B keeps
TRIALS = 30  # of the length of a step
ENOUGH_LOWER, ENOUGH_FLATTER = 1e-4, 0.9  # the conditions of Wolfe
LOG2 = 1.0 / math.log(2.0)
LOW, HIGH = 6.93145751953125e-1, 1.42860682030941723212e-6  # the digits of log(2), in two parts
TO_INTEGER = 1.5 * 2.0**52  # added to a number, it leaves the nearest integer in the lowest bits
LEAST = -700.0  # below which exp(x) is 0: numbers close to the least of all cost a hundred times as much


def in_blocks(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """`rows` [n d] as flat blocks of columns, one after the other."""
    blocks = [rows[first : first + BLOCK].T.ravel() for first in range(0, len(rows), BLOCK)]
    return np.concatenate(blocks)


def mean_loss(weights: NDArray[np.float64], blocks: NDArray[np.float64], y: NDArray[np.int64]) -> float:
    """The mean log-loss in nats of classes `y` [n] for `weights` [r d] of columns in `blocks`."""
    scratch = np.empty((len(weights) + 2) * min(len(y), BLOCK))
    return float(summed(weights, blocks, y, np.empty_like(weights), scratch)) / len(y)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _exp(x: Any) -> None:
    """Exponentials of `x` <= 0 in place, within 2 units of the last place; written computed abreast."""
    for i in range(x.shape[0]):
        at = max(x[i], LEAST)
        shifted = at * LOG2 + TO_INTEGER
        whole = shifted - TO_INTEGER
        y = (at - whole * LOW) - whole * HIGH
        p = 1.0 / 479001600.0
        p = p * y + 1.0 / 39916800.0
        p = p * y + 1.0 / 3628800.0
        p = p * y + 1.0 / 362880.0
        p = p * y + 1.0 / 40320.0
        p = p * y + 1.0 / 5040.0
        p = p * y + 1.0 / 720.0
        p = p * y + 1.0 / 120.0
        p = p * y + 1.0 / 24.0
        p = p * y + 1.0 / 6.0
        p = p * y + 0.5
        p = p * y + 1.0
        p = p * y + 1.0
        bits = np.float64(shifted).view(np.int64)
        power = np.int64((bits + 1023) << 52).view(np.float64)
        x[i] = p * power if x[i] > LEAST else 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _decisions(weights: Any, block: Any, raw: Any) -> None:
    """Write `weights` [r d] times `block` [d n] to `raw` [r n], four columns at once."""
    width = block.shape[0]
    for c in range(weights.shape[0]):
        row, w = raw[c], weights[c]
        row[:] = 0.0
        whole = width // 4 * 4
        for j in range(0, whole, 4):
            w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
            x0, x1, x2, x3 = block[j], block[j + 1], block[j + 2], block[j + 3]
            for i in range(row.shape[0]):
                row[i] += (w0 * x0[i] + w1 * x1[i]) + (w2 * x2[i] + w3 * x3[i])
        for j in range(whole, width):
            w0, x0 = w[j], block[j]
            for i in range(row.shape[0]):
                row[i] += w0 * x0[i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _add_slopes(raw: Any, block: Any, slope: Any) -> None:
    """Add `raw` [r n] times the transpose of `block` [d n] to `slope` [r d], four columns at once."""
    width = block.shape[0]
    for c in range(raw.shape[0]):
        row, total = raw[c], slope[c]
        whole = width // 4 * 4
        for j in range(0, whole, 4):
            x0, x1, x2, x3 = block[j], block[j + 1], block[j + 2], block[j + 3]
            s0 = s1 = s2 = s3 = 0.0
            for i in range(row.shape[0]):
                s0 += row[i] * x0[i]
                s1 += row[i] * x1[i]
                s2 += row[i] * x2[i]
                s3 += row[i] * x3[i]
            total[j] += s0
            total[j + 1] += s1
            total[j + 2] += s2
            total[j + 3] += s3
        for j in range(whole, width):
            x0 = block[j]
            s0 = 0.0
            for i in range(row.shape[0]):
                s0 += row[i] * x0[i]
            total[j] += s0


@njit(cache=True, nogil=True, error_model="numpy")
def _binary(raw: Any, y: Any, scratch: Any) -> Any:
    """The summed log-loss of log-odds [1 n], which become their own slopes."""
    z, odds = raw[0], scratch[0]
    for i in range(z.shape[0]):
        odds[i] = -abs(z[i])
    _exp(odds)
    loss, product = 0.0, 1.0
    for i in range(z.shape[0]):
        loss += max(z[i], 0.0) - y[i] * z[i]
        product *= 1.0 + odds[i]
        if product > 1e100:  # one logarithm for many rows
            loss += math.log(product)
            product = 1.0
        z[i] = (1.0 if z[i] > 0 else odds[i]) / (1.0 + odds[i]) - y[i]
    return loss + math.log(product)


@njit(cache=True, nogil=True, error_model="numpy")
def _several(raw: Any, y: Any, scratch: Any) -> Any:
    """The summed log-loss of scores [k n], which become their own slopes."""
    top, total = scratch[0], scratch[1]
    n = top.shape[0]
    top[:] = raw[0]
    for c in range(1, raw.shape[0]):
        row = raw[c]
        for i in range(n):
            top[i] = max(top[i], row[i])
    loss, product = 0.0, 1.0
    for i in range(n):
        loss += top[i] - raw[y[i], i]
    total[:] = 0.0
    for c in range(raw.shape[0]):
        row = raw[c]
        for i in range(n):
            row[i] -= top[i]
        _exp(row)
        for i in range(n):
            total[i] += row[i]
    for i in range(n):
        product *= total[i]
        if product > 1e100:
            loss += math.log(product)
            product = 1.0
        total[i] = 1.0 / total[i]
    for c in range(raw.shape[0]):
        row = raw[c]
        for i in range(n):
            row[i] *= total[i]
    for i in range(n):
        raw[y[i], i] -= 1.0
    return loss + math.log(product)


@njit(cache=True, nogil=True, error_model="numpy")
def summed(weights: Any, blocks: Any, y: Any, slope: Any, scratch: Any) -> Any:
    """The summed log-loss of classes `y` [n] for `weights` [r d] of columns in `blocks`; its slope is written [r d].

    `scratch` has r + 2 numbers for each row of a block.
    """
    (r, d), n = weights.shape, y.shape[0]
    loss = 0.0
    slope[:] = 0.0
    for first in range(0, n, BLOCK):
        size = min(BLOCK, n - first)
        block = blocks[first * d : (first + size) * d].reshape(d, size)
        rows = scratch[: (r + 2) * size].reshape(r + 2, size)
        raw, spare, of_rows = rows[:r], rows[r:], y[first : first + size]
        _decisions(weights, block, raw)
        loss += _binary(raw, of_rows, spare) if r == 1 else _several(raw, of_rows, spare)
        _add_slopes(raw, block, slope)
    return loss


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _dot(a: Any, b: Any) -> Any:
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _objective(u: Any, slope: Any, blocks: Any, y: Any, stretch: Any, penalty: Any, weights: Any, scratch: Any) -> Any:
    """The mean loss and the penalty at `u`, flat [r d]; their slope is written.

    `weights` [3 r d] is scratch: those of the columns are u * stretch, and bear half their square by `penalty` [d d].
    """
    n, d = y.shape[0], stretch.shape[0]
    of_columns, found, borne = weights[0], weights[1], weights[2]
    for c in range(of_columns.shape[0]):
        for j in range(d):
            of_columns[c, j] = u[c * d + j] * stretch[j]
    loss = summed(of_columns, blocks, y, found, scratch) / n
    _decisions(of_columns, penalty, borne)
    for c in range(of_columns.shape[0]):
        loss += 0.5 * _dot(of_columns[c], borne[c])
        for j in range(d):
            slope[c * d + j] = (found[c, j] / n + borne[c, j]) * stretch[j]
    return loss


@njit(cache=True, nogil=True, error_model="numpy")
def _direction(slope: Any, steps: Any, changes: Any, newest: int, kept: int, direction: Any) -> None:
    """Write minus the slope times the inverse curvature that the last `kept` steps and changes of slope tell of."""
    shares = np.zeros(MEMORY)
    direction[:] = -slope
    for back in range(kept):
        s, t = steps[(newest - back) % MEMORY], changes[(newest - back) % MEMORY]
        shares[back] = _dot(s, direction) / _dot(s, t)
        direction -= shares[back] * t
    if kept:
        s, t = steps[newest % MEMORY], changes[newest % MEMORY]
        direction *= _dot(s, t) / _dot(t, t)
    for back in range(kept - 1, -1, -1):
        s, t = steps[(newest - back) % MEMORY], changes[(newest - back) % MEMORY]
        direction += (shares[back] - _dot(t, direction) / _dot(s, t)) * s


@njit(cache=True, nogil=True, error_model="numpy")
def descend(u: Any, blocks: Any, y: Any, stretch: Any, penalty: Any, most: int, steep: float, still: float) -> None:
    """Take `u`, flat [r d], to the least mean log-loss of classes `y` [n] for weights u * stretch of `blocks`.

    It ends after `most` steps, where no slope is above `steep`, or where a step lowers the loss by less than the share
    `still`: the rules of scipy's L-BFGS-B. The penalty is 1/2 w `penalty` w for each row of weights.
    """
    d, n = stretch.shape[0], y.shape[0]
    r = u.shape[0] // d
    scratch, weights = np.empty((r + 2) * min(n, BLOCK)), np.empty((3, r, d))
    slope, next_slope, direction, trial = np.empty_like(u), np.empty_like(u), np.empty_like(u), np.empty_like(u)
    steps, changes = np.empty((MEMORY, u.shape[0])), np.empty((MEMORY, u.shape[0]))
    newest, kept = -1, 0
    loss = _objective(u, slope, blocks, y, stretch, penalty, weights, scratch)
    for _ in range(most):
        if np.abs(slope).max() <= steep:
            return
        _direction(slope, steps, changes, newest, kept, direction)
        downhill = _dot(slope, direction)
        if not downhill < 0.0:
            if kept == 0:
                return
            kept = 0  # what is remembered no longer points downhill
            continue
        length, short, long = 1.0, 0.0, np.inf
        found = loss
        for _ in range(TRIALS):
            trial[:] = u + length * direction
            found = _objective(trial, next_slope, blocks, y, stretch, penalty, weights, scratch)
            if not found <= loss + ENOUGH_LOWER * length * downhill:
                long = length
                bend = 2.0 * (found - loss - length * downhill)  # of the parabola through what is known
                length = min(
                    max(-downhill * length * length / bend, short + 0.1 * (long - short)), 0.5 * (short + long)
                )
            elif _dot(next_slope, direction) < ENOUGH_FLATTER * downhill:
                short = length
                length = 2.0 * length if long == np.inf else 0.5 * (short + long)
            else:
                break
        if not found < loss:
            return
        if _dot(trial - u, next_slope - slope) > 0.0:
            newest, kept = newest + 1, min(kept + 1, MEMORY)
            steps[newest % MEMORY] = trial - u
            changes[newest % MEMORY] = next_slope - slope
        lowered = (loss - found) / max(abs(loss), abs(found), 1.0)
        loss = found
        u[:] = trial
        slope[:] = next_slope
        if lowered <= still:
            return
