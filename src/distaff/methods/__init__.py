"""Methods: what is added to the reconstruction to make a representation disentangled.

A method sees tensors, never the network: `Outputs -> {name: term}`. The objective is the sum of the terms, so what is
logged is what is optimised. It is written for one model and one batch; the engine carries it over many models.
A file of this folder is a method: one function of its name, under `@method(...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from jaxtyping import Float, Int
from torch import Tensor

from distaff.registry import METHODS
from distaff.types import Scalar

Terms: TypeAlias = dict[str, Scalar]


class Outputs(NamedTuple):
    """One model, one batch: all that a method may see."""

    nll: Float[Tensor, ""]  # E_q[-log p(x|z)]: summed over pixels, mean over the batch, nats
    mean: Float[Tensor, "b d"]
    logvar: Float[Tensor, "b d"]
    z: Float[Tensor, "b d"]
    step: Float[Tensor, ""]  # updates so far: an argument, not a global counter
    real: Float[Tensor, "b 2"] | None = None  # the critic's logits on z ...
    fake: Float[Tensor, "b 2"] | None = None  # ... and on z with its dimensions shuffled over the batch
    labels: Int[Tensor, "b f"] | None = None  # semi-supervised methods only

    @property
    def kl(self) -> Scalar:
        """KL(q(z|x) || N(0, I)) in closed form, mean over the batch, nats."""
        return kl_by_latent(self.mean, self.logvar).sum()


def kl_by_latent(mean: Float[Tensor, "b d"], logvar: Float[Tensor, "b d"]) -> Float[Tensor, "d"]:
    """0.5 (mean^2 + e^logvar - logvar - 1) of each latent, mean over the batch, nats."""
    return (0.5 * (mean.square() + logvar.exp() - logvar - 1)).mean(0)


def method(
    *,
    paper: str,
    critic: Callable[[Outputs], Scalar] | None = None,
    version: int = 1,
    since: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Terms]], Callable[..., Terms]]:
    """Mark a function as a method.

    `critic` is the loss of a rival that is trained on the codes at the same time, with its own gradient; `version` is
    raised by hand when the mathematics changes; `since` gives a parameter that was added later its value in earlier
    runs, so that their ids live on. `paper`, `version` and `since` are read from the file by the registry.
    """
    del paper, version, since

    def mark(function: Callable[..., Terms]) -> Callable[..., Terms]:
        _CRITICS[function.__name__] = critic
        return function

    return mark


_CRITICS: dict[str, Callable[[Outputs], Scalar] | None] = {}


def critic_loss(name: str) -> Callable[[Outputs], Scalar] | None:
    """The loss of the critic of method `name`, or None if it has none."""
    METHODS.function(name)
    return _CRITICS[name]
