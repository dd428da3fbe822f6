"""One step of k models: draw, run the engine, compute each method's terms, follow the gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import vmap

from distaff import rng
from distaff.data import Factors
from distaff.methods import Outputs
from distaff.training.adam import AdamStep, adam_step
from distaff.training.elementwise import needs_no_map
from distaff.training.engines import Engine
from distaff.training.kernels.stored import Stored
from distaff.training.pack import Group, Pack, State, latents
from distaff.training.passes import Passes
from distaff.training.passes.autograd import autograd_passes

MANY_UNIFORMS = 100  # of an image, as noise on every pixel needs: these are drawn where the images are


class Draws(NamedTuple):
    """The random numbers of one step, a slice a model; models of one seed see the same images and noise."""

    x: Tensor  # [k b c h w]
    noise: Tensor  # [k b d]
    order: Tensor | None  # [k b d]: how a discriminator's codes are shuffled
    labels: Tensor | None  # [k b f]: the factors of x, where a method declares labels
    own: Tensor | None  # [k b d]: normal draws of the method's own, where one of the pack declares noise
    target: Tensor | Stored | None = None  # what a likelihood compares with, where that is not x


class Clock(NamedTuple):
    """What depends on the number of updates so far: numbers, or tensors where a captured step is replayed."""

    step: float | Tensor
    vae: AdamStep
    critic: AdamStep


def step(pack: Pack, state: State, engine: Engine) -> tuple[State, list[dict[str, Tensor]], Outputs]:
    """One update of every model by autograd; returns the new state, each group's terms [k of the group] and outputs."""
    return take_step(pack, state, autograd_passes(pack, state, engine))


def take_step(pack: Pack, state: State, passes: Passes) -> tuple[State, list[dict[str, Tensor]], Outputs]:
    """One update of every model by the `passes` of this state: its draws, then `update_models`."""
    terms, outputs = update_models(pack, state, passes, draw_batch(pack, state.step), clock(pack, state.step))
    return state._replace(step=state.step + 1), terms, outputs


def update_models(
    pack: Pack, state: State, passes: Passes, draws: Draws, clock: Clock
) -> tuple[list[dict[str, Tensor]], Outputs]:
    """Follow the gradient of every model's objective on these draws: weights and moments change in place."""
    outputs = forward(pack, passes, draws, clock.step)
    terms = [group_terms(group, outputs) for group in pack.groups]
    objective = objectives(terms)
    of = _gradients(objective.sum(), outputs)
    if (
        passes.critic is not None
    ):  # from the same forward pass, and before either is updated: simultaneous, as published
        assert of.real is not None
        of = of._replace(z=of.z + passes.critic.below(of.real))
        critic_loss = torch.stack([_critic_loss(group, outputs) for group in pack.groups]).sum()
        assert outputs.real is not None
        assert outputs.fake is not None
        passes.critic.backward(*torch.autograd.grad(critic_loss, [outputs.real, outputs.fake]))
    passes.vae.backward(of.nll, of.mean, of.logvar, of.z)
    # nothing has changed up to here: what a method raises leaves the state before this update whole
    state.sound.add_(torch.isfinite(objective) & (state.sound == clock.step))
    if passes.critic is not None:
        passes.critic.update(clock.critic)
    passes.vae.update(clock.vae)
    return terms, outputs


def objectives(terms: list[dict[str, Tensor]]) -> Tensor:
    """What each model minimises [k]: the sum of its terms."""
    return torch.cat([torch.stack(list(group.values())).sum(0) for group in terms])


def clock(pack: Pack, step: int) -> Clock:
    """The clock at update `step`, counted from 0."""
    first = pack.runs[0]
    vae, critic = (adam_step(optim, step, first.updates) for optim in (first.optim, first.critic_optim))
    return Clock(float(step), vae, critic)


def forward(pack: Pack, passes: Passes, draws: Draws, step: float | Tensor) -> Outputs:
    """The outputs of every model on its draws, [k ...], with its critic's logits where there is one.

    Autograd is cut there: they are the leaves of the graph that is a method.
    """
    target = draws.x if draws.target is None or not passes.vae.compares_stored else draws.target
    nll, mean, logvar, z = passes.vae.forward(draws.x, draws.noise, target)
    now = torch.as_tensor(step, device=pack.device)
    outputs = Outputs(_leaf(nll), _leaf(mean), _leaf(logvar), _leaf(z), now, labels=draws.labels, noise=draws.own)
    if passes.critic is None or draws.order is None:
        return outputs
    real, fake = passes.critic.forward(outputs.z.detach(), draws.order)
    return outputs._replace(real=_leaf(real), fake=_leaf(fake))


