"""Rank correlations are those of scipy, and find the metric that disagrees."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from distaff.analysis.agreement import agreement, correlated, ranks, spearman
from distaff.analysis.intervals import centred
from distaff.testing.simulated_study import METRICS, simulated


def test_rank_correlation_equals_scipy_with_ties():
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 5, 60).astype(float), draw.integers(0, 5, 60).astype(float)
    assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_ranks_of_a_resample_are_those_of_its_rows_sorted_anew():
    draw = np.random.default_rng(1)
    x, y = draw.integers(0, 6, 40).astype(float), draw.standard_normal(40)
    settings = np.repeat(np.arange(8), 5)
    times = draw.multinomial(40, np.full(40, 1 / 40), size=50)  # weights that are whole numbers can be spelt out
    interval = correlated(ranks(x, times.astype(float)), ranks(y, times.astype(float)), times.astype(float), settings)
    drawn = [spearman(np.repeat(x, row), np.repeat(y, row)) for row in times]
    slow = centred(float(spearman(x, y)), np.array(drawn), 5, 40, (-1, 1))
    assert interval == pytest.approx(slow, abs=1e-12)


def test_a_constant_score_has_no_correlation():
    assert np.isnan(spearman(np.ones(9), np.arange(9.0)))


def test_the_metric_that_measures_something_else_is_found():
    interval = agreement(simulated(20)[0], METRICS, resamples=100)
    odd = interval.filter((pl.col("a") == "modularity") & (pl.col("b") != "modularity"))
    assert odd["rho"].abs().max() < 0.25
    rest = interval.filter((pl.col("a") != "modularity") & (pl.col("b") != "modularity"))
    assert rest["rho"].min() > 0.8
    assert set(interval["n"]) == {340}  # beta-TCVAE with beta = 1 counts with beta-VAE
    assert (interval["low"] <= interval["high"]).all()


def test_runs_without_one_of_two_scores_are_left_out_of_that_pair_alone():
    table = simulated()[0]
    hole = (pl.col("metric") == "sap") & (pl.col("seed") == 0)
    interval = agreement(
        table.with_columns(pl.when(~hole).then("value").alias("value")), ("mig", "sap", "dci"), resamples=50
    )
    n = {(row["a"], row["b"]): row["n"] for row in interval.iter_rows(named=True)}
    assert (n["mig", "dci"], n["mig", "sap"]) == (85, 68)  # one of 18 settings counts with another
