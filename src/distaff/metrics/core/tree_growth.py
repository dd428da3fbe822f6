"""One regression tree, grown exactly: every column is kept sorted, and every split between two values is weighed.

A tree has the shape of a heap: node i has the children 2i+1 and 2i+2, and a node that is not split sends all its rows
to the left. Rows of a node are contiguous in every column's order, so that a level is one pass over memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

SAME = np.float32(1e-7)  # values closer than this count as equal, as in scikit-learn
PURE = np.finfo(np.float64).eps  # a node whose variance is below this is not split, as in scikit-learn


@njit(cache=True, nogil=True, inline="always")
def _mixed(state: Any) -> Any:
    """A 64-bit integer scrambled (the finaliser of SplitMix64): a draw that depends on its counter only."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@njit(cache=True, nogil=True)
def _prefix(orders: Any, first: int, second: int, start: int, end: int, g: Any, sums: Any) -> None:
    """The running sums of `g` in the order of two columns: two chains of additions that do not wait for each other."""
    one, two = orders[first], orders[second]
    left, right = sums[0], sums[1]
    a = b = 0.0
    for i in range(start, end):
        a += g[one[i]]
        b += g[two[i]]
        left[i - start] = a
        right[i - start] = b


@njit(cache=True, nogil=True)
def _weigh(sums: Any, total: float, count: int, inverse: Any, weight: Any) -> Any:
    """The weight SL^2/nL + SR^2/nR of each of the count - 1 splits, and the greatest of them.

    `inverse` [2 n+1] holds 1/i for i from n down to 1, then from 1 up, so that both factors are read forwards; the
    greatest is sought in four lanes, since one comparison would have to wait for the other.
    """
    rows = inverse.shape[0] // 2
    lefts, rights = inverse[rows:], inverse[rows - count + 1 :]
    for i in range(count - 1):
        other = total - sums[i]
        weight[i] = sums[i] * sums[i] * lefts[i] + other * other * rights[i]
    a = b = c = d = 0.0
    for i in range(0, count - 4, 4):
        a = max(a, weight[i])
        b = max(b, weight[i + 1])
        c = max(c, weight[i + 2])
        d = max(d, weight[i + 3])
    for i in range((count - 1) // 4 * 4, count - 1):
        a = max(a, weight[i])
    return max(a, b, c, d)


@njit(cache=True, nogil=True)
def _place(weight: Any, count: int, best: float) -> int:
    for i in range(count - 1):
        if weight[i] == best:
            return i
    return -1


@njit(cache=True, nogil=True)
def _place_between_values(weight: Any, count: int, column: Any, order: Any, start: int, least: Any) -> Any:
    """The first of the heaviest splits that has different values on its two sides, if one weighs at least `least`."""
    best, place = least, -1
    here = column[order[start]]
    for i in range(count - 1):
        following = column[order[start + i + 1]]
        if following > here + SAME and (weight[i] > best or (place < 0 and weight[i] == best)):
            best, place = weight[i], i
        here = following
    return place


@njit(cache=True, nogil=True)
def _best_split(
    columns: Any, orders: Any, tied: Any, start: int, end: int, total: float, g: Any, inverse: Any, work: Any, key: Any
) -> Any:
    """Column, place and weight of the best split of a node; equal weights go to the column that `key` draws."""
    width, count = columns.shape[0], end - start
    rank: Any = np.uint64(0)
    split_column, place, best = -1, -1, -1.0
    for pair in range(0, width, 2):
        second = min(pair + 1, width - 1)
        _prefix(orders, pair, second, start, end, g, work)
        for column in range(pair, second + 1):
            weight = work[2]
            top = _weigh(work[column - pair], total, count, inverse, weight)
            if top < best:
                continue
            order, values = orders[column], columns[column]
            at = -1
            if not tied[column]:
                at = _place(weight, count, top)
                if at >= 0 and values[order[start + at + 1]] <= values[order[start + at]] + SAME:
                    at = -1
            if at < 0:
                at = _place_between_values(weight, count, values, order, start, best)
            if at < 0:
                continue
            draw = _mixed(key + np.uint64(column))
            if weight[at] > best or draw > rank:
                split_column, place, best, rank = column, at, weight[at], draw
    return split_column, place, best


@njit(cache=True, nogil=True)
def _partition(orders: Any, target: Any, start: int, middle: int, end: int, left: Any) -> None:
    """The rows of a node, column by column, those of its left child before the others, each in its old order."""
    one = np.uint64(1)  # unsigned throughout: signed indices are checked for being negative, at a quarter of the time
    for column in range(orders.shape[0]):
        order, new = orders[column], target[column]
        low, high = np.uint64(start), np.uint64(middle)
        for i in range(start, end):
            row = order[i]
            goes = np.uint64(left[row])
            new[high + goes * (low - high)] = row
            low += goes
            high += one - goes


@njit(cache=True, nogil=True)
def grow(
    columns: Any,
    orders: Any,
    tied: Any,
    inverse: Any,
    g: Any,
    depth: int,
    key: Any,
    buffers: Any,
    work: Any,
    left: Any,
    feature: Any,
    threshold: Any,
    leaf: Any,
    gain: Any,
) -> Any:
    """Grow the tree that fits `g` in least squares; whether it has a split at all.

    `columns [d n]` float32, `orders [d n]` its rows in ascending order, `inverse` as in `_weigh`. Written: `feature`,
    `threshold [2^depth - 1]` (+inf where a node is not split), `leaf [n]`, and `gain [d]`, to which the reduction of
    the squared error by each column is added. `buffers [2 d n]`, `work [3 n]` and `left [n]` are scratch.
    """
    rows = columns.shape[1]
    starts: Any = np.zeros(2 ** (depth + 1), np.int64)
    ends: Any = np.zeros(2 ** (depth + 1), np.int64)
    ends[0] = rows
    here = orders
    for row in range(rows):
        leaf[row] = 0
    for level in range(depth):
        target = buffers[level % 2]
        for node in range(2**level - 1, 2 ** (level + 1) - 1):
            start, end = starts[node], ends[node]
            feature[node], threshold[node] = 0, np.inf
            total = square = 0.0
            for i in range(start, end):
                value = g[here[0, i]]
                total += value
                square += value * value
            count = end - start
            column = -1
            if count >= 2 and square / count - (total / count) ** 2 > PURE:
                node_key = _mixed(key + np.uint64(node) * np.uint64(0x9E3779B97F4A7C15))
                column, place, best = _best_split(columns, here, tied, start, end, total, g, inverse, work, node_key)
            if column < 0:
                for i in range(start, end):  # an unsplit node leads to the leftmost leaf below it
                    leaf[here[0, i]] = (node + 1 - 2**level) * 2 ** (depth - level)
                continue
            low = columns[column, here[column, start + place]]
            high = columns[column, here[column, start + place + 1]]
            cut = np.float64(low) / 2.0 + np.float64(high) / 2.0
            if cut == high or not np.isfinite(cut):
                cut = np.float64(low)
            feature[node], threshold[node] = column, cut
            gain[column] += best - total * total / count
            middle = start + place + 1
            for i in range(start, end):
                left[here[column, i]] = 1 if i < middle else 0
            if level == depth - 1:
                for i in range(start, end):
                    leaf[here[column, i]] = (node + 1 - 2**level) * 2 + (0 if i < middle else 1)
                continue
            _partition(here, target, start, middle, end, left)
            starts[2 * node + 1], ends[2 * node + 1] = start, middle
            starts[2 * node + 2], ends[2 * node + 2] = middle, end
        here = target
    return threshold[0] < np.inf


@njit(cache=True, nogil=True)
def step(leaf: Any, g: Any, h: Any, scale: float, rate: float, value: Any, raw: Any) -> None:
    """A Newton step in each leaf, scale * sum(g) / sum(h) or zero without curvature; `rate` of it goes to `raw`."""
    top, bottom = np.zeros(value.shape[0]), np.zeros(value.shape[0])
    for row in range(leaf.shape[0]):
        top[leaf[row]] += g[row]
        bottom[leaf[row]] += h[row]
    for i in range(value.shape[0]):
        value[i] = 0.0 if abs(bottom[i]) < 1e-150 else scale * top[i] / bottom[i]
    for row in range(leaf.shape[0]):
        raw[row] += rate * value[leaf[row]]


@njit(cache=True, nogil=True)
def add_trees(x: Any, feature: Any, threshold: Any, value: Any, rate: float, raw: Any) -> None:
    """Add rate * (the value of its leaf, of every stage) for rows `x [n d]` to `raw [k n]`."""
    stages, classes, nodes = feature.shape
    for k in range(classes):
        for row in range(x.shape[0]):
            total = raw[k, row]
            for stage in range(stages):
                node = 0
                while node < nodes:
                    node = 2 * node + (1 if x[row, feature[stage, k, node]] <= threshold[stage, k, node] else 2)
                total += rate * value[stage, k, node - nodes]
            raw[k, row] = total
