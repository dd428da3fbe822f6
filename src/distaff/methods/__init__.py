"""Methods: what is added to the reconstruction to make a representation disentangled.

A method sees tensors, never the network: `Outputs -> {name: term}`. The objective is the sum of the terms, so what is
logged is what is optimised. It is written for one model and one batch; the engine carries it over many models.
A file of this folder is a method: one function of its name, under `@method(...)`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from distaff.plugins.registry import METHODS
from distaff.types import Scalar

Terms: TypeAlias = dict[str, Scalar]
Posterior: TypeAlias = Callable[..., tuple[Tensor, Tensor]]


class Outputs(NamedTuple):
    """One model, one batch: all that a method may see."""

    nll: Float[Tensor, ""]  # E_q[-log p(x|z)]: summed over pixels, mean over the batch, nats
    mean: Float[Tensor, "b d"]
    logvar: Float[Tensor, "b d"]
    z: Float[Tensor, "b d"]
    step: Float[Tensor, ""]  # updates so far: an argument, not a global counter
    real: Float[Tensor, "b 2"] | None = None  # the critic's logits on z ...
    fake: Float[Tensor, "b 2"] | None = None  # ... and on z with its dimensions shuffled over the batch
    labels: Int[Tensor, "b f"] | None = None  # methods that ask for labels only

    @property
    def kl(self) -> Scalar:
        """KL(q(z|x) || N(0, I)) in closed form, mean over the batch, nats."""
        return kl_by_latent(self.mean, self.logvar).sum()


def kl_by_latent(mean: Float[Tensor, "b d"], logvar: Float[Tensor, "b d"]) -> Float[Tensor, "d"]:
    """0.5 (mean^2 + e^logvar - logvar - 1) of each latent, mean over the batch, nats."""
    return (0.5 * (mean.square() + logvar.exp() - logvar - 1)).mean(0)


class Beyond(NamedTuple):
    """What a method asks for beyond its loss: pure functions, given at its decorator line."""

    critic: Callable[..., Scalar] | None = None
    views: Callable[..., NDArray[np.int64]] | None = None
    posterior: Posterior | None = None
    labels: bool = False


def method(
    *,
    paper: str,
    critic: Callable[..., Scalar] | None = None,
    views: Callable[..., NDArray[np.int64]] | None = None,
    posterior: Posterior | None = None,
    labels: bool = False,
    version: int = 1,
    since: Mapping[str, Any] | None = None,
    same_as: tuple[Mapping[str, int | float], str] | None = None,
) -> Callable[[Callable[..., Terms]], Callable[..., Terms]]:
    """Mark a function as a method.

    `critic` is the loss of a rival that is trained on the codes at the same time, with its own gradient.
    `views(values, sizes, uniforms)` gives the factors [b f] of a second view of each image, from those of the first
    and from uniforms [b 2 + 2f]; a batch is then [2b], first views first. `posterior(mean, logvar)` changes q(z|x)
    before it is sampled. Each of these takes the method's parameters that are no `Hyper`, by name, where it names
    them. `labels` asks for the factors of the batch as `Outputs.labels`. `version` is raised by hand when the
    mathematics changes; `since` gives a parameter that was added later its value in earlier runs, so that their ids
    live on. `same_as` names values with which the loss is that of another method, and that method, as literals: the
    analysis counts runs of both once. `paper`, `version`, `since` and `same_as` are read from the file by the registry.
    """
    del paper, version, since, same_as

    def mark(function: Callable[..., Terms]) -> Callable[..., Terms]:
        _BEYOND[function.__name__] = Beyond(critic, views, posterior, labels)
        return function

    return mark


_BEYOND: dict[str, Beyond] = {}


def beyond(name: str, **structure: Any) -> Beyond:
    """What method `name` asks for beyond its loss, with those values of `structure` filled in that each part names."""
    METHODS.function(name)
    asked = _BEYOND[name]
    return asked._replace(
        critic=_filled(asked.critic, structure),
        views=_filled(asked.views, structure),
        posterior=_filled(asked.posterior, structure),
    )


def _filled(part: Any, structure: Mapping[str, Any]) -> Any:
    if part is None:
        return None
    named = inspect.signature(part).parameters
    return functools.partial(part, **{name: value for name, value in structure.items() if name in named})
