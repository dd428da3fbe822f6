"""Networks have the layers of the 2019 study, and weights that depend on the seed alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.func import functional_call

from distaff.errors import DistaffError
from distaff.networks import initial
from distaff.networks.burgess import burgess
from distaff.networks.conv64 import conv64
from distaff.networks.critics.critic import critic
from distaff.networks.layers.likelihood import bernoulli_nll
from distaff.networks.mlp import mlp


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("build", "channels", "encoder", "decoder"),
    [
        (conv64, 1, 309_204, 381_313),
        (conv64, 3, 310_228, 382_339),
        (burgess, 1, 252_052, 249_953),
        (mlp, 1, 6_381_620, 7_814_896),
        (mlp, 3, 16_212_020, 17_653_488),
    ],
)
def test_the_networks_have_as_many_parameters_as_the_studys(build, channels, encoder, decoder) -> None:  # type: ignore[no-untyped-def]
    vae = build((64, 64, channels))
    assert (size(vae.encoder), size(vae.decoder)) == (encoder, decoder)


def test_the_critic_has_as_many_parameters_as_the_studys() -> None:
    assert size(critic(10)) == 5_018_002


@pytest.mark.parametrize("build", [burgess, conv64, mlp])
def test_a_batch_passes_through_and_back(build) -> None:  # type: ignore[no-untyped-def]
    vae = build((64, 64, 3))
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    nll, mean, _logvar, z = functional_call(vae, initial(vae, 0), (x, torch.zeros(2, 10)))
    assert mean.shape == (2, 10)
    assert torch.equal(z, mean)
    assert torch.isfinite(nll)


@pytest.mark.parametrize("build", [burgess, conv64])
def test_convolutions_refuse_images_of_another_size(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DistaffError, match="take mlp"):
        build((16, 16, 1))


def test_weights_are_glorot_uniform_biases_zero_and_the_seed_decides() -> None:
    vae = mlp((16, 16, 1), width=64)
    params = initial(vae, 7)
    weight = params["encoder.1.weight"]
    bound = math.sqrt(6 / (256 + 64))
    assert weight.abs().max() <= bound
    assert math.isclose(float(weight.std()), bound / math.sqrt(3), rel_tol=0.02)
    assert not params["encoder.1.bias"].any()
    assert all(torch.equal(params[name], again) for name, again in initial(vae, 7).items())
    assert not torch.equal(weight, initial(vae, 8)["encoder.1.weight"])


def test_the_bernoulli_loss_has_its_golden_value() -> None:
    n = torch.arange(24.0)
    x, logits = (0.5 + 0.5 * torch.sin(n)).view(2, 12, 1, 1), (3 * torch.cos(n)).view(2, 12, 1, 1)
    assert math.isclose(float(bernoulli_nll(logits, x)), (13.266542 + 13.834008) / 2, rel_tol=1e-6)
