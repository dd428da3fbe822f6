"""A pack: runs that are trained side by side, and the state that their training carries from step to step."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from distaff.data import Dataset
from distaff.errors import DistaffError
from distaff.methods import Hooks, Terms, hooks
from distaff.networks import VAE, initial
from distaff.networks.layers.stateless import dependence_of, state_of
from distaff.plugins.boundary import guarded
from distaff.plugins.contract import require
from distaff.plugins.registry import CRITICS, METHODS, NETWORKS, Registry
from distaff.plugins.spec import Spec
from distaff.runs import Run, side_by_side, structure
from distaff.trained import dataset_of
from distaff.training.adam import Moments, fresh
from distaff.types import Params


class Group(NamedTuple):
    """The models of a pack that share a method and its structure: a slice, and their stacked hyperparameters."""

    terms: Callable[..., Terms]  # the method, its structure filled in
    hooks: Hooks
    models: slice
    hyper: dict[str, Tensor]  # [k] each


@dataclass(frozen=True)
class Pack:
    """Runs in the order of the stack, with what they share: data, network, critic, and the groups of their methods."""

    runs: tuple[Run, ...]
    dataset: Dataset
    vae: VAE
    critic: nn.Module | None
    groups: tuple[Group, ...]
    device: str = "cpu"

    @functools.cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs, each once, in ascending order: models of one seed share their draws."""
        return tuple(sorted({run.seed for run in self.runs}))

    @functools.cached_property
    def seed_of(self) -> Tensor | None:
        """The place of each model's seed among `seeds` [k]; None where model i has seed i."""
        places = [self.seeds.index(run.seed) for run in self.runs]
        return None if places == list(range(len(self.seeds))) else torch.tensor(places, device=self.device)


class State(NamedTuple):
    """All that changes while a pack is trained: updates done, weights [k ...], moments of Adam, and who is finite."""

    step: int
    params: Params
    moments: Moments
    critic: Params
    critic_moments: Moments
    sound: Tensor  # [k] updates in a row, from the first, whose objective was finite


def pack(runs: tuple[Run, ...], device: str = "cpu") -> Pack:
    """The pack of `runs`, ordered by method; raises `DistaffError` if they cannot be trained side by side."""
    if not runs or len({side_by_side(run) for run in runs}) != 1:
        raise DistaffError("a pack needs runs of one data set, network, critic, optimiser, batch and number of updates")
    ordered = tuple(sorted(runs, key=lambda run: (structure(run)[:2], run.method.values, run.seed)))
    first = ordered[0]
    dataset = dataset_of(first.dataset)
    vae: VAE = NETWORKS.bind(first.network)(dataset.shape)
    critic: nn.Module | None = CRITICS.bind(first.critic)(latents(first)) if first.critic else None
    _check_training(first, vae, critic, dataset.shape)
    groups = _groups(ordered, device)
    vae.posterior = groups[0].hooks.posterior
    return Pack(ordered, dataset, vae, critic, groups, device)


def _check_training(run: Run, vae: VAE, critic: nn.Module | None, shape: tuple[int, int, int]) -> None:
    """Raise `PluginError` for layers whose training depends on more than weights, images and the noise of a seed."""
    height, width, channels = shape
    parts = [
        (NETWORKS, run.network, "encoder.", vae.encoder, (channels, height, width)),
        (NETWORKS, run.network, "decoder.", vae.decoder, (latents(run),)),
    ]
    weights = initial(vae, run.seed) if run.network.name not in NETWORKS.packaged() else {}
    for kind, spec, part, module, of in parts:
        own = {name.removeprefix(part): tensor for name, tensor in weights.items() if name.startswith(part)}
        _check_stateless(kind, spec, module, own, of)
    if critic is not None and run.critic is not None:
        own = initial(critic, run.seed, part=1) if run.critic.name not in CRITICS.packaged() else {}
        _check_stateless(CRITICS, run.critic, critic, own, (latents(run),))


def _check_stateless(kind: Registry, spec: Spec, module: nn.Module, weights: Params, shape: tuple[int, ...]) -> None:
    """Its layers are looked at; with `weights`, also what it makes of a few inputs."""
    origin = kind.plugin(spec.name).origin
    wrong = state_of(module) or (guarded(origin, dependence_of)(module, weights, shape) if weights else None)
    if wrong:
        raise origin.error(f"it cannot be trained: {wrong}")


def begin(pack: Pack) -> State:
    """The state before the first update, each model's weights drawn from that model's seed."""
    params = _stack([initial(pack.vae, run.seed) for run in pack.runs], pack.device)
    critics = [initial(pack.critic, run.seed, part=1) for run in pack.runs] if pack.critic else []
    critic = _stack(critics, pack.device) if critics else {}
    sound = torch.zeros(len(pack.runs), dtype=torch.int64, device=pack.device)
    return State(0, params, fresh(params), critic, fresh(critic), sound)


def latents(run: Run) -> int:
    """The number of latents that the run's network has."""
    value = run.network["latents"]
    assert isinstance(value, int)
    return value


def _stack(models: list[Params], device: str) -> Params:
    return {name: torch.stack([model[name] for model in models]).to(device).requires_grad_() for name in models[0]}


def _groups(runs: tuple[Run, ...], device: str) -> tuple[Group, ...]:
    groups = []
    start = 0
    while start < len(runs):
        end = start
        while end < len(runs) and structure(runs[end]) == structure(runs[start]):
            end += 1
        name = runs[start].method.name
        if name not in METHODS.packaged():
            require(METHODS, name)
        hyper = [p.name for p in METHODS.plugin(name).parameters if p.hyper]
        members = runs[start:end]
        columns = {
            h: torch.tensor([run.method[h] for run in members], dtype=torch.float32, device=device) for h in hyper
        }
        rest = {n: v for n, v in runs[start].method.values if n not in hyper}
        groups.append(Group(partial(METHODS.function(name), **rest), hooks(name, **rest), slice(start, end), columns))
        start = end
    return tuple(groups)
