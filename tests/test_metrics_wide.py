"""Metrics of many codes and factors: against slow, obvious versions, and within a few times the memory of the codes."""

from __future__ import annotations

import tracemalloc

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from distaff import metrics
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


@pytest.mark.parametrize("name", ["mcc"])
def test_wide_codes_are_scored_within_four_times_their_memory(name):
    codes, factors = wide(1_500, 5)
    score = getattr(metrics, name)
    score(*wide(10, 3, 300))  # what is imported and compiled is no part of it
    assert memory(lambda: score(codes, factors)) < MOST * codes.nbytes + BESIDE
