"""Networks: an encoder and a decoder as ordinary modules, with weights drawn from a seed.

A file of this folder is a network: one function of its name, under `@network(...)`, that builds modules for images of
a given shape. Modules carry structure only (they are built on the meta device); weights live outside, in a dictionary
of tensors by name. A network is written for one model; what counts its axes from the last one also takes a stack of k.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from distaff import rng
from distaff.errors import DistaffError, unknown
from distaff.networks.layers.likelihood import LIKELIHOODS
from distaff.networks.layers.upsample import Upsample
from distaff.plugins.ranges import Ranges
from distaff.types import Params

Posterior: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


Builder = TypeVar("Builder", bound=Callable[..., nn.Module])


def network(
    *,
    paper: str,
    cost: int | float = 1,
    version: int = 1,
    since: Mapping[str, Any] | None = None,
    ranges: Ranges | None = None,
) -> Callable[[Builder], Builder]:
    """Mark a function as a network.

    `cost` is the time of an update beside that of a small dense network, roughly: a study trains its longest packs
    first. The other arguments are those of `distaff.methods.method`.
    """
    del paper, cost, version, since, ranges
    return lambda function: function


def check_sizes(name: str, **sizes: int) -> None:
    """Raise `DistaffError` for a size of the network `name` that is not 1 or more."""
    for parameter, size in sizes.items():
        if size < 1:
            raise DistaffError(f"{name}: {parameter}={size}, but a size is 1 or more")


class VAE(nn.Module):
    """An encoder to mean and log-variance, a decoder to one raw number a pixel, and the likelihood that reads it.

    `posterior`, where a method has one, changes q(z|x) between the two, as Ada-GVAE shares what two views have alike.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, likelihood: str = "bernoulli") -> None:
        super().__init__()
        if likelihood not in LIKELIHOODS:
            raise unknown("likelihood", likelihood, LIKELIHOODS)
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.posterior: Posterior | None = None

    def encode(self, x: Float[Tensor, "*k b c h w"]) -> tuple[Float[Tensor, "*k b d"], Float[Tensor, "*k b d"]]:
        """Mean and log-variance of q(z|x), a diagonal normal."""
        mean, logvar = self.encoder(x).float().chunk(2, dim=-1)
        return mean, logvar

    def decode(self, z: Float[Tensor, "*k b d"]) -> Float[Tensor, "*k b c h w"]:
        """The decoder's raw numbers, for `bernoulli` the logits of p(x|z), one a pixel and channel."""
        raw: Tensor = self.decoder(z).float()
        return raw

    def picture(self, z: Float[Tensor, "*k b d"]) -> Float[Tensor, "*k b c h w"]:
        """E[x|z] in [0, 1]: the mean image."""
        return LIKELIHOODS[self.likelihood].picture(self.decode(z))

    def forward(
        self, x: Float[Tensor, "*k b c h w"], noise: Float[Tensor, "*k b d"]
    ) -> tuple[Float[Tensor, "*k"], Float[Tensor, "*k b d"], Float[Tensor, "*k b d"], Float[Tensor, "*k b d"]]:
        """E_q[-log p(x|z)] (nats, summed over pixels, mean over the batch), mean, logvar, z = mean + std * noise."""
        mean, logvar = self.encode(x)
        if self.posterior is not None:
            mean, logvar = self.posterior(mean, logvar)
        z = mean + torch.exp(0.5 * logvar) * noise
        return LIKELIHOODS[self.likelihood].nll(self.decode(z), x), mean, logvar, z


def loaded(network: VAE, params: Params) -> VAE:
    """A copy of `network` that holds `params`, in evaluation mode and without gradients; `network` stays as it is.

    `params` are the weights by name and, where layers have buffers that training changes, as BatchNorm has, those as
    well. Raises `DistaffError` where a name or a shape does not fit.
    """
    own = copy.deepcopy(network)
    try:
        own.load_state_dict(params, assign=True)
    except RuntimeError as error:
        cause = " ".join(str(error).split())
        raise DistaffError(f"these are not the weights, and the statistics, of this network: {cause}") from error
    return own.requires_grad_(False).eval()


def plain(network: VAE) -> VAE:
    """A copy of a network that holds its weights, with torch's own layers for ours, so that any tool knows them."""
    return _plain(copy.deepcopy(network))  # type: ignore[return-value]


def _plain(module: nn.Module) -> nn.Module:
    if isinstance(module, Upsample):
        layer = nn.ConvTranspose2d(module.in_channels, module.out_channels, 4, 2, 1, device="meta")
        layer.load_state_dict(module.state_dict(), assign=True)
        return layer.requires_grad_(False).train(module.training)
    for name, child in module.named_children():
        setattr(module, name, _plain(child))
    return module


def initial(module: nn.Module, seed: int, part: int = 0) -> Params:
    """The weights of `module` at update 0: Glorot-uniform (Glorot and Bengio, 2010), biases zero, as in the 2019 study.

    Weights are U(-a, a) with a = sqrt(6 / ((fan_in + fan_out) * receptive field)), drawn from the stream `init` of
    `seed`, one step a tensor; `part` keeps modules of one run (network 0, critic 1) apart.
    """
    params: Params = {}
    for index, (name, parameter) in enumerate(module.named_parameters()):
        if parameter.ndim == 1:
            params[name] = torch.zeros(parameter.shape)
            continue
        fans = (parameter.shape[0] + parameter.shape[1]) * math.prod(parameter.shape[2:])
        bound = math.sqrt(6 / fans)
        params[name] = (2 * rng.uniform(seed, "init", (part << 16) + index, tuple(parameter.shape)) - 1) * bound
    return params
