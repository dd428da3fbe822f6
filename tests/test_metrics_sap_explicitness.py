"""SAP and explicitness against the reference's numbers, and where the reference gives none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from distaff.errors import DistaffError
from distaff.metrics import explicitness, sap
from distaff.metrics.explicitness import area
from golden_cases import CASES, arrays, case

TINY = [name for name in CASES if name.startswith("tiny")]
SIZES = [(name, "full") for name in TINY] + [
    ("smallnorb__vae_like", "full"),
    ("smallnorb__collapsed_const", "small"),
    ("dsprites__vae_like", "small"),
]


def held_out(name, size):
    stored = arrays(name)
    rows = None if size == "full" else 200 if name.startswith("tiny") else 1000
    return stored["mus_test"].T[:rows], stored["ys_test"].T[:rows]


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_sap_is_the_references(name, size):
    codes, factors, stored, scores = case(name, size)
    test = held_out(name, size)
    score = sap(codes, factors, test)
    assert float(score) == pytest.approx(scores["sap"]["SAP_score"], abs=0.01)
    informed = stored["sap_continuous_matrix"] > 0.1  # codes without information are decided by ties
    np.testing.assert_allclose(score.matrix[informed], stored["sap_matrix"][informed], atol=1.5 / len(test[0]))


@pytest.mark.parametrize("name", TINY)
def test_sap_of_correlations_is_the_references(name):
    codes, factors, stored, scores = case(name)
    score = sap(codes, factors, held_out(name, "full"), by="correlation")
    assert float(score) == pytest.approx(scores["sap_continuous"]["SAP_score"], abs=1e-6)
    np.testing.assert_allclose(score.matrix, stored["sap_continuous_matrix"], atol=1e-6)


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_explicitness_is_the_references(name, size):
    codes, factors, stored, scores = case(name, size)
    if "error" in scores["modularity_explicitness"]:  # a constant code: the reference divides by its deviation
        assert 0.9 < float(explicitness(codes, factors, held_out(name, size))) <= 1
        return
    score = explicitness(codes, factors, held_out(name, size))
    theirs = scores["modularity_explicitness"]
    assert float(score) == pytest.approx(theirs["explicitness_score_test"], abs=1e-3)
    assert score.parts["train"] == pytest.approx(theirs["explicitness_score_train"], abs=1e-3)
    each = [value for part, value in score.parts.items() if part not in ("train", "test")]
    np.testing.assert_allclose(each, stored["explicitness_test_per_factor"], atol=1e-3)


def test_the_area_is_scikit_learns_with_ties():
    rng = np.random.default_rng(0)
    for _ in range(20):
        score, positive = np.round(rng.normal(size=50), 1), rng.random(50) < 0.3
        assert area(score, positive) == pytest.approx(roc_auc_score(positive, score))


def toy(n=300):
    factors = np.random.default_rng(1).integers(0, [3, 4], size=(n, 2))
    return factors + 0.01 * np.random.default_rng(2).normal(size=(n, 2)), factors


@pytest.mark.parametrize("score", [sap, explicitness])
def test_what_is_degenerate_has_a_value(score):
    codes, factors = toy()
    assert np.isfinite(float(score(codes[:, :1], factors)))  # one code
    assert float(score(np.insert(codes, 1, 0.25, axis=1), factors)) == pytest.approx(
        float(score(codes, factors)), abs=0.1 if score is sap else 1e-3
    )
    assert float(score(codes, np.insert(factors, 1, 5, axis=1))) == pytest.approx(float(score(codes, factors)))
    assert "factor" in score(codes, np.ones_like(factors)).reason
    assert math.isnan(float(score(codes, np.ones_like(factors))))
    seen = factors[:, 1] < 3
    assert np.isfinite(float(score(codes[seen], factors[seen], (codes, factors))))  # a class only the test has
    assert np.isfinite(float(score(codes, factors, (codes[seen], factors[seen]))))  # a class the test lacks
    assert "codes 1 hold" in score(codes * [1, np.nan], factors).reason
    assert float(score(codes, factors, seed=3)) == float(score(codes, factors, seed=3))


def test_constant_codes_are_worth_nothing():
    _, factors = toy()
    assert float(sap(np.full((300, 3), 0.25), factors)) == 0
    assert float(explicitness(np.full((300, 3), 0.25), factors)) == 0.5
    assert float(explicitness(np.full((300, 3), 0.1, np.float32), factors, scale="unit")) == 0


def test_continuous_factors_are_correlated():
    factors = np.random.default_rng(3).random((500, 2))
    score = sap(2 - 3 * factors, factors)
    assert float(score) > 0.95
    assert 0 < float(sap(factors, factors, by="svm")) < 1


def test_unknown_options_are_named():
    with pytest.raises(DistaffError, match="correlation"):
        sap(*toy(), by="corelation")
    with pytest.raises(DistaffError, match="unit"):
        explicitness(*toy(), scale="units")


def test_sap_of_angles_is_that_of_carbonneau_and_others_table():
    angles = np.random.default_rng(4).uniform(0, 2 * np.pi, size=(20_000, 4))
    rows = np.arange(100)
    test = (np.hstack([np.cos(angles), np.sin(angles)])[rows], angles[rows])
    assert float(sap(np.hstack([np.cos(angles), np.sin(angles)]), angles, test)) == pytest.approx(0.64, abs=0.06)
    assert float(sap(np.hstack([angles, angles]), angles, (np.hstack([angles, angles])[rows], angles[rows]))) == 0
