"""One step of k models: draw, run the engine, ask each method for its terms, follow the gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

from distaff import rng
from distaff.methods import Outputs, critic_loss
from distaff.registry import METHODS
from distaff.train.adam import update
from distaff.train.engines import Engine
from distaff.train.pack import Group, Pack, State, latents


class Draws(NamedTuple):
    """The random numbers of one step, a slice a model; models of one seed see the same images and noise."""

    x: Tensor  # [k b c h w]
    noise: Tensor  # [k b d]
    order: Tensor | None  # [k b d]: how a critic's codes are shuffled


def step(pack: Pack, state: State, engine: Engine) -> tuple[State, list[dict[str, Tensor]], Outputs]:
    """One update of every model; returns the new state, each group's terms [k of the group] and the outputs [k ...]."""
    draws = draw(pack, state.step)
    outputs = forward(pack, state, engine, draws)
    terms = [evaluate(group, outputs) for group in pack.groups]
    objective = torch.stack([value.sum() for group in terms for value in group.values()]).sum()
    gradients = torch.autograd.grad(objective, list(state.params.values()), retain_graph=pack.critic is not None)
    if pack.critic is not None:  # from the same forward pass, and before either is updated: simultaneous, as published
        rivalry = torch.stack([_rivalry(group, outputs) for group in pack.groups]).sum()
        rival_gradients = torch.autograd.grad(rivalry, list(state.critic.values()))
        update(state.critic, rival_gradients, state.critic_moments, pack.runs[0].critic_optim, state.step)
    update(state.params, gradients, state.moments, pack.runs[0].optim, state.step)
    return state._replace(step=state.step + 1), terms, outputs


def forward(pack: Pack, state: State, engine: Engine, draws: Draws) -> Outputs:
    """What every model makes of its draws, [k ...], with its critic's opinion where there is one."""
    nll, mean, logvar, z = engine(pack.vae, state.params, draws.x, draws.noise)
    outputs = Outputs(nll, mean, logvar, z, torch.tensor(float(state.step)))
    if pack.critic is None or draws.order is None:
        return outputs
    shuffled = z.detach().gather(1, draws.order)
    (real,), (fake,) = (engine(pack.critic, state.critic, codes) for codes in (z, shuffled))
    return outputs._replace(real=real, fake=fake)


def draw(pack: Pack, step: int) -> Draws:
    """The images, posterior noise and shuffles of update `step`, from each model's seed and nothing else."""
    batch, d = pack.runs[0].batch, latents(pack.runs[0])
    seeds, of_model = np.unique([run.seed for run in pack.runs], return_inverse=True)
    index = torch.from_numpy(of_model)
    x, noise, order = [], [], []
    for seed in map(int, seeds):
        rows = rng.integers(seed, "data", step, batch, len(pack.dataset)).numpy()
        nuisance = pack.dataset.nuisance
        u = rng.uniform(seed, "nuisance", step, (batch, *nuisance)) if nuisance else None
        x.append(pack.dataset.batch(rows, u))
        noise.append(rng.normal(seed, "noise", step, (batch, d)))
        if pack.critic is not None:
            order.append(rng.permutations(seed, "permute", step, batch, d))
    return Draws(torch.stack(x)[index], torch.stack(noise)[index], torch.stack(order)[index] if order else None)


def evaluate(group: Group, outputs: Outputs) -> dict[str, Tensor]:
    """The terms of a group's method, each [k of the group]: written for one model, mapped over them."""
    function = METHODS.function(group.method)
    own, dims = _own(group, outputs)

    def one(out: Outputs, hyper: dict[str, Tensor]) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = function(out, **hyper, **group.structure)
        return terms

    mapped: dict[str, Tensor] = vmap(one, in_dims=(dims, 0))(own, group.hyper)
    return mapped


def _rivalry(group: Group, outputs: Outputs) -> Tensor:
    loss = critic_loss(group.method)
    assert loss is not None
    own, dims = _own(group, outputs)
    losses: Tensor = vmap(loss, in_dims=(dims,))(own)
    return losses.sum()


def _own(group: Group, outputs: Outputs) -> tuple[Outputs, Outputs]:
    """The group's slice of the outputs, and which of them have a model axis: all but the step."""
    parts = {name: part for name, part in outputs._asdict().items() if part is not None}
    own = outputs._replace(**{name: part[group.models] for name, part in parts.items() if part.ndim})
    dims = Outputs(*(0 if name in parts and parts[name].ndim else None for name in Outputs._fields))  # type: ignore[arg-type]
    return own, dims
