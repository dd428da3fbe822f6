"""Wasserstein correlation, mean pairwise information and active latents against the reference."""

import math

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.metrics import (
    gaussian_total_correlation,
    gaussian_wasserstein_correlation,
    pairwise_mutual_information,
)
from distaff.metrics.latents import active_by_spread, kinds, kl, not_passive
from golden_cases import CASES, case, read

SCORES = (gaussian_total_correlation, gaussian_wasserstein_correlation, pairwise_mutual_information)


@pytest.mark.parametrize("size", ["full", "small"])
@pytest.mark.parametrize("name", CASES)
def test_wasserstein_correlation_is_the_reference(name, size):
    codes, factors, _, scores = case(name, size)
    expected, score = scores["unsupervised"], gaussian_wasserstein_correlation(codes, factors)
    theirs = [expected[f"gaussian_wasserstein_correlation{end}"] for end in ("", "_norm")]
    theirs = [value["real"] if isinstance(value, dict) else value for value in theirs]  # its root may come out complex
    assert float(score) == pytest.approx(theirs[0], abs=1e-6)
    assert float(gaussian_wasserstein_correlation(codes, normalised=True)) == pytest.approx(theirs[1], abs=1e-6)


@pytest.mark.parametrize("size", ["full", "small"])
@pytest.mark.parametrize("name", CASES)
def test_mean_pairwise_information_is_the_reference(name, size):
    codes, factors, _, scores = case(name, size)
    expected = scores["unsupervised"]["mutual_info_score"]
    assert float(pairwise_mutual_information(codes, factors)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("entry", read("functions")["gaussian_correlations"], ids=lambda e: f"{e['kind']}-{e['d']}")
def test_wasserstein_correlation_of_given_covariances_is_the_reference(entry):
    cov = np.array(entry["cov"])
    white = np.random.default_rng(0).normal(size=(50, len(cov)))
    white = np.linalg.qr(white - white.mean(axis=0))[0] * math.sqrt(49)  # codes whose covariance is the identity
    values, vectors = np.linalg.eigh(cov)
    codes = white @ (vectors * np.sqrt(np.maximum(values, 0))).T
    expected = entry["gaussian_wasserstein_correlation"]
    if isinstance(expected, float) and math.isfinite(expected):
        assert float(gaussian_wasserstein_correlation(codes)) == pytest.approx(expected, abs=1e-6)


def test_passive_latents_are_left_out_of_all_three():
    rng = np.random.default_rng(0)
    lively = rng.normal(size=(2000, 3))
    passive = 0.01 * lively.sum(axis=1, keepdims=True) + 0.001 * rng.normal(size=(2000, 2))
    codes = np.hstack([lively, passive])
    np.testing.assert_array_equal(active_by_spread(codes), [True] * 3 + [False] * 2)
    for score in SCORES:
        assert float(score(codes, dims="active")) == pytest.approx(float(score(lively)))
        assert float(score(codes, dims="active")) < float(score(codes))
        mask = np.array([True, False, True, False, False])
        assert float(score(codes, None, mask, dims="active")) == pytest.approx(float(score(codes[:, mask])))


def test_the_encoders_variances_tell_active_mixed_and_passive_latents():
    rng = np.random.default_rng(0)
    mean = np.column_stack([rng.normal(size=500), 0.01 * rng.normal(size=500), rng.normal(size=500)])
    logvar = np.column_stack([np.full(500, -4.0), rng.normal(0, 0.02, 500), np.where(rng.random(500) < 0.5, 0, -4)])
    assert kinds(mean, logvar) == ("active", "passive", "mixed")
    np.testing.assert_array_equal(not_passive(mean, logvar), [True, False, True])
    sampled = mean + np.exp(logvar / 2) * rng.normal(size=mean.shape)
    assert active_by_spread(sampled).all()  # of samples the spread says nothing
    assert kl(mean, logvar)[1] < 1e-3
    assert kl(mean, logvar)[0] > 1


def test_the_correction_takes_the_bias_of_independent_codes_off():
    codes = np.random.default_rng(0).uniform(size=(10_000, 5))
    assert float(pairwise_mutual_information(codes)) == pytest.approx(19**2 / 20_000, rel=0.1)
    assert float(pairwise_mutual_information(codes, bias="miller-madow")) < 2e-3


@pytest.mark.parametrize("score", SCORES)
def test_degenerate_codes_have_a_value(score):
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(300, 3))
    assert float(score(codes[:, :1])) == 0
    assert float(score(np.zeros((300, 3)))) == 0
    assert float(score(1e-3 * codes, dims="active")) == 0
    assert math.isnan(float(score(codes * [1, np.nan, 1])))
    with pytest.raises(DistaffError, match="active"):
        score(codes, dims="activ")
    with pytest.raises(DistaffError, match="mask of 3"):
        score(codes, None, [True, False], dims="active")
