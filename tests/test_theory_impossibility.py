"""Theorem 1: every statement of it holds of the construction, on any prior."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.fft import dct

from distaff.errors import DistaffError
from distaff.theory.demonstration import demonstrate, energy_test
from distaff.theory.impossibility import (
    NORMAL,
    UNIFORM,
    checked,
    disentangle,
    entangle,
    haar,
    householder,
    jacobian,
    spread,
)

PRIORS = {"uniform": UNIFORM, "normal": NORMAL, "gamma": stats.gamma(3.0), "laplace": stats.laplace()}


@functools.cache
def matrix(d: int) -> np.ndarray:
    return spread(d, np.random.default_rng(0))


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
@given(d=st.integers(2, 8), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_f_is_a_bijection(prior, d: int, seed: int) -> None:
    z = prior.ppf(np.random.default_rng(seed).uniform(1e-6, 1 - 1e-6, (50, d)))
    a = matrix(d)
    assert disentangle(entangle(z, a, prior), a, prior) == pytest.approx(z, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
def test_f_keeps_the_distribution(prior) -> None:
    draw = np.random.default_rng(1)
    z, fresh = prior.ppf(draw.random((4000, 4))), prior.ppf(draw.random((4000, 4)))
    for a in (householder(4), matrix(4)):
        w = entangle(z, a, prior)
        assert min(stats.kstest(w[:, k], prior.cdf).pvalue for k in range(4)) > 0.01
        assert np.abs(np.corrcoef(w.T) - np.eye(4)).max() < 0.06
        assert energy_test(w[:400], fresh[:400], draw) > 0.01


COUNTS = {
    "bernoulli": stats.bernoulli(0.3),
    "poisson": stats.poisson(4.0),
    "many counts": stats.poisson(1e6),
    "uniform on integers": stats.randint(0, 10),
}


@pytest.mark.parametrize("prior", COUNTS.values(), ids=COUNTS)
def test_a_discrete_prior_has_no_bijection_and_is_refused(prior) -> None:
    z = prior.rvs((50, 4), random_state=0).astype(float)
    for made in (entangle, disentangle, jacobian):
        with pytest.raises(DistaffError, match=r"priors with a density.*norm\(\)"):
            made(z, matrix(4), prior)
    with pytest.raises(DistaffError, match="priors with a density"):
        demonstrate(matrix(4), prior, n=100)


class Mixed:
    """Half the time 0, else uniform: a distribution with one atom."""

    def cdf(self, x):
        return np.where(x < 0, 0.0, 0.5 + 0.5 * np.clip(x, 0, 1))

    def ppf(self, u):
        return np.maximum(2 * u - 1, 0.0)


def test_a_prior_with_one_atom_is_refused_and_one_with_a_gap_is_not() -> None:
    with pytest.raises(DistaffError, match="priors with a density"):
        entangle(np.zeros((5, 4)), matrix(4), Mixed())
    gap = stats.rv_histogram((np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 2.0, 3.0])))
    z = gap.ppf(np.random.default_rng(0).uniform(0.01, 0.99, (50, 4)))
    assert disentangle(entangle(z, matrix(4), gap), matrix(4), gap) == pytest.approx(z, abs=1e-6)


def test_the_energy_test_sees_a_dependence_that_no_coordinate_shows() -> None:
    draw = np.random.default_rng(0)
    z = draw.standard_normal((400, 2))
    tied = z.copy()
    tied[:, 1] = np.abs(tied[:, 1]) * np.sign(tied[:, 0])
    assert energy_test(tied, draw.standard_normal((400, 2)), draw) < 0.01


@pytest.mark.parametrize("prior", PRIORS.values(), ids=PRIORS)
def test_the_jacobian_is_that_of_f_and_has_no_zero(prior) -> None:
    z = prior.ppf(np.random.default_rng(0).uniform(0.05, 0.95, (20, 3)))
    a = matrix(3)
    found = jacobian(z, a, prior)
    for j in range(3):
        step = np.zeros(3)
        step[j] = 1e-6
        slope = (entangle(z + step, a, prior) - entangle(z - step, a, prior)) / 2e-6
        assert found[:, :, j] == pytest.approx(slope, rel=1e-4, abs=1e-7)
    assert np.abs(found).min() > 0


def test_of_a_normal_prior_f_is_the_matrix_itself_also_far_out() -> None:
    z = np.array([[9.0, -8.5, 0.1]])
    assert entangle(z, matrix(3)) == pytest.approx(z @ matrix(3).T, rel=1e-9)
    assert jacobian(z, matrix(3))[0] == pytest.approx(matrix(3), rel=1e-9)


@pytest.mark.parametrize("d", [2, 3, 5, 10])
def test_the_matrices_are_orthogonal_without_a_zero(d: int) -> None:
    for a in (householder(d), matrix(d)):
        assert a @ a.T == pytest.approx(np.eye(d), abs=1e-12)
    v = np.sqrt([0.3] + [0.7 / (d - 1)] * (d - 1))
    assert householder(d)[0, 1] == pytest.approx(-2 * v[0] * v[1])
    assert np.abs(matrix(d)).min() > np.median(np.abs(haar(d, np.random.default_rng(1), 50)).min(axis=(1, 2)))


def test_matrices_with_a_zero_and_those_that_do_not_turn_are_refused() -> None:
    cosine = dct(np.eye(10), norm="ortho", axis=0)
    with pytest.raises(DistaffError, match="would not depend on"):
        checked(cosine)  # the trap: exact zeros for even d
    with pytest.raises(DistaffError, match="alpha in"):
        householder(2, 0.5)
    with pytest.raises(DistaffError, match="two or more latents"):
        householder(1)
    with pytest.raises(DistaffError, match="not orthogonal"):
        checked(np.ones((2, 2)))


def test_scores_fall_while_modularity_may_not_notice() -> None:
    found = demonstrate(householder(2), UNIFORM, n=6000)
    assert found.least > 0
    for same in (found.before, found.after):
        assert min(same.ks, same.energy) > 0.01
        assert same.correlation < 0.05
    (mig, mig_after), (dci, dci_after), (_, modularity_after) = (found.scores[k] for k in ("mig", "dci", "modularity"))
    assert mig > 0.95
    assert dci > 0.95
    assert mig_after < mig / 2
    assert dci_after < dci / 2
    assert modularity_after > 0.95


def test_with_four_latents_nothing_is_left() -> None:
    found = demonstrate(householder(4, 0.25), NORMAL, n=4000)
    assert found.scores["mig"][1] < 0.02
    assert found.scores["dci"][1] < 0.05
    assert found.scores["modularity"][1] < 0.5
