"""Whole updates equal those of a training written down in plain PyTorch, with torch's own Adam, from the same draws."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from distaff.runs import Optim, run
from distaff.training.pack import Pack, begin, pack
from distaff.training.passes.choice import passes_for
from distaff.training.step import Draws, draw_batch, take_step
from distaff.types import Params

UPDATES = 12


def part(module: str, params: Params) -> Params:
    return {name.removeprefix(f"{module}."): p for name, p in params.items() if name.startswith(f"{module}.")}


def factor_vae(packed: Pack, vae: Params, critic: Params, drawn: Draws, gamma: float) -> tuple[Tensor, Tensor]:
    """Kim and Mnih (2018), Algorithm 2, with the codes of one batch, as the 2019 study had it: both losses."""
    x, noise, order = drawn.x[0], drawn.noise[0], drawn.order[0]
    mean, logvar = functional_call(packed.vae.encoder, part("encoder", vae), (x,)).chunk(2, -1)
    z = mean + (logvar / 2).exp() * noise
    logits = functional_call(packed.vae.decoder, part("decoder", vae), (z,))
    reconstruction = binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = 0.5 * (mean**2 + logvar.exp() - logvar - 1).sum(1).mean()
    shuffled = torch.stack([z[order[:, j], j] for j in range(z.shape[1])], 1).detach()
    real, fake = (functional_call(packed.critic, critic, (codes,)) for codes in (z, shuffled))
    total_correlation = (real[:, 0] - real[:, 1]).mean()
    first, second = torch.zeros(len(x), dtype=torch.long), torch.ones(len(x), dtype=torch.long)
    critic_loss = (cross_entropy(real, first) + cross_entropy(fake, second)) / 2
    return reconstruction + kl + gamma * total_correlation, critic_loss


@pytest.mark.parametrize(("dataset", "network"), [("toy", "mlp(width=32, latents=5)"), ("toy_color", "mlp(width=16)")])
def test_updates_of_factor_vae_and_its_critic_are_those_of_its_algorithm(dataset: str, network: str) -> None:
    one = run(dataset, "factor_vae(gamma=35, clip=False)", network, "critic(width=32, depth=3)", seed=5,
              updates=UPDATES, optim=Optim(lr=1e-3))  # fmt: skip
    packed = pack((one,))
    state = begin(packed)
    vae, critic = (
        {name: p[0].detach().clone().requires_grad_() for name, p in params.items()}
        for params in (state.params, state.critic)
    )
    optimiser = torch.optim.Adam(vae.values(), lr=1e-3)
    critic_optimiser = torch.optim.Adam(critic.values(), lr=1e-4, betas=(0.5, 0.9))
    passes = passes_for(packed, state)
    for t in range(UPDATES):
        objective, critic_loss = factor_vae(packed, vae, critic, draw_batch(packed, t), 35)
        of_vae = torch.autograd.grad(objective, list(vae.values()), retain_graph=True)
        of_critic = torch.autograd.grad(critic_loss, list(critic.values()))
        for p, gradient in zip((*vae.values(), *critic.values()), (*of_vae, *of_critic), strict=True):
            p.grad = gradient
        optimiser.step()
        critic_optimiser.step()
        state, _, _ = take_step(packed, state, passes)
    for params, expected in ((state.params, vae), (state.critic, critic)):
        for name, p in expected.items():
            torch.testing.assert_close(params[name][0], p, rtol=1e-3, atol=1e-4)  # an update moves them by up to 1e-3
