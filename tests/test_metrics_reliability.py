"""What a score means: its baselines on given factors, and an interval that covers."""

import math

import numpy as np
import polars as pl
import pytest

from distaff.errors import DistaffError
from distaff.metrics import mcc, mig, sap
from distaff.metrics.baselines import Baselines, baselines
from distaff.metrics.evaluate import evaluate
from distaff.metrics.reliability import assess, interval
from distaff.plugins.registry import METRICS
from distaff.testing.metric_evaluations import quick_text
from golden_cases import arrays, case

SMALL = {"rows": 400, "test_rows": 200}
GRID = "(train=150, test=100)"


def dsprites():
    return np.concatenate([case("dsprites__identity")[1], arrays("dsprites__identity")["ys_test"].T])


def test_a_perfect_code_of_dsprites_factors_has_the_known_scores():
    factors = dsprites()
    found = baselines("mig", factors)
    assert found.perfect == pytest.approx(0.895, abs=3e-3)
    assert found.noise < 0.01
    assert baselines("sap", factors).perfect == pytest.approx(0.25, abs=0.02)
    noisy = baselines("modularity", factors, 10)
    assert noisy.noise == pytest.approx(0.673, abs=0.06)  # ten codes stray by .03 from draw to draw
    assert noisy.perfect == pytest.approx(1, abs=0.01)


def test_a_share_is_0_for_noise_and_1_for_a_perfect_code():
    found = Baselines(0.1, 0.9)
    assert found.share(0.1) == 0
    assert found.share(0.5) == pytest.approx(0.5)
    assert found.share(0.9) == 1
    assert math.isnan(Baselines(0.5, 0.5).share(0.5))
    assert math.isnan(Baselines(0.0, math.nan).share(0.5))


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_has_baselines_in_its_range_and_noise_is_worse(name):
    factors = np.random.default_rng(0).integers(0, [2, 3, 5], size=(600, 3))
    found = baselines(quick_text(METRICS.plugin(name)), factors, **SMALL)
    least, most = METRICS.plugin(name).marks["range"]
    assert least <= found.noise <= most
    assert least <= found.perfect <= most
    if METRICS.plugin(name).marks.get("higher_is_better", True):
        assert found.noise < found.perfect
    else:  # both are independent, but for the bias of an estimate, which is noise's
        assert found.perfect <= found.noise + 0.05


def drawn(seed, n=1500):
    rng = np.random.default_rng(seed)
    factors = rng.integers(0, [3, 4, 5], size=(n, 3))
    mixed = factors @ [[1, 0.2, 0], [0.4, 1, 0], [0, 0.3, 1]]
    return mixed + 0.5 * rng.normal(size=(n, 3)), factors


@pytest.mark.parametrize("metric", [mig, mcc, sap])
def test_the_interval_is_as_wide_as_fresh_rows_make_it(metric):
    spread = np.std([float(metric(*drawn(seed))) for seed in range(100, 160)], ddof=1)
    wide = [np.diff(interval(metric.__name__, *drawn(seed), draws=30))[0] / 2 / 2.045 for seed in range(4)]
    assert np.mean(wide) == pytest.approx(spread, rel=0.35)


def test_the_interval_covers_as_often_as_it_says():
    truth = np.mean([float(mcc(*drawn(seed, 1500))) for seed in range(300)])
    inside = 0
    for seed in range(1000, 1100):
        low, high = interval("mcc", *drawn(seed), draws=10)
        inside += low <= truth <= high
    assert 88 <= inside <= 100


def noise(seed, n=500):
    rng = np.random.default_rng([2, seed])
    return rng.normal(size=(n, 4)), rng.integers(0, [3, 4, 6], size=(n, 3))


@pytest.mark.parametrize(("name", "tables"), [("modularity", 60), ("irs", 25)])
def test_the_interval_of_noise_is_as_wide_as_fresh_rows_make_it(name, tables):
    limits = {"rows": 300, "test_rows": 200}
    spread = np.std([float(evaluate(name, *noise(seed), **limits)) for seed in range(150)], ddof=1)
    wide = [np.diff(interval(name, *noise(seed), **limits))[0] / 2 / 2.262 for seed in range(1000, 1000 + tables)]
    assert 0.88 < np.sqrt(np.mean(np.square(wide))) / spread < 1.3  # with halves of the rows: about .8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["modularity", "irs", "mig", "mcc"])
def test_intervals_cover_19_of_20_tables_of_noise_and_of_signal(name):
    for make in (noise, drawn):
        truth = np.mean([float(evaluate(name, *make(seed), **SMALL)) for seed in range(400)])
        held = 0
        for seed in range(1000, 1300):
            low, high = interval(name, *make(seed), **SMALL)
            held += low <= truth <= high
        print(name, make.__name__, f"{held / 300:.1%}")  # noqa: T201
        assert held / 300 >= 0.915


def test_an_interval_of_a_grid_metric_is_that_of_its_draws():
    codes, factors = drawn(0)
    low, high = interval("factor_vae_score" + GRID, codes, factors)
    found = float(METRICS.bind(METRICS.parse("factor_vae_score" + GRID))(codes, factors))
    assert 0 <= low <= found <= high <= 1
    with pytest.raises(DistaffError, match="two draws"):
        interval("mig", codes, factors, draws=1)


def test_an_assessment_has_score_interval_and_share_and_keeps_names():
    codes, factors = drawn(0)
    assessment = assess("mig", codes, pl.DataFrame(factors, schema=["a", "b", "c"]))
    assert list(assessment.score.parts) == ["a", "b", "c"]
    assert assessment.interval[0] < float(assessment.score) < assessment.interval[1]
    assert 0 < assessment.share < 1
    assert float(assessment.score) == float(mig(codes, factors))
    non_finite = assess("mig", codes * np.nan, factors, draws=2)
    assert math.isnan(non_finite.share)
    assert math.isnan(non_finite.interval[0])
    assert non_finite.score.reason
    assert all(math.isnan(side) for side in assess("mig", codes, factors, draws=0).interval)


def test_pandas_frames_are_taken_by_row():
    pandas = pytest.importorskip("pandas")
    codes, factors = drawn(0)
    frame = pandas.DataFrame(factors, columns=["a", "b", "c"])
    assert (
        assess("sap", codes, frame, draws=0).score.parts
        == assess("sap", codes, pl.DataFrame(factors, schema=["a", "b", "c"]), draws=0).score.parts
    )
