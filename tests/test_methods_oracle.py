"""Every objective equals a slow version written from its paper's equation, and its gradient the finite differences."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from distaff.methods import Outputs, beyond
from distaff.plugins.registry import METHODS

Array = np.ndarray


def kl(out: Outputs) -> float:
    """sum over latents of KL(N(m, s^2) || N(0, 1)) = (s^2 + m^2 - 1 - ln s^2) / 2, one image and latent at a time."""
    total = 0.0
    for m, lv in zip(out.mean.numpy().ravel(), out.logvar.numpy().ravel(), strict=True):
        total += (math.exp(lv) + m * m - 1 - lv) / 2
    return total / len(out.mean)


def covariance(codes: Array) -> Array:
    b, d = codes.shape
    found = np.zeros((d, d))
    for i, j in itertools.product(range(d), repeat=2):
        found[i, j] = sum(codes[n, i] * codes[n, j] for n in range(b)) / b - codes[:, i].mean() * codes[:, j].mean()
    return found


def dip(matrix: Array, off: float, on: float) -> float:
    total = 0.0
    for i, j in itertools.product(range(len(matrix)), repeat=2):
        total += off * matrix[i, j] ** 2 if i != j else on * (matrix[i, i] - 1) ** 2
    return total


def density(z: float, m: float, lv: float) -> float:
    return math.exp(-((z - m) ** 2) / (2 * math.exp(lv))) / math.sqrt(2 * math.pi * math.exp(lv))


def total_correlation(out: Outputs) -> float:
    """mean over j of ln sum_i prod_l q(z_jl | x_i) - sum_l ln sum_i q(z_jl | x_i) (Chen et al., 2018)."""
    z, m, lv = (t.numpy() for t in (out.z, out.mean, out.logvar))
    b, d = z.shape
    total = 0.0
    for j in range(b):
        each = np.array([[density(z[j, k], m[i, k], lv[i, k]) for k in range(d)] for i in range(b)])
        total += math.log(each.prod(1).sum()) - sum(math.log(each[:, k].sum()) for k in range(d))
    return total / b


def critic(out: Outputs) -> float:
    assert out.real is not None
    real = out.real.numpy()
    return float(np.mean([a - b for a, b in real]))


ORACLES: dict[str, Callable[[Outputs, dict[str, Any]], float]] = {
    "beta_vae": lambda out, p: float(out.nll) + p["beta"] * kl(out),
    "annealed_vae": lambda out, p: (
        float(out.nll)
        + p["gamma"] * abs(kl(out) - min(p["c_max"], p["c_max"] * float(out.step) / p["iteration_threshold"]))
    ),
    "factor_vae": lambda out, p: float(out.nll) + kl(out) + p["gamma"] * critic(out),
    "dip_vae_i": lambda out, p: (
        float(out.nll)
        + kl(out)
        + dip(covariance(out.mean.numpy()), p["lambda_od"], p["lambda_d_factor"] * p["lambda_od"])
    ),
    "dip_vae_ii": lambda out, p: (
        float(out.nll)
        + kl(out)
        + dip(
            covariance(out.mean.numpy()) + np.diag(np.exp(out.logvar.numpy()).mean(0)),
            p["lambda_od"],
            p["lambda_d_factor"] * p["lambda_od"],
        )
    ),
    "beta_tc_vae": lambda out, p: float(out.nll) + kl(out) + (p["beta"] - 1) * total_correlation(out),
    "ada_gvae": lambda out, p: float(out.nll) + p["beta"] * kl(out),
}


@st.composite
def outputs(draw: st.DrawFn) -> Outputs:
    b, d = draw(st.integers(2, 6)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**31))
    spread = draw(st.floats(0.1, 2))
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return spread * torch.randn(*shape, generator=generator, dtype=torch.float64)

    mean, logvar = normal(b, d), normal(b, d) - 1
    return Outputs(
        normal(()), mean, logvar, mean + (logvar / 2).exp() * normal(b, d),
        torch.tensor(draw(st.floats(0, 25) | st.floats(0, 2e5)), dtype=torch.float64), normal(b, 2), normal(b, 2),
    )  # fmt: skip


def strengths(name: str) -> st.SearchStrategy[dict[str, Any]]:
    hyper = [p.name for p in METHODS.plugin(name).parameters if p.hyper]
    return st.fixed_dictionaries(dict.fromkeys(hyper, st.floats(0.5, 20)))


@pytest.mark.parametrize("name", METHODS.names())
def test_an_objective_is_its_papers_equation(name: str) -> None:
    @given(outputs(), strengths(name))
    def holds(out: Outputs, hyper: dict[str, float]) -> None:
        spec = METHODS.spec(name, **hyper)
        expected = ORACLES[name](out, dict(spec.values))
        found = float(sum(METHODS.bind(spec)(out).values()))
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)

    holds()


@pytest.mark.parametrize("name", METHODS.names())
def test_an_objectives_gradient_is_that_of_finite_differences(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    mean, logvar, noise = (torch.randn(5, 3, generator=generator, dtype=torch.float64) for _ in range(3))
    weight = torch.randn(3, 2, generator=generator, dtype=torch.float64)  # a critic that is linear in z
    function = METHODS.bind(METHODS.parse(name))

    def objective(m: Tensor, lv: Tensor) -> Tensor:
        z = m + (lv / 2).exp() * noise
        out = Outputs(
            z.square().mean(), m, lv, z, torch.tensor(10.0, dtype=torch.float64), torch.tanh(z @ weight), None
        )
        return torch.stack(list(function(out).values())).sum()

    assert torch.autograd.gradcheck(objective, (mean.requires_grad_(), logvar.requires_grad_()), atol=1e-6)


@given(st.lists(st.tuples(*[st.floats(-30, 30)] * 4), min_size=1, max_size=8), st.booleans())
def test_the_critics_loss_is_the_cross_entropy_of_its_two_classes(logits: list[tuple[float, ...]], clip: bool) -> None:
    rows = np.array(logits)
    total = 0.0
    for real0, real1, fake0, fake1 in rows:
        p = math.exp(real0 - np.logaddexp(real0, real1)), math.exp(fake1 - np.logaddexp(fake0, fake1))
        kept = [min(max(q, 1e-6), 1 - 1e-6) for q in p] if clip else p
        total -= (math.log(kept[0]) + math.log(kept[1])) / 2
    empty = torch.zeros(len(rows), 1, dtype=torch.float64)
    out = Outputs(torch.tensor(0.0), empty, empty, empty, torch.tensor(0.0), *torch.from_numpy(rows).split(2, 1))
    loss = beyond("factor_vae", clip=clip).critic
    assert loss is not None
    assert math.isclose(float(loss(out)), total / len(rows), rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("clip", [True, False])
def test_the_critics_gradient_is_that_of_finite_differences(clip: bool) -> None:
    loss, empty = beyond("factor_vae", clip=clip).critic, torch.zeros(5, 1, dtype=torch.float64)
    assert loss is not None

    def of_logits(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return loss(Outputs(torch.tensor(0.0), empty, empty, empty, torch.tensor(0.0), real, fake))

    drawn = torch.randn(2, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
    assert torch.autograd.gradcheck(of_logits, [part.requires_grad_() for part in drawn.unbind()])