def ordinary_outputs(pack: Pack) -> Outputs:
    """Outputs of normal codes, for what of a method does not depend on a model, such as the names of its terms."""
    drawn = draw_batch(pack, 0)
    z = drawn.noise
    logits = z.new_zeros(*z.shape[:2], 2) if pack.critic is not None else None
    now = torch.tensor(0.0, device=pack.device)
    return Outputs(z.new_ones(len(z)), z, torch.zeros_like(z), z, now, logits, logits, drawn.labels, drawn.own)


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().requires_grad_()


def _gradients(objective: Tensor, outputs: Outputs) -> Outputs:
    """The gradients of the objective at the outputs, zeros at those that it does not depend on."""
    leaves = {name: part for name, part in outputs._asdict().items() if part is not None and part.requires_grad}
    found = torch.autograd.grad(objective, list(leaves.values()), allow_unused=True, materialize_grads=True)
    return outputs._replace(**dict(zip(leaves, found, strict=True)))


def draw_batch(pack: Pack, step: int) -> Draws:
    """The images, posterior noise and shuffles of update `step`, from each model's seed and nothing else."""
    drawn = [_draw_seed(pack, seed, step) for seed in pack.seeds]
    rows = np.concatenate([one.rows for one in drawn]) if len(drawn) > 1 else drawn[0].rows
    x = pack.dataset.batch(rows, _nuisance(pack, pack.seeds, step, len(drawn[0].rows)), pack.device)
    parts = Draws(
        x.view(len(drawn), -1, *x.shape[1:]),
        _joined(pack, [one.noise for one in drawn]),
        _joined(pack, [one.order for one in drawn if one.order is not None]) if pack.critic is not None else None,
        _joined(pack, [one.labels for one in drawn if one.labels is not None]) if pack.groups[0].hooks.labels else None,
        _joined(pack, [one.own for one in drawn if one.own is not None]) if _draws_own(pack) else None,
    )
    if pack.seed_of is None:
        return parts
    return Draws(*(None if part is None else part[pack.seed_of] for part in parts))  # type: ignore[arg-type]


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


def _nuisance(pack: Pack, seeds: Sequence[int], step: int, n: int) -> Tensor | None:
    """The uniforms of the nuisance of `n` images for each seed, [s n *nuisance] flattened to images."""
    shape = (n, *pack.dataset.nuisance)
    if not pack.dataset.nuisance:
        return None
    if pack.device != "cpu" and math.prod(shape[1:]) > MANY_UNIFORMS:
        return rng.uniforms(list(seeds), "nuisance", step, shape, pack.device).flatten(0, 1)
    return _joined(pack, [rng.uniform(seed, "nuisance", step, shape) for seed in seeds]).flatten(0, 1)


def _joined(pack: Pack, parts: list[Tensor]) -> Tensor:
    """The parts of all seeds [s ...], where the pack is."""
    stack = torch.stack(parts) if len(parts) > 1 else parts[0].unsqueeze(0)
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
    """The terms of a group's method, each [k of the group]."""
    return _of_each(group, outputs, group.terms, lambda out, hyper: group.terms(out, **hyper))


def _critic_loss(group: Group, outputs: Outputs) -> Tensor:
    loss = group.hooks.critic
    assert loss is not None
    return _of_each(group, outputs, loss, lambda out, _: {"loss": loss(out)})["loss"].sum()


def _of_each(
    group: Group, outputs: Outputs, function: Callable[..., Any],
    call: Callable[[Outputs, dict[str, Tensor]], dict[str, Tensor]],
) -> dict[str, Tensor]:  # fmt: skip
    """What a `function` of one model gives for those of a group: mapped over them, or of a model alone called."""
    outputs = outputs if group.hooks.noise else outputs._replace(noise=None)
    parts = {name: part for name, part in outputs._asdict().items() if part is not None and part.ndim}  # not the step
    if group.models.stop - group.models.start == 1:
        alone = outputs._replace(**{name: part[group.models.start] for name, part in parts.items()})
        hyper = {name: values[0] for name, values in group.hyper.items()}
        if needs_no_map(function, lambda: call(alone, hyper)):
            return {name: one.unsqueeze(0) for name, one in call(alone, hyper).items()}
    members = outputs._replace(**{name: part[group.models] for name, part in parts.items()})
    dims = Outputs(*(0 if name in parts else None for name in Outputs._fields))  # type: ignore[arg-type]
    mapped: dict[str, Tensor] = vmap(call, in_dims=(dims, 0))(members, group.hyper)
    return mapped
