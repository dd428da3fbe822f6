"""One step of k models: draw, run the engine, compute each method's terms, follow the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from distaff import rng
from distaff.data import Factors
from distaff.methods import Outputs
from distaff.training.adam import AdamStep, adam_step, update
from distaff.training.engines import Engine
from distaff.training.pack import Group, Pack, State, latents

MANY_UNIFORMS = 100  # of an image, as noise on every pixel needs: these are drawn where the images are


class Draws(NamedTuple):
    """The random numbers of one step, a slice a model; models of one seed see the same images and noise."""

    x: Tensor  # [k b c h w]
    noise: Tensor  # [k b d]
    order: Tensor | None  # [k b d]: how a discriminator's codes are shuffled
    labels: Tensor | None  # [k b f]: the factors of x, where a method declares labels
    own: Tensor | None  # [k b d]: normal draws of the method's own, where one of the pack declares noise


class Clock(NamedTuple):
    """What depends on the number of updates so far: numbers, or tensors where a captured step is replayed."""

    step: float | Tensor
    vae: AdamStep
    critic: AdamStep


def step(pack: Pack, state: State, engine: Engine) -> tuple[State, list[dict[str, Tensor]], Outputs]:
    """One update of every model; returns the new state, each group's terms [k of the group] and the outputs [k ...]."""
    terms, outputs = update_models(pack, state, engine, draw_batch(pack, state.step), clock(pack, state.step))
    return state._replace(step=state.step + 1), terms, outputs


def update_models(
    pack: Pack, state: State, engine: Engine, draws: Draws, clock: Clock
) -> tuple[list[dict[str, Tensor]], Outputs]:
    """Follow the gradient of every model's objective on these draws: weights and moments change in place."""
    outputs = forward(pack, state, engine, draws, clock.step)
    terms = [group_terms(group, outputs) for group in pack.groups]
    objective = objectives(terms)
    state.sound.add_(torch.isfinite(objective) & (state.sound == clock.step))
    gradients = torch.autograd.grad(objective.sum(), list(state.params.values()), retain_graph=pack.critic is not None)
    if pack.critic is not None:  # from the same forward pass, and before either is updated: simultaneous, as published
        critic_loss = torch.stack([_critic_loss(group, outputs) for group in pack.groups]).sum()
        critic_gradients = torch.autograd.grad(critic_loss, list(state.critic.values()))
        update(state.critic, critic_gradients, state.critic_moments, pack.runs[0].critic_optim, clock.critic)
    update(state.params, gradients, state.moments, pack.runs[0].optim, clock.vae)
    return terms, outputs


def objectives(terms: list[dict[str, Tensor]]) -> Tensor:
    """What each model minimises [k]: the sum of its terms."""
    return torch.cat([torch.stack(list(group.values())).sum(0) for group in terms])


def clock(pack: Pack, step: int) -> Clock:
    """The clock at update `step`, counted from 0."""
    first = pack.runs[0]
    vae, critic = (adam_step(optim, step, first.updates) for optim in (first.optim, first.critic_optim))
    return Clock(float(step), vae, critic)


def forward(pack: Pack, state: State, engine: Engine, draws: Draws, step: float | Tensor) -> Outputs:
    """The outputs of every model on its draws, [k ...], with its discriminator's logits where there is one."""
    with torch.autocast(draws.x.device.type, torch.bfloat16, enabled=pack.runs[0].precision == "bf16"):
        nll, mean, logvar, z = engine(pack.vae, state.params, draws.x, draws.noise)
        now = torch.as_tensor(step, device=pack.device)
        outputs = Outputs(nll, mean, logvar, z, now, labels=draws.labels, noise=draws.own)
        if pack.critic is None or draws.order is None:
            return outputs
        shuffled = z.detach().gather(1, draws.order)
        (logits,) = engine(pack.critic, state.critic, torch.cat([z, shuffled], 1))
    real, fake = logits.float().chunk(2, 1)
    return outputs._replace(real=real, fake=fake)


def draw_batch(pack: Pack, step: int) -> Draws:
    """The images, posterior noise and shuffles of update `step`, from each model's seed and nothing else."""
    seeds, of_model = np.unique([run.seed for run in pack.runs], return_inverse=True)
    drawn = [_draw_seed(pack, int(seed), step) for seed in seeds]
    dataset, hooks, rows = pack.dataset, pack.groups[0].hooks, np.concatenate([one.rows for one in drawn])
    x = dataset.batch(rows, _nuisance(pack, seeds.tolist(), step, len(drawn[0].rows)), pack.device)
    parts = Draws(
        x.view(len(seeds), -1, *x.shape[1:]),
        _joined(pack, [one.noise for one in drawn]),
        _joined(pack, [one.order for one in drawn if one.order is not None]) if pack.critic is not None else None,
        _joined(pack, [one.labels for one in drawn if one.labels is not None]) if hooks.labels else None,
        _joined(pack, [one.own for one in drawn if one.own is not None]) if _draws_own(pack) else None,
    )
    if len(seeds) == len(of_model) and (of_model[1:] > of_model[:-1]).all():  # a seed a model, in order
        return parts
    index = torch.from_numpy(of_model).to(pack.device)
    return Draws(*(None if part is None else part[index] for part in parts))  # type: ignore[arg-type]


