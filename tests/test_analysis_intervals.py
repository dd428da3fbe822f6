"""Intervals cover what they say, and say so where they cannot."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from distaff.analysis.intervals import centred, median, medians, row_weights, seed_weights, weighted_median
from distaff.analysis.scores import scores
from distaff.errors import DistaffError
from distaff.testing.simulated_study import simulated

SETTINGS = np.array([2, 0, 1, 0, 2, 2])
SEEDS = np.array([0, 0, 1, 1, 1, 2])


def test_a_resample_weighs_every_setting_as_before_and_no_seed_with_nothing():
    drawn = row_weights(SETTINGS, SEEDS, 200, 0)
    assert (drawn > 0).all()
    for setting, size in enumerate(np.bincount(SETTINGS)):
        np.testing.assert_allclose(drawn[:, setting == SETTINGS].sum(axis=1), size)


def test_settings_that_share_seeds_are_weighed_alike():
    settings, seeds = np.repeat([0, 1], 5), np.tile(np.arange(5), 2)
    drawn = row_weights(settings, seeds, 50, 0)
    np.testing.assert_array_equal(drawn[:, :5], drawn[:, 5:])
    np.testing.assert_allclose(drawn[:, :5], seed_weights(range(5), 50, 0))


def test_weights_of_a_seed_do_not_depend_on_the_others():
    few, many = seed_weights([3, 7], 50, 0), seed_weights(range(10), 50, 0)[:, [3, 7]]
    np.testing.assert_allclose(few, many * 2 / many.sum(axis=1, keepdims=True))


def test_the_mean_of_a_resample_spreads_as_the_closed_form_says():
    values = np.random.default_rng(0).standard_normal(6)
    drawn = seed_weights(range(6), 40_000, 0) @ values / 6
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(7), rel=0.02)  # of Dirichlet weights: n + 1


def test_the_interval_of_a_mean_of_normal_seeds_is_that_of_student():
    values = np.random.default_rng(1).standard_normal(5)
    found = centred(values.mean(), seed_weights(range(5), 40_000, 0) @ values / 5, 5, 5)
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) / np.sqrt(5)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), rel=0.02)


@given(
    st.floats(-10, 10),
    arrays(np.float64, st.integers(2, 20), elements=st.floats(-1e3, 1e3) | st.just(math.nan)),
    st.floats(1.1, 100),
    st.tuples(st.floats(-5, 5), st.floats(-5, 5)).map(sorted),
)
def test_a_value_lies_inside_its_own_interval_whatever_it_and_its_bounds_are(value, drawn, seeds, bounds):
    found = centred(value, drawn, seeds, 9, tuple(bounds))
    assert math.isnan(found.low) or found.low <= value <= found.high
    if bounds[0] <= value <= bounds[1] and not math.isnan(found.low):
        assert bounds[0] <= found.low
        assert found.high <= bounds[1]


@given(arrays(np.float64, st.integers(2, 12), elements=st.floats(-1e3, 1e3)), st.integers(1, 4))
def test_a_median_lies_inside_its_own_interval(values, settings):
    found = median(values, np.arange(len(values)) % settings, np.arange(len(values)) // settings, resamples=20)
    assert math.isnan(found.low) or found.low <= found.value <= found.high


def test_a_weighted_median_is_the_median_of_values_that_are_repeated():
    draw = np.random.default_rng(2)
    values, times = draw.standard_normal(7), draw.integers(0, 4, (30, 7))
    times[:, 0] += 1 - times.sum(axis=1) % 2  # an odd number of values has one in the middle
    slow = [np.median(np.repeat(values, row)) for row in times]
    np.testing.assert_array_equal(weighted_median(values, times.astype(float)), slow)


def coverage(seeds: int, studies: int) -> float:
    draw = np.random.default_rng(3)
    found = [median(draw.standard_normal(seeds), seed=number, resamples=400) for number in range(studies)]
    return float(np.mean([interval.low <= 0 <= interval.high for interval in found]))


def test_intervals_of_fifty_seeds_cover_the_true_median():
    assert 0.92 < coverage(50, 1000) < 0.98


def test_intervals_of_five_seeds_cover_as_often_as_their_closed_form_says():
    assert coverage(5, 1500) == pytest.approx(1 - 2 / 2**5, abs=0.02)


def test_one_seed_has_no_interval():
    assert np.isnan(median(np.array([0.3])).low)
    found = medians(scores(simulated(1)[0], "mig"), ["method", "strength_index"])
    assert found["low"].is_null().all()
    assert found["median"].is_not_null().all()


def test_one_more_group_changes_no_other():
    rows = scores(simulated()[0], "mig")
    part = rows.filter(pl.col("method") == "beta_vae")
    by = ["method", "strength_index"]
    assert medians(part, by).equals(medians(rows, by).filter(pl.col("method") == "beta_vae"))


def test_a_misspelt_metric_is_told_its_neighbour():
    with pytest.raises(DistaffError, match="Did you mean 'mig'"):
        scores(simulated()[0], "migg")
