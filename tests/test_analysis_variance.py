"""The shares of variance are those of least squares, and the published shares give the published means."""

import numpy as np
import polars as pl
import pytest

from distaff.analysis.variance import shares, variance_explained
from distaff.testing.simulated_study import simulated

METHOD = """1 36 26 34 37 13  30 39 52 26 23 29  17 21 17 11 41 6  89 50 76 45 60 56
31 21 14 20 26 10  68 71 58 71 62 62  29 41 47 26 29 31"""
SETTING = """4 69 42 59 51 17  69 80 61 76 40 56  26 42 25 29 50 20  93 74 83 66 68 75
61 78 53 59 49 35  87 89 81 88 72 82  59 77 54 72 39 56"""


def test_the_published_shares_of_table_5_give_the_published_means():
    """The arithmetic behind "37 % and 59 %": a check of the transcription, not of our analysis."""
    assert np.mean([float(share) for share in METHOD.split()]) == pytest.approx(36.95, abs=0.005)
    assert np.mean([float(share) for share in SETTING.split()]) == pytest.approx(58.71, abs=0.005)


def test_shares_equal_least_squares():
    draw = np.random.default_rng(0)
    groups, values = draw.integers(0, 4, 50), draw.standard_normal(50)
    design = (groups[:, None] == np.arange(4)).astype(float)
    residual = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    found = shares(values, groups, np.ones((1, 50)))
    assert found.r2[0] == pytest.approx(1 - residual.var() / values.var(), abs=1e-12)
    assert found.adjusted[0] == pytest.approx(1 - residual.var() / values.var() * 49 / 46, abs=1e-12)


def test_a_weight_of_two_is_a_row_that_stands_twice():
    draw = np.random.default_rng(1)
    groups, values, times = draw.integers(0, 4, 30), draw.standard_normal(30), draw.integers(1, 4, 30)
    weighed = shares(values, groups, times[None].astype(float))
    spelt = shares(np.repeat(values, times), np.repeat(groups, times), np.ones((1, times.sum())))
    assert weighed.r2 == pytest.approx(spelt.r2, abs=1e-12)


def test_adjusted_shares_of_noise_are_zero_on_average_under_any_weights():
    draw = np.random.default_rng(2)
    groups, weight = np.repeat(np.arange(6), 4), draw.exponential(size=24)
    found = [shares(draw.standard_normal(24), groups, weight[None]).adjusted[0] for _ in range(3000)]
    assert np.mean(found) == pytest.approx(0, abs=0.02)


def test_without_effects_the_adjusted_shares_vanish():
    found = variance_explained(simulated(50, method=0, strength=0)[0], resamples=10)
    assert found["adjusted"].abs().max() < 0.03


def test_with_pure_cell_effects_nothing_is_left_to_the_seed():
    table = simulated(5, seed=0)[0].filter(pl.col("metric") == "mig")
    same = table.with_columns(pl.col("value").mean().over("method", "strength_index"))
    found = variance_explained(same, resamples=10).filter(pl.col("predictor") == "setting")
    assert found["r2"].item() == pytest.approx(1)


def test_a_constant_score_has_no_share_and_one_seed_no_adjusted_one():
    flat = simulated()[0].with_columns(pl.lit(0.5).alias("value"))
    assert variance_explained(flat, resamples=5)["r2"].is_null().all()
    assert np.isnan(shares(np.arange(18.0), np.arange(18), np.ones((1, 18))).adjusted[0])
