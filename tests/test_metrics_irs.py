"""IRS against the reference, and where the reference is wrong."""

import math

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.metrics import irs
from distaff.metrics.irs import robustness
from golden_cases import CASES, case, read


@pytest.mark.parametrize("size", ["full", "small"])
@pytest.mark.parametrize("name", CASES)
def test_irs_is_the_references(name, size):
    codes, factors, stored, scores = case(name, size)
    for prefix, options in (("irs", {}), ("irs_q100", {"quantile": 1.0})):
        score = irs(codes, factors, **options)
        assert float(score) == pytest.approx(scores[prefix]["IRS"], abs=1e-4)
        varying = score.matrix[np.ptp(codes, axis=0) > 0]
        np.testing.assert_allclose(varying, stored[f"{prefix}_matrix"], atol=2e-4)
        assert score.parts["active"] == len(varying)


@pytest.mark.parametrize("entry", read("functions")["irs_scalable_disentanglement_score"], ids=[0, 1, 2])
def test_the_matrix_of_given_groups_is_the_references(entry):
    codes, groups = np.array(entry["latents"]), np.array(entry["gen_factors"])
    matrix, largest = robustness(codes, groups, entry["diff_quantile"])
    np.testing.assert_allclose(matrix, entry["result"]["IRS_matrix"], atol=1e-9)
    np.testing.assert_allclose(largest, entry["result"]["max_deviations"], atol=1e-9)
    average = np.average(matrix.max(axis=1), weights=largest)
    assert average == pytest.approx(entry["result"]["avg_score"], abs=1e-9)


def test_noise_is_not_robust_and_factors_are():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [3, 6, 20], size=(5000, 3))
    assert float(irs(factors.astype(float), factors)) == pytest.approx(1)
    assert 0.2 < float(irs(rng.normal(size=(5000, 4)), factors)) < 0.4


def test_what_is_degenerate_has_a_value():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [3, 4], size=(400, 2))
    codes = factors + 0.01 * rng.normal(size=(400, 2))
    assert float(irs(np.zeros((400, 3)), factors)) == 0
    assert float(irs(np.insert(codes, 1, 0.5, axis=1), factors)) == pytest.approx(float(irs(codes, factors)))
    assert float(irs(codes, np.insert(factors, 0, 7, axis=1))) == pytest.approx(float(irs(codes, factors)))
    assert 0 < float(irs(codes[:, :1], factors)) <= 1
    assert math.isnan(float(irs(codes * [1, np.nan], factors)))
    with pytest.raises(DistaffError, match="outside 0 to 1"):
        irs(codes, factors, quantile=99)
