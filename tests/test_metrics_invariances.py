"""What scores do not change with beyond what every metric is checked for: options, learners, several runs at once."""

import math

import numpy as np
import polars as pl
import pytest

from distaff.errors import DistaffError
from distaff.metrics import dci, factor_vae_score, irs, jemmig, mcc, med, modularity, sap
from distaff.metrics.between import udr
from distaff.metrics.core.arrays import as_factors, canonical, moderate, scaled
from distaff.metrics.core.train_test import train_test
from distaff.metrics.latents import active_by_spread
from distaff.plugins.registry import METRICS, TASKS
from distaff.testing.metric_evaluations import GRID, evaluations, tied
from distaff.testing.metric_invariances import POWERS, POWERS_OF_FLOAT32

FACTORS, CODES = GRID.factors, GRID.codes


# ties between latents


@pytest.mark.parametrize("name", [name for name in TASKS.names() if name != "fairness"])
def test_the_order_of_latents_is_of_no_matter_to_the_learners_of_tasks(name):
    options = {"labels": 200} if "labels" in [p.name for p in TASKS.plugin(name).parameters] else {"few": 20}
    codes, order = tied(FACTORS, 3)[:, 3:9], [5, 3, 0, 4, 1, 2]
    function = TASKS.function(name)
    for learner in ("logistic", "trees"):
        first, second = (float(function(c, FACTORS, learner=learner, **options)) for c in (codes, codes[:, order]))
        assert first == pytest.approx(second, abs=1e-9)


def test_jemmig_takes_of_codes_that_tell_as_much_the_one_that_says_least_beside_it():
    factor = np.arange(1500)[:, None] % 2
    wide = factor + 0.1 * np.random.default_rng(0).random((1500, 1))

    def raw(*codes):
        return jemmig(np.hstack(codes), factor).parts["raw"]

    assert raw(wide, factor) == raw(factor, wide) == pytest.approx(raw(factor, factor))
    assert raw(wide, wide) > raw(wide, factor) + 0.5


def test_the_best_codes_of_med_are_all_that_tie_and_know_something():
    factors = FACTORS[:, :2]
    codes = np.column_stack([factors, factors, np.zeros(len(factors))]).astype(float)
    assert set(med(codes, factors, top=1).parts) == {"code_0", "code_1", "code_2", "code_3"}
    assert set(med(codes, factors, top=5).parts) == {"code_0", "code_1", "code_2", "code_3"}
    assert float(med(np.zeros((len(factors), 2)), factors, top=1)) == 0


def test_the_canonical_order_is_that_of_contents():
    order = np.random.default_rng(0).permutation(3)
    np.testing.assert_array_equal(CODES[:, canonical(CODES)], CODES[:, order][:, canonical(CODES[:, order])])


def test_udr_does_not_change_with_the_order_of_latents_that_tie():
    codes = [tied(FACTORS, seed)[:, 2:8] for seed in (1, 2, 3)]
    kl = np.ones((3, 6))
    order = [5, 2, 0, 4, 3, 1]
    for by in ("lasso", "spearman"):
        expected = udr(codes, kl, by=by).scores
        np.testing.assert_allclose(udr([c[:, order] for c in codes], kl, by=by).scores, expected, atol=1e-9)
        np.testing.assert_allclose(udr([c * 2.0**1000 for c in codes], kl, by=by).scores, expected, atol=1e-6)
        np.testing.assert_allclose(udr([c * 2.0**-1000 for c in codes], kl, by=by).scores, expected, atol=1e-6)


# huge and tiny codes


