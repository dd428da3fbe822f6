"""Likelihoods are their formulas, pixel by pixel, and the fast forms of layers and losses are the plain ones."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from distaff.errors import DistaffError
from distaff.networks.conv64 import conv64
from distaff.networks.layers.likelihood import LIKELIHOODS
from distaff.networks.layers.upsample import Upsample
from distaff.networks.mlp import mlp


def cross_entropy(p: float, x: float) -> float:
    return -x * math.log(p) - (1 - x) * math.log(1 - p)


PIXEL = {
    "bernoulli": lambda raw, x: cross_entropy(1 / (1 + math.exp(-raw)), x),
    "bernoulli_tanh": lambda raw, x: cross_entropy(min(max((math.tanh(raw) + 1) / 2, 1e-6), 1 - 1e-6), x),
    "l2": lambda raw, x: (x - 1 / (1 + math.exp(-raw))) ** 2,
    "l2_tanh": lambda raw, x: (x - (math.tanh(raw) + 1) / 2) ** 2,
}


@pytest.mark.parametrize("name", list(LIKELIHOODS))
def test_a_likelihood_is_its_formula_and_has_its_gradient(name: str) -> None:
    @given(st.lists(st.tuples(st.floats(-8, 8), st.floats(0, 1)), min_size=2, max_size=12))
    def holds(pixels: list[tuple[float, float]]) -> None:
        raw, x = torch.tensor(pixels, dtype=torch.float64).T.reshape(2, 1, 1, 1, -1)
        raw.requires_grad_()
        expected = sum(PIXEL[name](*pixel) for pixel in pixels)
        assert math.isclose(float(LIKELIHOODS[name].nll(raw, x).detach()), expected, rel_tol=1e-9, abs_tol=1e-9)
        assert torch.autograd.gradcheck(lambda r: LIKELIHOODS[name].nll(r, x), raw)

    holds()


@pytest.mark.parametrize("logit", [-1e4, -100.0, 0.0, 100.0, 1e4])
def test_the_bernoulli_loss_is_finite_at_any_logit(logit: float) -> None:
    raw = torch.full((1, 1, 1, 1), logit, requires_grad=True)
    for x in (0.0, 1.0):
        loss = LIKELIHOODS["bernoulli"].nll(raw, torch.full((1, 1, 1, 1), x))
        (gradient,) = torch.autograd.grad(loss, raw)
        assert math.isclose(
            float(loss.detach()),
            max(logit, 0) - logit * x + math.log1p(math.exp(-abs(logit))),
            rel_tol=1e-6,
            abs_tol=1e-6,
        )
        assert math.isclose(float(gradient), float(torch.sigmoid(raw.detach())) - x, abs_tol=1e-7)


def test_pictures_are_between_black_and_white() -> None:
    raw = torch.linspace(-50, 50, 101).view(1, 1, 1, -1)
    for likelihood in LIKELIHOODS.values():
        picture = likelihood.picture(raw)
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert math.isclose(float(picture[..., 50]), 0.5)


def test_an_unknown_likelihood_is_named_with_the_nearest() -> None:
    with pytest.raises(DistaffError, match="Did you mean 'bernoulli'"):
        mlp((4, 4, 1), likelihood="bernouli")


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(0, 2**31))
def test_the_upsampling_layer_is_torchs_transposed_convolution(ins: int, outs: int, side: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    plain = nn.ConvTranspose2d(ins, outs, 4, 2, 1, dtype=torch.float64)
    ours = Upsample(ins, outs).double()
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(2, ins, side, side, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(ours(x), plain(x))
    above = torch.randn(2, outs, 2 * side, 2 * side, generator=generator, dtype=torch.float64)
    for mine, theirs in zip(
        torch.autograd.grad(ours(x), list(ours.parameters()), above),
        torch.autograd.grad(plain(x), list(plain.parameters()), above),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize(("kernel", "parameters"), [(2, 309_204), (4, 309_204 + 12 * (32 * 64 + 64 * 64))])
def test_the_last_convolutions_are_those_of_the_code_or_of_the_paper(kernel: int, parameters: int) -> None:
    vae = conv64((64, 64, 1), last_kernel=kernel)
    assert sum(p.numel() for p in vae.encoder.parameters()) == parameters
    with pytest.raises(DistaffError, match="it is 2"):
        conv64((64, 64, 1), last_kernel=3)
