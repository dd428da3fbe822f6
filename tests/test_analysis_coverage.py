"""Intervals of the study's statistics cover the truth as often as they say: at 50 seeds, and how often at 5."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from distaff.analysis.agreement import correlation
from distaff.analysis.intervals import centred
from distaff.analysis.scores import wide
from distaff.analysis.selection import transfer_game
from distaff.analysis.variance import variance_explained
from simulated_study import Truth, simulated

LOOSE = Truth(apart=0.06)
Statistic = Callable[[pl.DataFrame, int], tuple[float, float, float]]


def rank_correlation(table: pl.DataFrame, resamples: int) -> tuple[float, float, float]:
    return correlation(wide(table, ["mig", "dci"]), "mig", "dci", resamples=resamples)[:3]


def share_of_settings(table: pl.DataFrame, resamples: int) -> tuple[float, float, float]:
    found = variance_explained(table.filter(pl.col("metric") == "mig"), resamples=resamples)
    row = found.row(by_predicate=pl.col("predictor") == "method x strength", named=True)
    return row["adjusted"], row["low"], row["high"]


def game(table: pl.DataFrame, resamples: int) -> tuple[float, float, float]:
    found = transfer_game(table.filter(pl.col("metric").is_in(["mig", "dci"])), resamples=resamples)
    row = found.row(by_predicate=(pl.col("metric") == "same") & (pl.col("dataset") == "same"), named=True)
    return row["probability"], row["low"], row["high"]


def expected(statistic: Statistic, seeds: int) -> float:
    """What very many seeds would give; for the game, whose cost is cubic in them, the mean of many studies."""
    if statistic is not game:
        return statistic(simulated(4000, effects=3, rng=9, truth=LOOSE)[0], 2)[0]
    studies = (simulated(seeds, effects=3, rng=10_000 + number, truth=LOOSE)[0] for number in range(500))
    return float(np.mean([game(table, 2)[0] for table in studies]))


def coverage(statistic: Statistic, seeds: int, studies: int, resamples: int) -> float:
    """How often the interval of a study holds the truth of its settings."""
    truth = expected(statistic, seeds)
    held = 0
    for number in range(studies):
        _, low, high = statistic(simulated(seeds, effects=3, rng=100 + number, truth=LOOSE)[0], resamples)
        held += low <= truth <= high
    return held / studies


@pytest.mark.parametrize("statistic", [rank_correlation, share_of_settings])
def test_a_hundred_studies_of_fifty_seeds_mostly_hold_the_truth(statistic):
    assert 0.88 <= coverage(statistic, 50, 100, 200) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("statistic", [rank_correlation, share_of_settings, game])
def test_intervals_of_fifty_seeds_cover_93_to_97_per_cent(statistic):
    found = coverage(statistic, 50, 4000, 600)  # with a standard error of .4 %; 1,000 studies would not decide
    print(f"{statistic.__name__}, 50 seeds: {found:.1%}")  # noqa: T201
    assert 0.93 <= found <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("statistic", "least"), [(rank_correlation, 0.92), (share_of_settings, 0.88), (game, 0.92)])
def test_intervals_of_five_seeds_cover_less_and_no_less_than_the_docs_say(statistic, least):
    found = coverage(statistic, 5, 1000, 600)
    print(f"{statistic.__name__}, 5 seeds: {found:.1%}")  # noqa: T201
    assert found >= least


def test_an_interval_lies_about_its_value_and_has_the_width_that_its_seeds_are_due():
    drawn = np.random.default_rng(0).standard_normal(20_000) * np.sqrt(4 / 6) + 3
    found = centred(0.0, drawn, 5, 90)
    assert (found.low, found.high) == pytest.approx((-2.776, 2.776), abs=0.06)  # Student's t of five seeds
    assert np.isnan(centred(0.0, drawn, 1, 18).low)
    assert centred(0.9, drawn / 10, 5, 90, (-1, 1)).high == 1