@pytest.mark.parametrize("name", ["irs", "infomec"])
def test_scores_that_compare_codes_with_each_other_do_not_change_with_the_size_of_all(name):
    metric = evaluations(METRICS.parse(name))
    singles = GRID.with_codes(lambda x: x.astype(np.float32))
    sizes = [2.0 ** round(power / math.log10(2)) for power in POWERS]
    for rows, factors in ((GRID, sizes), (singles, [np.float32(2.0**power) for power in POWERS_OF_FLOAT32])):
        whole = metric.score(rows).value
        for size in factors:
            assert metric.score(rows.with_codes(lambda x, size=size: x * size)).value == pytest.approx(whole, abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("learner", ["logistic", "trees"])
@pytest.mark.parametrize("name", TASKS.names())
def test_tasks_take_codes_of_any_size(name, learner):
    options = {"labels": 100} if "labels" in [p.name for p in TASKS.plugin(name).parameters] else {"few": 20}
    function = TASKS.function(name)
    scores = {
        power: float(function(CODES * 2.0**power, FACTORS, learner=learner, **options))
        for power in (-1000, 0, 60, 1000)
    }
    assert all(0 <= value <= 1.2 for value in scores.values())
    if learner == "trees":
        assert len(set(scores.values())) == 1
    else:  # a penalty means nothing to huge codes
        assert scores[60] == pytest.approx(scores[1000], abs=0.02)


def test_a_power_of_two_changes_no_digit():
    codes = np.array([[3e300, 1e-310, 1.0, 0.0, np.inf], [-1e299, 3e-310, -2.0, 0.0, 1.0]])
    found, exponents = moderate(codes)
    np.testing.assert_array_equal(np.ldexp(found, exponents), codes)
    assert (np.abs(found[:, :2]).max(axis=0) < 1).all()
    assert (np.abs(found[:, :2]).max(axis=0) >= 0.5).all()
    assert exponents[2:].tolist() == [0, 0, 0]
    assert moderate(codes[:, 2:3])[0] is not None
    together, shared = moderate(codes[:, :3], each=False)
    assert len(set(shared.tolist())) == 1
    assert together[0, 0] == found[0, 0]
    assert scaled(np.array([[1e300]]), np.array([-900])).item() == 2.0**100


def test_active_latents_are_those_of_their_own_size():
    wide = np.random.default_rng(0).normal(size=(500, 1))
    codes = np.hstack([1e300 * wide, 0.06 * wide, 0.04 * wide, 1e-300 * wide])
    assert active_by_spread(codes).tolist() == [True, True, False, False]


# scores and what they are declared to lie in


@pytest.mark.parametrize("estimator", ["histogram", "ksg"])
@pytest.mark.parametrize("name", ["mig", "mig_sup", "dcimig", "med", "modularity", "infomec"])
def test_no_score_exceeds_1_by_rounding_or_by_the_bias_of_its_estimate(name, estimator):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(30, 300))
        factors = rng.integers(0, rng.integers(2, 9, size=3), size=(n, 3))
        codes = factors + (0.01 * rng.random(factors.shape) if estimator == "ksg" else 0)
        for by in ("factor", "code") if name == "mig_sup" else (None,):
            options = {"estimator": estimator} | ({"by": by} if by else {})
            score = METRICS.function(name)(codes, factors, **options)
            assert 0 <= float(score) <= 1
            if name in ("mig", "dcimig", "mig_sup"):
                assert all(0 <= value <= 1 for value in score.parts.values())


def test_a_factor_vae_score_of_one_is_one_beside_constant_factors():
    codes = FACTORS + 1e-3
    assert float(factor_vae_score(codes, np.hstack([FACTORS, np.zeros((len(FACTORS), 2))]), train=300, test=300)) == 1


def test_votes_are_shared_by_codes_that_are_equally_still():
    still = np.column_stack([FACTORS[:, 0], 3.0 * FACTORS[:, 0], FACTORS[:, 1:]]).astype(float)
    score = factor_vae_score(still, FACTORS, train=400, test=400)
    np.testing.assert_allclose(score.matrix[:2, 0], 0.5)
    assert float(score) == 1


# values and classes


def test_sap_by_correlation_takes_the_values_of_factors():
    factors = np.array([0, 1, 2, 100])[np.random.default_rng(0).integers(4, size=(600, 2))]
    codes = factors.astype(float)
    score = sap(codes, factors, by="correlation")
    np.testing.assert_allclose(np.diag(score.matrix), 1)
    frame = pl.DataFrame({"gaps": factors[:, 0], "word": np.array(["a", "b", "c", "d"])[factors[:, 1] % 4]})
    assert sap(codes, frame, by="correlation").matrix[0, 0] == pytest.approx(1)
    assert mcc(codes, frame).matrix[0, 0] == pytest.approx(1)


def test_a_column_of_words_leaves_the_numbers_beside_it_numbers():
    table = as_factors(pl.DataFrame({"word": ["a", "b", "a"], "gaps": [0, 100, 1]}))
    assert table.numbers(0).tolist() == [0, 1, 0]
    assert table.numbers(1).tolist() == [0, 100, 1]
    with pytest.raises(DistaffError, match="factor 0 holds missing values"):
        as_factors(pl.DataFrame({"word": ["a", None, "a"], "gaps": [0, 100, 1]}))


def test_irs_cuts_the_values_of_factors_with_many_of_them_and_not_their_ranks():
    values = np.concatenate([np.arange(24), [1000]])
    factors = values[np.arange(2000) % 25][:, None]
    codes = np.random.default_rng(0).random((2000, 1))
    lumped = (factors > 100).astype(int)  # 20 equal widths of 0 to 1000 hold 0..23 in one
    assert float(irs(codes, factors)) == pytest.approx(float(irs(codes, lumped)))
    few = np.array([0, 1, 2, 100])[np.arange(2000) % 4][:, None]
    assert float(irs(codes, few)) == float(irs(codes, np.unique(few, return_inverse=True)[1].reshape(-1, 1)))


def test_values_of_factors_may_be_of_any_size():
    factors = np.random.default_rng(0).random((300, 2))
    codes = factors + 0.05 * np.random.default_rng(1).normal(size=(300, 2))
    for name in ("mcc", "sap", "mig", "infomec", "irs", "dci"):
        whole = float(METRICS.function(name)(codes, factors))
        for size in (2.0**1000, 2.0**-1000):
            assert float(METRICS.function(name)(codes, factors * size)) == pytest.approx(whole, abs=1e-9), name
    assert dci(codes, factors).parts["informativeness_test"] > 0.5
    assert float(modularity(codes, factors)) > 0.5


def test_a_split_knows_the_values_of_classes():
    split = train_test("sap", np.arange(9.0), np.array([0, 1, 100] * 3), None, 0)
    assert set(split.numbers[0].tolist()) <= {0.0, 1.0, 100.0}
    assert set(split.train_targets[0].tolist()) <= {0, 1, 2}
