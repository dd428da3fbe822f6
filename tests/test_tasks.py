"""The downstream tasks against the reference's numbers and scikit-learn's classifier, and their degenerate cases."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import KFold

from distaff.errors import DistaffError
from distaff.metrics.core.linear.logistic import fit_logistic
from distaff.metrics.core.train_test import train_test
from distaff.tasks import (
    downstream,
    fairness,
    reduced_downstream,
    statistical_efficiency,
    strong_downstream,
)
from distaff.tasks.downstream import accuracies
from distaff.tasks.fairness import between_groups
from golden_cases import FOLDER, arrays, case, read

GOLDEN = [("tiny.lr", 100), ("tiny.lr", 1000), ("tiny.gbt", 100), ("tiny.gbt", 1000), ("smallnorb.lr", 1000)]


@pytest.mark.parametrize(("name", "labels"), GOLDEN)
def test_downstream_accuracies_are_the_references(name, labels):
    dataset, learner = name.split(".")
    stored = np.load(FOLDER / "downstream" / f"downstream__{dataset}__vae_like.npz")
    codes, factors, fresh, truth = (
        stored[f"n{labels}.{part}"].T for part in ("mus_train", "ys_train", "mus_test", "ys_test")
    )
    data = train_test("downstream", codes, factors, (fresh, truth), seed=0, classes=True)
    # in the order given, since the folds of logistic regression are blocks of rows; `downstream` shuffles them
    both = accuracies(data, np.arange(labels), "trees" if learner == "gbt" else "logistic", np.arange(factors.shape[1]))
    theirs = read("downstream/accuracies")[name]
    for part, ours in zip(("mean_train", "mean_test"), both, strict=True):
        assert np.mean(ours) == pytest.approx(theirs[f"{labels}:{part}_accuracy"], abs=0.01)


@pytest.mark.parametrize("j", [0, 1, 3])
def test_logistic_regression_predicts_what_scikit_learns_does(j):
    codes, factors, _, _ = case("smallnorb__vae_like", "small")
    fresh, truth = stored_test("smallnorb__vae_like")
    ours = fit_logistic(codes, factors[:, j]).predict(fresh)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops unconverged, and announces changes of its defaults
        theirs = LogisticRegressionCV(Cs=10, cv=KFold(5)).fit(codes, factors[:, j]).predict(fresh)
    assert (ours == truth[:, j]).mean() == pytest.approx((theirs == truth[:, j]).mean(), abs=5e-3)


def stored_test(name):
    stored = arrays(name)
    return stored["mus_test"].T, stored["ys_test"].T


def grid(repeats=40):
    cells = np.stack(np.meshgrid(np.arange(2), np.arange(3), np.arange(5), indexing="ij"), -1).reshape(-1, 3)
    factors = np.tile(cells, (repeats, 1))
    rng = np.random.default_rng(0)
    return factors + 0.05 * rng.normal(size=factors.shape), factors


def test_two_classes_have_one_row_of_weights_penalised_as_scikit_learns():
    rng = np.random.default_rng(5)
    x = rng.standard_normal((400, 3))
    y = (x @ [1.0, -0.5, 0.0] + 0.8 * rng.standard_normal(400) > 0.2).astype(int)
    ours = fit_logistic(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = LogisticRegressionCV(Cs=10, cv=KFold(5)).fit(x, y)
    assert ours.strength == pytest.approx(theirs.C_[0])
    np.testing.assert_allclose(ours.weights, [[*theirs.coef_[0], theirs.intercept_[0]]], atol=2e-3)


def test_few_labels_are_enough_where_codes_are_factors():
    codes, factors = grid()
    assert float(statistical_efficiency(codes, factors, few=100, many=600)) > 0.97
    rng = np.random.default_rng(1)
    noisy = codes @ rng.normal(size=(3, 3)) + 0.3 * rng.normal(size=codes.shape)
    assert float(statistical_efficiency(noisy, factors, few=20, many=600)) < 0.95


def test_taking_a_factors_code_takes_its_accuracy_and_no_others():
    codes, factors = grid()
    score = reduced_downstream(codes, factors)
    assert score.parts["test_other_factors"] > 0.97
    assert score.matrix.diagonal() == pytest.approx([1 / 2, 1 / 3, 1 / 5], abs=0.12)


def test_a_shift_harms_tangled_codes_only():
    codes, factors = grid()
    clean = strong_downstream(codes, factors, labels=1000, test=500)
    assert float(clean) > 0.97
    assert clean.parts["gap"] == pytest.approx(0, abs=0.03)
    tangled = codes @ np.array([[1.0, 1, 0], [1, -1, 1], [0, 1, 1]])
    assert strong_downstream(tangled, factors, labels=1000, test=500, experiments=3).parts["gap"] > 0.05


def test_unfairness_between_groups_is_the_references():
    for example in read("functions")["fairness"]["inter_group_fairness"]:
        assert between_groups(np.array(example["counts"])) == pytest.approx((example["mean"], example["max"]))
    assert between_groups(np.array([[0, 100], [100, 100]])) == pytest.approx((2 / 9, 1 / 3))


def test_codes_that_are_factors_are_fair_and_others_less():
    codes, factors = grid()
    fair = fairness(codes, factors, labels=1000)
    assert float(fair) < 0.01
    assert fair.matrix.shape == (3, 3)
    tangled = codes @ np.array([[1.0, 1, 0], [1, -1, 1], [0, 1, 1]]) + 0.5 * np.random.default_rng(2).normal(
        size=codes.shape
    )
    assert float(fairness(tangled, factors, labels=1000)) > 0.02


@pytest.mark.parametrize("learner", ["logistic", "trees"])
def test_degenerate_factors_have_a_value(learner):
    codes, factors = grid(8)
    constant = np.insert(factors, 1, 3, axis=1)
    assert downstream(codes, constant, learner=learner).parts["test_factor_1"] == 1
    assert 0 < float(downstream(codes, factors, labels=10, learner=learner)) <= 1  # classes that training lacks
    assert 0 < float(downstream(codes[:, :1], factors, learner=learner)) < 1
    assert float(downstream(codes, np.ones_like(factors), learner=learner)) == 1
    training = factors[:, 2] < 4
    assert 0 < float(downstream(codes[training], factors[training], (codes, factors), learner=learner)) < 1


def test_grids_with_one_factor_have_a_reason():
    codes, factors = grid(8)
    assert math.isnan(float(fairness(codes, factors[:, :1])))
    assert math.isnan(float(strong_downstream(codes, factors[:, :1])))


def test_misfits_are_named():
    codes, factors = grid(8)
    with pytest.raises(DistaffError, match="logistic"):
        downstream(codes, factors, learner="logistics")
    with pytest.raises(DistaffError, match="at least 1"):
        downstream(codes, factors, labels=0)
    with pytest.raises(DistaffError, match="leaves none"):
        reduced_downstream(codes, factors, remove=3)
    with pytest.raises(DistaffError, match="smaller"):
        statistical_efficiency(codes, factors, few=5, many=2)
    with pytest.raises(DistaffError, match="2 factors where the table has 3"):
        fairness(codes, factors, lines=(codes[:, :2], factors[:, :2]), labels=50)


def big_grid():
    """A grid of 3,360 cells with codes that are a mixture of its factors."""
    factors = np.stack(np.meshgrid(*map(np.arange, (3, 8, 10, 14)), indexing="ij"), -1).reshape(-1, 4)
    z = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    rng = np.random.default_rng(4)
    return z @ np.array([[1.0, 0.6, 0, 0], [0, 1, 0, 0.3], [0, 0, 1, 0], [0.5, 0, 0, 1]]) + 0.3 * rng.normal(
        size=z.shape
    ), factors


def lines_through(factors, bases):
    """The rows that differ from one of `bases` in one factor at most."""
    apart = (factors[:, None] != factors[bases][None]).sum(axis=2)
    return np.flatnonzero((apart <= 1).any(axis=1))


@pytest.mark.parametrize("sampled", [0.3, 0.7])
def test_fairness_of_a_sample_with_lines_is_that_of_the_whole_grid(sampled):
    codes, factors = big_grid()
    rng = np.random.default_rng(0)
    some = np.sort(rng.permutation(len(codes))[: round(sampled * len(codes))])
    lines = lines_through(factors, rng.permutation(len(codes))[:60])
    options = {"labels": 600, "per_value": 60}
    whole = np.mean([float(fairness(codes, factors, seed=seed, **options)) for seed in range(3)])
    part = np.mean(
        [
            float(fairness(codes[some], factors[some], lines=(codes[lines], factors[lines]), seed=seed, **options))
            for seed in range(3)
        ]
    )
    assert part == pytest.approx(whole, abs=0.03)
    without = float(fairness(codes[some], factors[some], **options))
    assert whole - 0.03 < without < whole + 0.2


def test_a_shift_within_a_sample_is_that_of_the_whole_grid():
    codes, factors = big_grid()
    some = np.sort(np.random.default_rng(0).permutation(len(codes))[:1500])
    options = {"labels": 1500, "test": 1000, "experiments": 3}
    whole, part = (
        np.mean([float(strong_downstream(codes[rows], factors[rows], seed=seed, **options)) for seed in range(2)])
        for rows in (np.arange(len(codes)), some)
    )
    assert part == pytest.approx(whole, abs=0.06)


def test_tasks_that_intervene_keep_their_numbers_on_a_whole_grid():
    codes, factors = grid(8)
    codes = codes @ np.array([[1.0, 1, 0], [1, -1, 1], [0, 1, 1]])
    assert float(fairness(codes, factors, labels=100, per_value=20)) == pytest.approx(0.0845925925925926, abs=1e-12)
    strong = strong_downstream(codes, factors, labels=100, test=100)
    # of tied columns trees take the first in canonical order: in the order of the table the first number was .53
    assert [strong.value, strong.parts["test"]] == pytest.approx([0.76 / 1.5, 0.92], abs=1e-12)