class _SeedDraws(NamedTuple):
    """What one seed draws."""

    rows: NDArray[np.int64]  # [b]
    noise: Tensor  # [b d]
    order: Tensor | None  # [b d]
    labels: Tensor | None  # [b f]
    own: Tensor | None  # [b d]


def _draw_seed(pack: Pack, seed: int, step: int) -> _SeedDraws:
    """The draws of one seed, on the CPU."""
    dataset, d = pack.dataset, latents(pack.runs[0])
    hooks = pack.groups[0].hooks
    rows = dataset.draw_rows(seed, step, pack.runs[0].batch)
    if hooks.views is not None:
        rows = np.concatenate([rows, _second_views(dataset.factors, rows, hooks.views, seed, step)])
    n = len(rows)
    return _SeedDraws(
        rows,
        rng.normal(seed, "noise", step, (n, d)),
        rng.permutations(seed, "permute", step, n, d) if pack.critic is not None else None,
        torch.from_numpy(dataset.factors.values(rows)) if hooks.labels else None,
        rng.normal(seed, "method", step, (n, d)) if _draws_own(pack) else None,
    )


def _draws_own(pack: Pack) -> bool:
    """Whether a method of the pack has noise of its own; the others of the pack do not see it."""
    return any(group.hooks.noise for group in pack.groups)


def _nuisance(pack: Pack, seeds: list[int], step: int, n: int) -> Tensor | None:
    """The uniforms of the nuisance of `n` images for each seed, [s n *nuisance] flattened to images."""
    shape = (n, *pack.dataset.nuisance)
    if not pack.dataset.nuisance:
        return None
    if pack.device != "cpu" and math.prod(shape[1:]) > MANY_UNIFORMS:
        return rng.uniforms(seeds, "nuisance", step, shape, pack.device).flatten(0, 1)
    return _joined(pack, [rng.uniform(seed, "nuisance", step, shape) for seed in seeds]).flatten(0, 1)


def _joined(pack: Pack, parts: list[Tensor]) -> Tensor:
    """The parts of all seeds [s ...], where the pack is."""
    stack = torch.stack(parts)
    return stack if pack.device == "cpu" else stack.pin_memory().to(pack.device, non_blocking=True)


def _second_views(
    factors: Factors, rows: NDArray[np.int64], views: Callable[..., NDArray[np.int64]], seed: int, step: int
) -> NDArray[np.int64]:
    """The rows of the second views; hidden factors are drawn anew, since nothing holds them fixed."""
    f, hidden = len(factors.sizes), len(factors.all_sizes) - len(factors.sizes)
    u = rng.uniform(seed, "pairs", step, (len(rows), 2 + 2 * f + hidden)).numpy()
    values = views(factors.values(rows), factors.sizes, u[:, : 2 + 2 * f])
    return factors.rows(values, u[:, 2 + 2 * f :])


def group_terms(group: Group, outputs: Outputs) -> dict[str, Tensor]:
    """The terms of a group's method, each [k of the group]: written for one model, mapped over them."""
    members, dims = _members(group, outputs)

    def one(out: Outputs, hyper: dict[str, Tensor]) -> dict[str, Tensor]:
        return group.terms(out, **hyper)

    mapped: dict[str, Tensor] = vmap(one, in_dims=(dims, 0))(members, group.hyper)
    return mapped


def _critic_loss(group: Group, outputs: Outputs) -> Tensor:
    loss = group.hooks.critic
    assert loss is not None
    members, dims = _members(group, outputs)
    losses: Tensor = vmap(loss, in_dims=(dims,))(members)
    return losses.sum()


def _members(group: Group, outputs: Outputs) -> tuple[Outputs, Outputs]:
    """The group's slice of the outputs, and which of them have a model axis: all but the step."""
    outputs = outputs if group.hooks.noise else outputs._replace(noise=None)
    parts = {name: part for name, part in outputs._asdict().items() if part is not None}
    members = outputs._replace(**{name: part[group.models] for name, part in parts.items() if part.ndim})
    dims = Outputs(*(0 if name in parts and parts[name].ndim else None for name in Outputs._fields))  # type: ignore[arg-type]
    return members, dims
