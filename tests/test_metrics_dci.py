"""DCI against the reference's numbers, and where the reference gives none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.metrics import dci
from distaff.metrics.dci import concentration, disentanglement
from golden_cases import arrays, case

SMALL = ["vae_like", "duplicated", "merged", "collapsed_const"]
TINY = ["vae_like", "duplicated", "merged", "mlp", "rotation", "noise", "identity", "collapsed_const"]
rng = np.random.Generator(np.random.Philox(3))


def held_out(name: str, rows: int | None) -> tuple[np.ndarray, np.ndarray]:
    stored = arrays(name)
    return stored["mus_test"].T[:rows], stored["ys_test"].T[:rows]


@pytest.mark.parametrize("name", [f"tiny__{codes}" for codes in TINY] + [f"smallnorb__{codes}" for codes in SMALL])
def test_dci_is_the_references(name):
    small = name.startswith("smallnorb")
    codes, factors, _, scores = case(name, "small" if small else "full")
    score = dci(codes, factors, held_out(name, 1000 if small else None))
    for part, tolerance in {"disentanglement": 5e-3, "completeness": 5e-3, "informativeness_train": 1e-2}.items():
        wide = tolerance if small else 2e-2
        if name.endswith("duplicated"):  # a draw decides between exact copies: the reference's own seeds differ by .009
            wide = 2e-2
        assert score.parts[part] == pytest.approx(scores["dci"][part], abs=wide), part
    assert score.parts["informativeness_test"] == pytest.approx(
        scores["dci"]["informativeness_test"], abs=1e-2 if small else 2e-2
    )


@pytest.mark.slow
def test_dci_at_the_papers_size_is_the_references():
    codes, factors, stored, scores = case("smallnorb__vae_like")
    score = dci(codes, factors, held_out("smallnorb__vae_like", None))
    assert score.parts["disentanglement"] == pytest.approx(scores["dci"]["disentanglement"], abs=5e-3)
    assert score.parts["completeness"] == pytest.approx(scores["dci"]["completeness"], abs=5e-3)
    assert score.parts["informativeness_test"] == pytest.approx(scores["dci"]["informativeness_test"], abs=1e-2)
    np.testing.assert_allclose(score.matrix, stored["gbt_importance"], atol=0.02)


@pytest.mark.parametrize("continuous", [False, True])
def test_lightgbms_trees_are_near_where_they_are_installed(continuous):
    pytest.importorskip("lightgbm")
    codes, factors, _, _ = case("smallnorb__vae_like", "small")
    if continuous:
        factors = factors[:, :2] + 0.1 * np.random.default_rng(0).normal(size=(len(factors), 2))
    exact, theirs = dci(codes, factors), dci(codes, factors, trees="lightgbm")
    for part in ("disentanglement", "completeness", "informativeness_test"):
        assert theirs.parts[part] == pytest.approx(exact.parts[part], abs=0.03), part
    assert theirs.matrix.sum(axis=0) == pytest.approx(1)
    assert float(dci(codes, factors, trees="lightgbm")) == float(theirs)


def test_scikit_learns_trees_give_nearly_the_same_score():
    codes, factors, _, _ = case("tiny__mlp", "small")
    exact, theirs = dci(codes, factors), dci(codes, factors, trees="sklearn")
    np.testing.assert_allclose(exact.matrix, theirs.matrix, atol=0.02)


def test_a_diagonal_is_perfect_and_a_row_shared_by_all_is_not():
    assert disentanglement(np.eye(5)) == pytest.approx(1)
    assert disentanglement(np.hstack([np.eye(10)] * 2)) == pytest.approx(1 - math.log(2) / math.log(20), abs=1e-7)
    assert disentanglement(np.vstack([np.eye(10), np.eye(10)])) == pytest.approx(1)
    assert disentanglement(np.zeros((4, 3))) == 0
    assert disentanglement(np.ones((4, 3))) == pytest.approx(0, abs=1e-9)


def test_one_column_leaves_nothing_to_share():
    np.testing.assert_array_equal(concentration(np.array([[0.3], [0.0]])), [1.0, 0.0])


def perfect(n=400):
    factors = rng.integers(0, [3, 4], size=(n, 2))
    return factors + 0.01 * rng.standard_normal((n, 2)), factors


def test_one_code_is_complete_and_entangled():
    codes, factors = perfect()
    score = dci(codes[:, :1] + 10 * factors[:, 1:], factors)
    assert score.parts["completeness"] == 1
    assert score.parts["disentanglement"] < 0.2


def test_a_dead_code_changes_nothing_and_only_dead_codes_score_nothing():
    codes, factors = perfect()
    dead = np.hstack([codes, np.full((len(codes), 1), 0.5)])
    assert float(dci(dead, factors)) == pytest.approx(float(dci(codes, factors)))
    score = dci(np.zeros((len(codes), 3)), factors)
    assert score.parts["disentanglement"] == score.parts["completeness"] == 0
    assert not score.matrix.any()


def test_a_constant_factor_is_left_out():
    codes, factors = perfect()
    with_constant = np.insert(factors, 1, 7, axis=1)
    score = dci(codes, with_constant)
    assert float(score) > 0.95
    assert "completeness_factor_1" not in score.parts
    assert not score.matrix[:, 1].any()


def test_nan_codes_and_constant_factors_give_a_reason():
    codes, factors = perfect()
    assert math.isnan(float(dci(codes, np.ones_like(factors))))
    codes[3, 1] = np.nan
    score = dci(codes, factors)
    assert math.isnan(float(score))
    assert "codes 1" in score.reason


def test_a_class_that_only_the_test_has_is_a_mistake_and_no_crash():
    codes, factors = perfect()
    seen = factors[:, 1] < 3
    score = dci(codes[seen], factors[seen], (codes, factors))
    assert score.parts["informativeness_test_factor_1"] == pytest.approx(seen.mean(), abs=0.02)


def test_continuous_factors_are_regressed():
    factors = rng.random((600, 2))
    score = dci(factors[:, ::-1] ** 3, factors)
    assert float(score) > 0.9
    assert score.parts["informativeness_test"] > 0.95


def test_seeds_repeat_and_threads_change_no_number():
    codes, factors = perfect()
    noisy = codes + rng.standard_normal(codes.shape)
    np.testing.assert_array_equal(dci(noisy, factors, seed=4).matrix, dci(noisy, factors, None, 3, seed=4).matrix)


def test_misfits_are_named():
    codes, factors = perfect()
    with pytest.raises(DistaffError, match="exact"):
        dci(codes, factors, trees="exat")
    with pytest.raises(DistaffError, match="400 rows of codes for 399"):
        dci(codes, factors[1:])
    with pytest.raises(DistaffError, match="pair"):
        dci(codes, factors, codes)
