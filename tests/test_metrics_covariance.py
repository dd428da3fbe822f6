"""Scores of the covariance of codes against the reference."""

import math

import numpy as np
import pytest

from distaff.metrics import gaussian_total_correlation
from distaff.metrics.core.covariance import covariance
from golden_cases import CASES, case, read

COMPARABLE = [name for name in CASES if not name.endswith(("duplicated", "collapsed_const"))]


@pytest.mark.parametrize("size", ["full", "small"])
@pytest.mark.parametrize("name", COMPARABLE)
def test_gaussian_total_correlation_is_the_reference(name, size):
    codes, factors, _, scores = case(name, size)
    expected = scores["unsupervised"]["gaussian_total_correlation"]
    assert float(gaussian_total_correlation(codes, factors)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_covariance_is_the_reference(name):
    codes, _, stored, _ = case(name)
    np.testing.assert_allclose(covariance(codes), stored["cov_mus"], atol=1e-9)


def test_a_constant_code_changes_nothing_where_the_reference_gives_nan():
    assert math.isnan(case("tiny__collapsed_const")[3]["unsupervised"]["gaussian_total_correlation"])
    codes = case("tiny__collapsed_const")[0]
    score = gaussian_total_correlation(codes)
    assert float(score) == float(gaussian_total_correlation(codes[:, :3]))
    assert score.parts["varying"] == 3


def test_a_copied_code_is_infinitely_correlated_with_a_reason():
    score = gaussian_total_correlation(case("tiny__duplicated")[0])
    assert float(score) == math.inf
    assert "rank 4" in (score.reason or "")


GIVEN = [
    entry
    for entry in read("functions")["gaussian_correlations"]  # where the covariance is singular it gives rounding noise
    if math.isfinite(entry["gaussian_total_correlation"]) and np.linalg.cond(entry["cov"]) < 1e10
]


@pytest.mark.parametrize("entry", GIVEN, ids=lambda entry: f"{entry['kind']}-{entry['d']}")
def test_the_formula_is_the_reference_on_given_covariances(entry):
    cov, expected = np.array(entry["cov"]), entry["gaussian_total_correlation"]
    d, rng = len(cov), np.random.default_rng(0)
    white = rng.normal(size=(50, d))
    white -= white.mean(axis=0)
    white = np.linalg.qr(white)[0] * math.sqrt(49)  # codes whose covariance is exactly the identity
    codes = white @ np.linalg.cholesky(cov).T
    assert float(gaussian_total_correlation(codes)) == pytest.approx(expected, abs=1e-8)
