"""Methods: what is added to the reconstruction to make a representation disentangled.

A method sees tensors, never the network: `Outputs -> {name: term}`. The objective is the sum of the terms, so what is
logged is what is optimised. It is written for one model and one batch; the engine carries it over many models.
A file of this folder is a method: one function of its name, under `@method(...)`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from distaff.methods.outputs import Outputs, Terms, kl_by_latent
from distaff.plugins.boundary import guarded
from distaff.plugins.ranges import Ranges
from distaff.plugins.registry import METHODS
from distaff.types import Scalar

__all__ = ["Hooks", "Outputs", "Posterior", "Terms", "hooks", "kl_by_latent", "method"]

Posterior: TypeAlias = Callable[..., tuple[Tensor, Tensor]]


class Hooks(NamedTuple):
    """What a method needs beside its loss: pure functions, given at its decorator line."""

    critic: Callable[..., Scalar] | None
    views: Callable[..., NDArray[np.int64]] | None
    posterior: Posterior | None
    labels: bool
    noise: bool


Method = TypeVar("Method", bound=Callable[..., Terms])


def method(
    *,
    paper: str,
    label: str = "",
    critic: Callable[..., Scalar] | None = None,
    views: Callable[..., NDArray[np.int64]] | None = None,
    posterior: Posterior | None = None,
    labels: bool = False,
    noise: bool = False,
    version: int = 1,
    since: Mapping[str, Any] | None = None,
    ranges: Ranges | None = None,
    same_as: tuple[Mapping[str, int | float], str] | None = None,
) -> Callable[[Method], Method]:
    """Mark a function as a method; `label` is its name as its paper writes it.

    `critic` is the loss of a discriminator that is trained on the codes at the same time, with its own gradient.
    `views(values, sizes, uniforms)` gives the factors [b f] of a second view of each image, from those of the first
    and from uniforms [b 2 + 2f]; a batch is then [2b], first views first. `posterior(mean, logvar)` changes q(z|x)
    before it is sampled. Each of these takes the method's parameters that are not `Hyper`, by name, where it names
    them. `labels` requests the factors of the batch as `Outputs.labels`, `noise` normal draws of the method's own as
    `Outputs.noise`. `version` is raised by hand when the mathematics changes; `since` gives a parameter that was added
    later its value in earlier runs, so that their ids live on. `ranges` are those of hyperparameters, as
    `distaff.plugins.ranges` writes them: {"beta": "[0, inf)"}. `same_as` names values with which the loss is that of
    another method, and that method, as literals: the analysis counts runs of both once. All but functions are read
    from the file by the registry.
    """
    del paper, label, version, since, ranges, same_as

    def mark(function: Method) -> Method:
        _HOOKS[function.__name__] = Hooks(critic, views, posterior, labels, noise)
        return function

    return mark


_HOOKS: dict[str, Hooks] = {}


def hooks(name: str, **structure: Any) -> Hooks:
    """What method `name` needs beside its loss, with those values of `structure` filled in that each part names."""
    METHODS.unguarded(name)
    declared, origin = _HOOKS[name], METHODS.plugin(name).origin
    return declared._replace(
        critic=guarded(origin, _filled(declared.critic, structure)),
        views=guarded(origin, _filled(declared.views, structure)),
        posterior=guarded(origin, _filled(declared.posterior, structure)),
    )


def _filled(part: Any, structure: Mapping[str, Any]) -> Any:
    if part is None:
        return None
    named = inspect.signature(part).parameters
    return functools.partial(part, **{name: value for name, value in structure.items() if name in named})


if TYPE_CHECKING:
    from distaff.methods.ada_gvae import ada_gvae as ada_gvae
    from distaff.methods.annealed_vae import annealed_vae as annealed_vae
    from distaff.methods.beta_tc_vae import beta_tc_vae as beta_tc_vae
    from distaff.methods.beta_vae import beta_vae as beta_vae
    from distaff.methods.dip_vae_i import dip_vae_i as dip_vae_i
    from distaff.methods.dip_vae_ii import dip_vae_ii as dip_vae_ii
    from distaff.methods.factor_vae import factor_vae as factor_vae
else:  # `from distaff.methods import beta_vae` gives the function of the file, not the module of the same name
    globals().update({name: METHODS.unguarded(name) for name in METHODS.packaged()})
    __all__ = [*__all__, *METHODS.packaged()]  # noqa: PLE0604
