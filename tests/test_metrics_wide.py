"""Metrics of many codes and factors: against slow, obvious versions, and within a few times the memory of the codes."""

from __future__ import annotations

import itertools
import tracemalloc

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma
from scipy.stats import rankdata

from distaff import metrics
from distaff.metrics.core.arrays import moderate
from distaff.metrics.core.cut_information import cut_information
from distaff.metrics.core.matching import _candidates, equal_count_edges
from distaff.metrics.core.neighbour_information import neighbour_information
from distaff.metrics.irs import deviation_quantile
from distaff.metrics.mcc import correlations

MOST = 4  # times the memory of the codes
BESIDE = 8 * 2**20  # bytes that blocks of codes and tables of factors take whatever the codes are

few_values = arrays.arrays(np.float64, st.tuples(st.integers(4, 40), st.integers(1, 4)), elements=st.integers(0, 5))


def wide(d, f, n=4_000, seed=0):
    """Codes [n d] of which the first f are noisy factors, and factors [n f] of ten values."""
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, 10, size=(n, f))
    codes = rng.standard_normal((n, d), dtype=np.float32)
    shared = min(d, f)
    codes[:, :shared] = 0.3 * codes[:, :shared] + factors[:, :shared]
    return codes, factors


def memory(call):
    """The largest number of bytes that NumPy and Python hold at once while `call` runs."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def slow_correlation(x, y):
    if len(set(x.tolist())) == 1 or len(set(y.tolist())) == 1:
        return 0.0
    return abs(np.corrcoef(x.astype(np.float64), y)[0, 1])


@pytest.mark.parametrize("ranked", [False, True])
@pytest.mark.parametrize("scale", [1, 1e-30, 1e30])
def test_one_product_gives_every_correlation(ranked, scale):
    codes, factors = wide(200, 7)
    codes[:, 50] = 3.25
    codes *= np.float32(scale)
    targets = factors.astype(float)
    made = correlations(codes, rankdata(targets, axis=0) if ranked else targets, ranked)
    for i, j in [(0, 0), (3, 3), (50, 2), (120, 6), (199, 1)]:
        x, y = (rankdata(codes[:, i]), rankdata(targets[:, j])) if ranked else (codes[:, i] / scale, targets[:, j])
        assert made[i, j] == pytest.approx(slow_correlation(x, y), abs=1e-6 if scale != 1 else 1e-12)


@settings(max_examples=50, deadline=None)
@given(few_values)
def test_correlations_of_ties_and_constants_are_the_slow_ones(codes):
    targets = np.arange(len(codes), dtype=float)[:, None]
    for i, found in enumerate(correlations(codes, targets)[:, 0]):
        assert found == pytest.approx(slow_correlation(codes[:, i], targets[:, 0]), abs=1e-12)


def slow_information(a, b):
    """I(a; b) in nats of two lists of labels."""
    total = 0.0
    for x in set(a):
        for y in set(b):
            both = np.mean((a == x) & (b == y))
            total += both * np.log(both / np.mean(a == x) / np.mean(b == y)) if both else 0.0
    return total


@settings(max_examples=50, deadline=None)
@given(few_values, st.integers(2, 9), st.randoms(use_true_random=False))
def test_codes_cut_once_for_all_factors_have_the_slow_information(codes, values, random):
    columns = [[random.randrange(size) for _ in codes] for size in (values, 2, values)]
    classes = np.array(columns).T
    found = cut_information(codes, classes, np.array([values, 2, values]))
    for i, j in np.ndindex(found.shape):
        edges = equal_count_edges(codes[:, i], (values, 2, values)[j])
        labels = np.searchsorted(edges, codes[:, i], side="right")
        assert found[i, j] == pytest.approx(slow_information(labels, classes[:, j]), abs=1e-12)
        assert found[i, j] > 0 or len(set(labels.tolist())) < 2 or slow_information(labels, classes[:, j]) < 1e-12


def test_a_best_matching_holds_no_other_than_the_candidates():
    rng = np.random.default_rng(0)
    for _ in range(200):
        f = int(rng.integers(1, 4))
        worth = rng.integers(0, 4, size=(int(rng.integers(1, 7)), f)).astype(float)
        candidates = _candidates(worth)
        pairs = list(itertools.permutations(range(len(worth)), f)) if len(worth) >= f else []
        most = max((worth[list(m), range(f)].sum() for m in pairs), default=0)
        for m in pairs:
            if worth[list(m), range(f)].sum() == most:
                assert candidates[list(m), range(f)].all()


@settings(max_examples=100, deadline=None)
@given(arrays.arrays(np.float64, st.integers(1, 60), elements=st.integers(-9, 9)), st.floats(0, 1))
def test_the_quantile_of_deviations_is_numpys(x, quantile):
    expected = np.quantile(np.abs(x - x.mean()), quantile)
    assert deviation_quantile(np.sort(x), quantile) == pytest.approx(expected, abs=1e-12)


def slow_neighbours(x, y, k):
    """The estimator of Ross (2014) for codes and classes [n], by all distances."""
    kept = np.array([np.sum(y == c) > 1 for c in y])
    x, y = x[kept], y[kept]
    if len(set(y.tolist())) < 2:
        return 0.0
    terms = []
    for i, c in enumerate(y):
        near = min(k, np.sum(y == c) - 1)
        radius = np.sort(np.abs(x[y == c] - x[i]))[near]
        closer = np.sum((np.abs(x - x[i]) < radius) | (x == x[i]))
        terms.append(digamma(near) - digamma(np.sum(y == c)) - digamma(closer))
    return max(digamma(len(x)) + np.mean(terms), 0.0)


@settings(max_examples=50, deadline=None)
@given(st.integers(4, 60), st.integers(1, 12), st.integers(0, 2**32 - 1), st.sampled_from([1, 1e-9, 1e9]))
def test_one_sort_a_code_gives_the_slow_information_from_neighbours(n, k, seed, scale):
    rng = np.random.default_rng(seed)
    codes = np.round(rng.normal([0, 1e3], size=(n, 2)), 2)
    codes[: n // 3] = codes[0]  # ties, which are no closer than themselves
    codes *= scale
    classes = rng.integers(0, [2, max(n // 2, 1), 1], size=(n, 3))
    classes = np.stack([np.unique(column, return_inverse=True)[1] for column in classes.T], axis=1)
    found = neighbour_information(codes, classes, k)
    moderated = moderate(codes)[0]
    for i, j in np.ndindex(found.shape):
        if len(np.unique(codes[:, i])) > n / 2:
            expected = slow_neighbours(moderated[:, i], classes[:, j], k)
        else:
            expected = slow_information(codes[:, i], classes[:, j])
        assert found[i, j] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("name", ["mcc", "snc", "irs", "infomec"])
def test_wide_codes_are_scored_within_four_times_their_memory(name):
    codes, factors = wide(1_500, 5)
    score = getattr(metrics, name)
    score(*wide(10, 3, 300))  # what is imported and compiled is no part of it
    assert memory(lambda: score(codes, factors)) < MOST * codes.nbytes + BESIDE
