"""The six objectives equal the reference's values on the arrays of its golden table."""

from __future__ import annotations

import math

import pytest
import torch

from distaff.methods import Outputs, hooks
from distaff.methods._dip import covariance
from distaff.methods.beta_tc_vae import total_correlation
from distaff.plugins.registry import METHODS


def golden() -> Outputs:
    k = torch.arange(12.0).view(4, 3)
    mean, logvar = torch.sin(1 + k), -1 + 0.5 * torch.cos(k)
    i = torch.arange(4.0)
    return Outputs(
        nll=torch.tensor(0.0),
        mean=mean,
        logvar=logvar,
        z=mean + torch.exp(logvar / 2) * torch.sin(2 * k),
        step=torch.tensor(0.0),
        real=torch.stack([torch.sin(1 + 2 * i), torch.cos(1 + 2 * i)], 1),
        fake=torch.stack([torch.cos(3 * i), torch.sin(3 * i)], 1),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("beta_vae(beta=4)", 5.556679),
        ("dip_vae_i(lambda_od=2)", 23.926517),
        ("dip_vae_ii(lambda_od=2)", 4.5710983),
        ("beta_tc_vae(beta=6)", -8.922416),
        ("factor_vae(gamma=10)", 1.6211173),
        ("annealed_vae(c_max=25)", 1389.1697),
    ],
)
def test_each_objective_has_its_golden_value(text: str, value: float) -> None:
    terms = METHODS.bind(METHODS.parse(text))(golden())
    assert math.isclose(float(sum(terms.values())), value, rel_tol=1e-6, abs_tol=1e-5)


def test_the_critics_loss_has_its_golden_value() -> None:
    loss = hooks("factor_vae").critic
    assert loss is not None
    assert math.isclose(float(loss(golden())), 0.7994124, abs_tol=1e-6)
    assert hooks("beta_vae") == (None, None, None, False, False), "a method without hooks sees no labels either"


def test_the_covariance_and_total_correlation_have_their_golden_values() -> None:
    out = golden()
    expected = torch.tensor(
        [[0.4996623, 0.671963, 0.226464], [0.671963, 0.931065, 0.3341502], [0.226464, 0.3341502, 0.1346202]]
    )
    torch.testing.assert_close(covariance(out.mean), expected, atol=1e-6, rtol=0)
    assert math.isclose(float(total_correlation(out.z, out.mean, out.logvar)), -2.0623171, abs_tol=1e-5)


def test_total_correlation_of_standard_normal_posteriors_is_the_left_out_constant() -> None:
    zeros = torch.zeros(500, 10)
    value = total_correlation(torch.randn(500, 10, generator=torch.Generator().manual_seed(0)), zeros, zeros)
    assert math.isclose(float(value), -9 * math.log(500), rel_tol=1e-5)


@pytest.mark.parametrize(
    ("step", "capacity"), [(0, 0.0), (1, 0.00025), (50_000, 12.5), (100_000, 25.0), (300_000, 25.0)]
)
def test_the_capacity_of_annealed_vae_grows_to_its_end_and_stays(step: int, capacity: float) -> None:
    out = golden()._replace(step=torch.tensor(float(step)))
    terms = METHODS.bind(METHODS.parse("annealed_vae(c_max=25, gamma=1)"))(out)
    assert math.isclose(float(terms["capacity"]), abs(1.3891697 - capacity), abs_tol=1e-5)


@pytest.mark.parametrize(
    ("name", "defaults"),
    [
        ("beta_vae", {"beta": 4.0, "warmup": 0}),
        ("annealed_vae", {"gamma": 1000.0, "c_max": 25.0, "iteration_threshold": 100_000}),
        ("factor_vae", {"gamma": 10.0, "clip": True, "warmup": 0}),
        ("dip_vae_i", {"lambda_od": 10.0, "lambda_d_factor": 10.0}),
        ("dip_vae_ii", {"lambda_od": 10.0, "lambda_d_factor": 1.0}),
        ("beta_tc_vae", {"beta": 6.0, "warmup": 0}),
        ("ada_gvae", {"beta": 1.0, "k": 1}),
    ],
)
def test_defaults_of_methods_do_not_move(name: str, defaults: dict[str, float]) -> None:
    assert {parameter.name: parameter.default for parameter in METHODS.plugin(name).parameters} == defaults
