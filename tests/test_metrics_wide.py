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
from distaff.errors import DistaffError
from distaff.metrics.core.arrays import canonical, moderate
from distaff.metrics.core.covariance import covariance, log_determinant, spectrum_of_rows, variances
from distaff.metrics.core.cut_information import cut_information
from distaff.metrics.core.matching import _candidates, equal_count_edges
from distaff.metrics.core.moments import group_variances, mean_differences
from distaff.metrics.core.neighbour_information import neighbour_information
from distaff.metrics.irs import deviation_quantile
from distaff.metrics.mcc import correlations
from distaff.metrics.pairwise_mutual_information import numbered_pairs

MOST = 4  # times the memory of the codes
BESIDE = 48 * 2**20  # bytes that blocks of codes and the numbers of a million drawn rows take whatever the codes are

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


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_moments_summed_in_one_loop_are_numpys_to_the_bit(kind):
    rng = np.random.default_rng(0)
    codes, others = (rng.normal(loc=3, size=(7, 64, 5)).astype(kind) for _ in range(2))
    np.testing.assert_array_equal(group_variances(codes), np.var(codes, axis=1, ddof=1, dtype=np.float64))
    expected = 2 * np.abs(codes / 2 - others / 2).mean(axis=1, dtype=np.float64)
    np.testing.assert_array_equal(mean_differences(codes, others), expected)


def test_moments_of_what_is_not_finite_are_not_finite():
    codes = np.array([[[1.0, np.nan, np.inf, 2.0], [1.0, 1.0, 1.0, 3.0]]])
    assert np.isfinite(group_variances(codes)).tolist() == [[True, False, False, True]]
    assert np.isfinite(mean_differences(codes, codes)).tolist() == [[True, False, False, True]]
    largest = np.full((1, 1, 1), np.finfo(np.float64).max)
    assert np.isinf(mean_differences(largest, -largest)).all()


@pytest.mark.parametrize("name", ["factor_vae_score", "beta_vae_score"])
def test_a_table_is_looked_up_a_little_at_a_time_with_the_same_score(name, monkeypatch):
    codes, factors = wide(30, 3, 500)
    options = {"train": 300, "test": 200}
    whole = getattr(metrics, name)(codes, factors, **options)
    monkeypatch.setattr("distaff.metrics.core.code_lookup.OF_A_TABLE", 10_000)
    few = getattr(metrics, name)(codes, factors, **options)
    assert few.value == whole.value
    assert few.parts == whole.parts


@pytest.mark.parametrize(("n", "d"), [(60, 7), (8, 12), (12, 12), (2, 3)])
def test_few_rows_have_the_spectrum_of_their_covariance(n, d):
    codes = np.random.default_rng(0).normal(size=(n, d)) * np.arange(1, d + 1)
    cov = np.cov(codes, rowvar=False)
    np.testing.assert_allclose(covariance(codes), cov, atol=1e-12)
    np.testing.assert_allclose(variances(codes), np.diag(cov))
    expected = np.linalg.eigvalsh(cov * np.outer(np.arange(d), np.arange(d)))[-min(n, d) :]
    np.testing.assert_allclose(spectrum_of_rows(codes, np.arange(d))[-min(n, d) :], expected, atol=1e-9)
    scale = np.sqrt(np.diag(cov))
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(cov * np.outer(scale, scale)), 0))
    expected = 2 * np.trace(cov) - 2 * roots.sum()
    assert float(metrics.gaussian_wasserstein_correlation(codes)) == pytest.approx(expected, rel=1e-6)
    score = metrics.gaussian_total_correlation(codes)
    if n > d:
        assert float(score) == pytest.approx(np.log(np.diag(cov)).sum() / 2 - np.linalg.slogdet(cov)[1] / 2)
    else:
        assert float(score) == np.inf
        assert f"{d} varying codes have a covariance of rank {n - 1}" == score.reason


def test_a_nearly_singular_covariance_is_judged_by_its_spectrum():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(500, 3))
    near = np.column_stack([codes, codes[:, 0] + 1e-5 * rng.normal(size=500)])
    assert log_determinant(np.corrcoef(near.T)) is None
    expected = -np.log(np.linalg.eigvalsh(np.corrcoef(near.T))).sum() / 2
    assert float(metrics.gaussian_total_correlation(near)) == pytest.approx(expected, rel=1e-6)


def test_a_draw_of_pairs_is_near_all_of_them_and_the_same_in_any_order():
    codes, _ = wide(60, 20, 800)
    codes[:, 40:] = codes[:, :20] + 0.5 * codes[:, 20:40]
    whole = float(metrics.pairwise_mutual_information(codes))
    for order in (np.arange(60), np.random.default_rng(1).permutation(60)):
        drawn = metrics.pairwise_mutual_information(codes[:, order], pairs=900)
        assert drawn.parts == {"pairs": 900}
        assert float(drawn) == pytest.approx(whole, rel=0.05)
        assert float(drawn) == pytest.approx(float(metrics.pairwise_mutual_information(codes, pairs=900)), abs=1e-12)
    assert float(metrics.pairwise_mutual_information(codes, pairs=60 * 59 // 2)) == whole
    with pytest.raises(DistaffError, match="at least 1"):
        metrics.pairwise_mutual_information(codes, pairs=0)


def test_numbers_of_pairs_are_those_of_the_triangle():
    i, k = numbered_pairs(np.arange(50 * 49 // 2))
    assert list(zip(i, k, strict=True)) == [(i, k) for i in range(50) for k in range(i)]
    edges = np.array([m * (m - 1) // 2 + shift for m in (16_384, 2**26 + 1) for shift in (-1, 0, 1)])
    i, k = numbered_pairs(edges)
    np.testing.assert_array_equal(i * (i - 1) // 2 + k, edges)
    assert ((k >= 0) & (k < i)).all()


def test_too_many_pairs_are_refused_with_what_to_do():
    with pytest.raises(DistaffError, match=r"5000 codes have 12497500 pairs.*give pairs=500_000"):
        metrics.pairwise_mutual_information(np.zeros((3, 5_000)))


@settings(max_examples=50, deadline=None)
@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 30), st.integers(1, 9)), elements=st.integers(-3, 3)))
def test_the_canonical_order_is_that_of_sorted_and_then_of_whole_columns(codes):
    codes = np.repeat(codes, 5, axis=0)  # more values than the order looks at first
    codes[-1] += np.arange(codes.shape[1]) % 2
    keys = [(np.sort(column).tobytes(), column.tobytes()) for column in codes.T]
    assert canonical(codes).tolist() == sorted(range(len(keys)), key=keys.__getitem__)


MEMORY = [
    "mcc", "snc", "irs", "infomec", "mig", "med", "modularity", "factor_vae_score", "beta_vae_score",
    "gaussian_total_correlation", "gaussian_wasserstein_correlation",
]  # fmt: skip


@pytest.mark.parametrize("name", MEMORY)
def test_wide_codes_are_scored_within_four_times_their_memory(name):
    codes, factors = wide(1_000, 5, 10_000)
    score = getattr(metrics, name)
    score(*wide(10, 3, 300))  # what is imported and compiled is no part of it
    assert memory(lambda: score(codes, factors)) < MOST * codes.nbytes + BESIDE
