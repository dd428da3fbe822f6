"""Passes by autograd, through networks of any layers, run by an engine."""

from __future__ import annotations

import torch
from torch import Tensor

from distaff.training.adam import AdamStep, update
from distaff.training.engines import Engine
from distaff.training.kernels.stored import Stored
from distaff.training.pack import Pack, State
from distaff.training.passes import Passes
from distaff.types import Params


def autograd_passes(pack: Pack, state: State, engine: Engine) -> Passes:
    """The passes of a pack, all of them by `engine`."""
    return Passes(AutogradVae(pack, state, engine), AutogradCritic(pack, state, engine) if pack.critic else None)


class AutogradVae:
    """The VAEs of a pack by `engine`."""

    def __init__(self, pack: Pack, state: State, engine: Engine) -> None:
        self.name = engine.__name__
        self._pack, self._state, self._engine = pack, state, engine
        self._outputs: tuple[Tensor, ...] = ()
        self._gradients: tuple[Tensor, ...] = ()

    dtype, compares_stored = torch.float32, False

    def forward(self, x: Tensor, noise: Tensor, target: Tensor | Stored) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """nll, mean, logvar and z."""
        del target  # as it has x
        with torch.enable_grad(), autocast(self._pack):
            self._outputs = self._engine(self._pack.vae, self._state.params, x, noise)
        nll, mean, logvar, z = self._outputs
        return nll, mean, logvar, z

    def backward(self, of_nll: Tensor, of_mean: Tensor, of_logvar: Tensor, of_z: Tensor) -> None:
        """The gradient of all weights."""
        weights = list(self._state.params.values())
        self._gradients = torch.autograd.grad(self._outputs, weights, (of_nll, of_mean, of_logvar, of_z))

    def update(self, at: AdamStep) -> None:
        """Adam."""
        update(self._state.params, self._gradients, self._state.moments, self._pack.runs[0].optim, at)

    def gradients(self) -> Params:
        """The gradient by name."""
        return dict(zip(self._state.params, self._gradients, strict=True))

    def copies(self) -> list[Tensor]:
        """None."""
        return []


class AutogradCritic:
    """The critics of a pack by `engine`."""

    def __init__(self, pack: Pack, state: State, engine: Engine) -> None:
        self._pack, self._state, self._engine = pack, state, engine
        self._z = self._logits = torch.empty(0)
        self._gradients: tuple[Tensor, ...] = ()

    def forward(self, z: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of codes and of shuffled ones."""
        self._z = z.detach().requires_grad_()
        both = torch.cat([self._z, z.detach().gather(1, order)], 1)
        with autocast(self._pack):
            (self._logits,) = self._engine(self._pack.critic, self._state.critic, both)
        self._logits = self._logits.float()
        real, fake = self._logits.chunk(2, 1)
        return real, fake

    def below(self, of_real: Tensor) -> Tensor:
        """The gradient at z."""
        above = torch.cat([of_real, torch.zeros_like(of_real)], 1)
        (of_z,) = torch.autograd.grad(self._logits, self._z, above, retain_graph=True)
        return of_z

    def backward(self, of_real: Tensor, of_fake: Tensor) -> None:
        """The gradient of all weights."""
        weights, above = list(self._state.critic.values()), torch.cat([of_real, of_fake], 1)
        self._gradients = torch.autograd.grad(self._logits, weights, above)

    def update(self, at: AdamStep) -> None:
        """Adam."""
        state = self._state
        update(state.critic, self._gradients, state.critic_moments, self._pack.runs[0].critic_optim, at)

    def gradients(self) -> Params:
        """The gradient by name."""
        return dict(zip(self._state.critic, self._gradients, strict=True))

    def copies(self) -> list[Tensor]:
        """None."""
        return []


def autocast(pack: Pack) -> torch.autocast:
    """Products in bf16 where the runs of `pack` ask for it."""
    device = torch.device(pack.device).type
    return torch.autocast(device, torch.bfloat16, enabled=pack.runs[0].precision == "bf16")
