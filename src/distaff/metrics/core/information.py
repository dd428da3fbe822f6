"""Mutual information from histograms: our own estimator, since what a library computes changes under its users' feet.

Codes are cut into bins of equal width between their least and largest value, as the 2019 study did. All information is
in nats. The plug-in estimate of I(X;Y) from n rows is too large by about (|X|-1)(|Y|-1)/2n (Miller, 1955), which is
why pure noise does not score 0; `bias="miller-madow"` takes the bias of each of the three entropies off.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from distaff.errors import unknown
from distaff.metrics.core.arrays import moderate
from distaff.metrics.core.column_blocks import transposed_blocks

BIASES = ("none", "miller-madow")


def discretise(codes: NDArray[np.floating[Any]], bins: int = 20) -> NDArray[np.integer[Any]]:
    """Labels 1..bins [n d] of each code's own equal-width bins; the largest value belongs to the last bin.

    The edges are those of `np.histogram` in NumPy 2, in the precision of the codes: float32 codes have float32 edges,
    and a value on an edge belongs to the bin above it. Where float32 cannot hold the edges apart (NumPy refuses) they
    are made in float64. A constant code has one label. Codes may be of any size: labels do not change with it.
    """
    codes, _ = moderate(codes)
    # a byte a label: a million rows of 128 codes are then 128 MB, not 1 GB; code by code, as they are counted
    labels = np.empty(codes.shape[::-1], dtype=np.uint8 if bins < 2**8 else np.int64)
    for block, columns in transposed_blocks(codes):
        for column, of_column in zip(columns, labels[block], strict=True):
            _cut(column, _edges(column, bins), of_column)
    return labels.T


def _edges(column: NDArray[np.floating[Any]], bins: int) -> NDArray[np.floating[Any]]:
    low, high = column.min(), column.max()
    if low == high:
        low, high = low - column.dtype.type(0.5), high + column.dtype.type(0.5)
    edges = np.linspace(low, high, bins + 1, dtype=column.dtype)
    return edges if (edges[:-1] < edges[1:]).all() else np.linspace(float(low), float(high), bins + 1)


@numba.njit(cache=True)
def _cut(column: Any, edges: Any, labels: Any) -> None:
    """Guess the bin by division, then step to the bin that holds the value: the edges alone decide."""
    last = edges.size - 2
    low = edges[0]
    width = (edges[last + 1] - low) / (last + 1)
    for r in range(column.size):
        x = column[r]
        at = min(max(int((x - low) / width), 0), last) if width > 0 else 0
        while at > 0 and x < edges[at]:
            at -= 1
        while at < last and x >= edges[at + 1]:
            at += 1
        labels[r] = at + 1


def entropies(classes: NDArray[np.integer[Any]], bias: str = "none") -> NDArray[np.float64]:
    """H(column) in nats of each column of labels [n f]."""
    _check_bias(bias)
    return np.array([_entropy(np.bincount(classes[:, j]), bias) for j in range(classes.shape[1])])


def mutual_information(
    a: NDArray[np.integer[Any]], b: NDArray[np.integer[Any]], bias: str = "none"
) -> NDArray[np.float64]:
    """I(a_i; b_j) in nats for all columns of labels a [n d] and b [n f], at least 0: [d f]."""
    _check_bias(bias)
    rows, d, f = len(a), a.shape[1], b.shape[1]
    a_sizes, b_sizes = (x.max(axis=0).astype(np.int64) + 1 for x in (a, b))
    left, right = _columns(a, a_sizes.max()), _columns(b, b_sizes.max())
    out = np.empty((d, f))
    for i in range(d):
        for j in range(f):
            if a is b and j < i:  # codes with themselves: the other half is known
                out[i, j] = out[j, i]
                continue
            counts = np.zeros((a_sizes[i], b_sizes[j]), dtype=np.int64)
            _count(left[i], right[j], counts)
            out[i, j] = _information(counts, rows)
            if bias == "miller-madow":
                out[i, j] += _miller_madow(counts, rows)
    return np.maximum(out, 0.0)


def pair_information(
    labels: NDArray[np.integer[Any]], first: NDArray[np.int64], second: NDArray[np.int64], bias: str = "none"
) -> NDArray[np.float64]:
    """I(a; b) in nats, at least 0 [m], of columns `first` [m] and `second` [m] of labels [n d]."""
    _check_bias(bias)
    sizes = labels.max(axis=0).astype(np.int64) + 1
    columns = _columns(labels, sizes.max())
    out = np.empty(len(first))
    for at, (i, k) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        counts = np.zeros((sizes[i], sizes[k]), dtype=np.int64)
        _count(columns[i], columns[k], counts)
        out[at] = _information(counts, len(labels))
        if bias == "miller-madow":
            out[at] += _miller_madow(counts, len(labels))
    return np.maximum(out, 0.0)


def chance_information(
    a: NDArray[np.integer[Any]], b: NDArray[np.integer[Any]], probability: float = 1e-6
) -> NDArray[np.float64]:
    """The information [d f] that independent columns seem to have once in a million times.

    2 n I of independent columns is about chi-squared with (|X|-1)(|Y|-1) degrees of freedom (the G-test).
    """
    from scipy.special import chdtri

    levels = [np.array([len(np.unique(x[:, j])) for j in range(x.shape[1])]) for x in (a, b)]
    freedom = np.outer(levels[0] - 1, levels[1] - 1).astype(np.float64)
    limit = np.where(freedom > 0, chdtri(np.maximum(freedom, 1), probability), 0.0) / (2 * len(a))
    return np.asarray(limit, dtype=np.float64)


def _check_bias(bias: str) -> None:
    if bias not in BIASES:
        raise unknown("bias", bias, BIASES)


def _columns(labels: NDArray[np.integer[Any]], size: int) -> NDArray[Any]:
    """The labels column by column in the narrowest type: the counting is bound by memory."""
    narrow = np.uint8 if size <= 2**8 else np.uint16 if size <= 2**16 else np.int64
    return np.ascontiguousarray(labels.T.astype(narrow, copy=False))


@numba.njit(cache=True)
def _count(left: Any, right: Any, counts: Any) -> None:
    for r in range(left.size):
        counts[left[r], right[r]] += 1


@numba.njit(cache=True)
def _information(counts: Any, rows: int) -> float:
    of_x, of_y = counts.sum(axis=1), counts.sum(axis=0)
    if (of_x > 0).sum() < 2 or (of_y > 0).sum() < 2:
        return 0.0  # exactly, since a code of exactly no information is a case of its own in modularity
    total = 0.0
    for x in range(counts.shape[0]):
        for y in range(counts.shape[1]):
            c = counts[x, y]
            if c > 0:
                total += c * (np.log(c) + np.log(rows) - np.log(of_x[x]) - np.log(of_y[y]))
    return total / rows


def _entropy(counts: NDArray[np.int64], bias: str) -> float:
    occurring = counts[counts > 0]
    shares = occurring / occurring.sum()
    correction = (len(occurring) - 1) / (2 * occurring.sum()) if bias == "miller-madow" else 0.0
    return float(max(-(shares * np.log(shares)).sum(), 0.0) + correction)


def _miller_madow(counts: NDArray[np.int64], rows: int) -> float:
    """The sum of the corrections (m-1)/2n of H(X), H(Y) and -H(X,Y), m being the number of cells that occur."""
    occurs = counts > 0
    return float(int(occurs.any(axis=1).sum()) + int(occurs.any(axis=0).sum()) - int(occurs.sum()) - 1) / (2 * rows)
