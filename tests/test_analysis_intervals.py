"""Intervals cover what they say, and say so where they cannot."""

import numpy as np
import polars as pl
import pytest

from distaff.analysis.intervals import median, medians, resample
from distaff.analysis.scores import scores
from distaff.errors import DistaffError
from simulated_study import simulated


def test_resampling_stays_within_cells():
    cells = np.array([2, 0, 1, 0, 2, 2])
    rows = resample(cells, 200, np.random.default_rng(0))
    assert (cells[rows] == cells).all()
    assert (np.sort(np.unique(rows)) == np.arange(6)).all()


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
