"""Passes: how the networks of a pack go forward and backward, with the gradient of a method between the two.

A method sees nll, mean, logvar and z, and perhaps a critic's logits: there autograd is cut. A pass computes these, and
from the gradient at them those of its weights; what lies between is the method's own, and plain torch.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from distaff.training.adam import AdamStep
from distaff.training.kernels.stored import Stored
from distaff.types import Params


class VaePass(Protocol):
    """The encoders and decoders of k models."""

    name: str  # of the way, as a run records it

    dtype: torch.dtype  # to which images may be rounded, as products have it
    compares_stored: bool  # whether the target may be images as they are stored

    def forward(self, x: Tensor, noise: Tensor, target: Tensor | Stored) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """nll [k], mean, logvar and z [k b d], as `VAE.forward` defines them; `target` are the images x, unrounded."""

    def backward(self, of_nll: Tensor, of_mean: Tensor, of_logvar: Tensor, of_z: Tensor) -> None:
        """Compute the gradient of all weights from those at what `forward` returned."""

    def update(self, at: AdamStep) -> None:
        """Follow that gradient."""

    def gradients(self) -> Params:
        """That gradient, by name."""

    def copies(self) -> list[Tensor]:
        """Tensors beside the state that `update` changes."""


class CriticPass(Protocol):
    """The discriminators of k models."""

    def forward(self, z: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [k b 2] of codes z, and of codes whose dimensions are shuffled by `order`."""

    def below(self, of_real: Tensor) -> Tensor:
        """The gradient at z [k b d] of one at the logits of z."""

    def backward(self, of_real: Tensor, of_fake: Tensor) -> None:
        """Compute the gradient of all weights from those at both logits."""

    def update(self, at: AdamStep) -> None:
        """Follow that gradient."""

    def gradients(self) -> Params:
        """That gradient, by name."""

    def copies(self) -> list[Tensor]:
        """Tensors beside the state that `update` changes."""


class Passes(NamedTuple):
    """Those of the networks of a pack."""

    vae: VaePass
    critic: CriticPass | None
