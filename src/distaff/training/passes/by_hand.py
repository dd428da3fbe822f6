"""Passes by hand, through networks that are chains: each layer is one product forward and two backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from distaff.networks import VAE
from distaff.networks.layers.likelihood import LIKELIHOODS
from distaff.runs import Optim
from distaff.training.adam import AdamStep, Moments
from distaff.training.arena import Arena
from distaff.training.chain import Chain
from distaff.training.kernels import Kernels
from distaff.training.kernels.stored import Stored
from distaff.training.layers import Layer, layers_of
from distaff.training.pack import Pack, State, latents
from distaff.training.passes import Passes
from distaff.types import Params

VaeLayers: TypeAlias = tuple[Sequence[Layer], Sequence[Layer]]


def chained(pack: Pack, state: State, kernels: Kernels, passes: Passes) -> Passes:
    """`passes`, with those networks by hand whose layers `kernels` compute; their tensors become views of an arena."""
    vae, critic = vae_layers(pack), critic_layers(pack)
    if vae is not None and all(map(kernels.computes, (*vae[0], *vae[1]))):
        passes = passes._replace(vae=ChainedVae(pack, state, vae, kernels))
    if critic is not None and all(map(kernels.computes, critic)):
        passes = passes._replace(critic=ChainedCritic(pack, state, critic, kernels))
    return passes


def vae_layers(pack: Pack) -> VaeLayers | None:
    """The chains that encoder and decoder of `pack` are, or None where one of them is none."""
    if type(pack.vae) is not VAE:  # a subclass may go another way
        return None
    height, width, channels = pack.dataset.shape
    encoder = layers_of(pack.vae.encoder, (channels, height, width), "encoder")
    decoder = layers_of(pack.vae.decoder, (latents(pack.runs[0]),), "decoder")
    return (encoder, decoder) if encoder and decoder and _holds_all(pack.vae, (*encoder, *decoder)) else None


def critic_layers(pack: Pack) -> tuple[Layer, ...] | None:
    """The chain that the critic of `pack` is, or None."""
    if pack.critic is None:
        return None
    layers = layers_of(pack.critic, (latents(pack.runs[0]),))
    return layers if layers and _holds_all(pack.critic, layers) else None


def _holds_all(module: torch.nn.Module, layers: Sequence[Layer]) -> bool:
    """Whether all weights of a module are those of its layers."""
    own = {f"{layer.name}.{kind}" for layer in layers for kind in ("weight", "bias")}
    return own == {name for name, _ in module.named_parameters()}


class _Weights:
    """The weights of some chains in an arena, and how they are updated; gradients are `written` there, or nowhere."""

    def __init__(
        self, pack: Pack, layers: Sequence[Layer], params: Params, moments: Moments, optim: Optim, kernels: Kernels,
        written: bool = True,
    ) -> None:  # fmt: skip
        views = 1 if pack.groups[0].hooks.views is None else 2
        batch = views * pack.runs[0].batch
        self.dtype = torch.bfloat16 if pack.runs[0].precision == "bf16" else torch.float32
        self._optim, self._kernels = optim, kernels
        parts = [kernels.parts(layer, batch, self.dtype) if written else 0 for layer in layers]
        self.arena = Arena(params, moments, layers, parts, half=self.dtype == torch.bfloat16)
        self._table = self.arena.table(kernels.BLOCK)

    def update(self, at: AdamStep) -> None:
        arena, optim = self.arena, self._optim
        self._kernels.adam(arena.p, arena.m, arena.v, arena.shadow, arena.sums, self._table, at.rate, at.t,
                           optim.beta1, optim.beta2, optim.eps)  # fmt: skip

    def update_layer(self, layer: Layer, x: Tensor, above: Tensor, at: AdamStep) -> None:
        """The update of a dense layer alone, from its inputs and the gradient at its product."""
        optim, (weights, biases) = self._optim, self.arena.of_layer(layer.name)
        rate, t = (torch.as_tensor(number, dtype=torch.float32, device=x.device) for number in at)
        self._kernels.dense_weights_adam(x, above, weights, biases, rate, t, optim.beta1, optim.beta2, optim.eps)

    def of_layer(self, layer: Layer, x: Tensor, above: Tensor) -> Params:
        """The gradients of a dense layer alone."""
        of_w = torch.empty(1, len(x), *layer.weight, device=x.device)
        of_b = torch.empty(1, len(x), *layer.y, device=x.device)
        self._kernels.dense_weights(x, above, of_w, of_b)
        return {f"{layer.name}.weight": of_w[0], f"{layer.name}.bias": of_b[0]}


class ChainedVae:
    """The VAEs of a pack, by the layers of encoder and decoder; the tensors of `state` become views of an arena."""

    name = "chained"

    def __init__(self, pack: Pack, state: State, chains: VaeLayers, kernels: Kernels) -> None:
        (encoder, decoder), (height, width, channels) = chains, pack.dataset.shape
        layers = (*encoder, *decoder)
        self._weights = _Weights(pack, layers, state.params, state.moments, pack.runs[0].optim, kernels)
        self._encoder = Chain(encoder, self._weights.arena, kernels)
        self._decoder = _Decoder(decoder, self._weights.arena, kernels, pack.vae.likelihood, (channels, height, width))
        self.compares_stored = self._decoder.bernoulli and kernels.STORED
        self.dtype = self._weights.dtype if self.compares_stored else torch.float32
        self._posterior = pack.vae.posterior
        self._inferred = self._shared = self._std = self._noise = torch.empty(0)

    def forward(self, x: Tensor, noise: Tensor, target: Tensor | Stored) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """nll, mean, logvar and z."""
        self._inferred = self._encoder.forward(x.to(self._weights.dtype)).float()
        mean, logvar = self._inferred.chunk(2, -1)
        if self._posterior is not None:
            self._inferred.requires_grad_()
            with torch.enable_grad():
                self._shared = torch.cat(self._posterior(*self._inferred.chunk(2, -1)), -1)
            mean, logvar = self._shared.detach().chunk(2, -1)
        self._std, self._noise = torch.exp(0.5 * logvar), noise
        z = torch.addcmul(mean, self._std, noise)
        return self._decoder.nll(z.to(self._weights.dtype), target), mean, logvar, z

    def backward(self, of_nll: Tensor, of_mean: Tensor, of_logvar: Tensor, of_z: Tensor) -> None:
        """The gradient of all weights; that of z = mean + std noise is passed on to mean and to logvar = 2 log std."""
        of_z = of_z + self._decoder.of_z(of_nll)
        of_logvar = of_logvar + 0.5 * of_z * self._std * self._noise
        above = torch.cat([of_mean + of_z, of_logvar], -1)
        if self._posterior is not None:
            (above,) = torch.autograd.grad(self._shared, self._inferred, above)
        self._encoder.backward(above.to(self._weights.dtype))

    def update(self, at: AdamStep) -> None:
        """Adam."""
        self._weights.update(at)

    def gradients(self) -> Params:
        """The gradient by name."""
        return self._weights.arena.summed()

    def copies(self) -> list[Tensor]:
        """The weights in half precision."""
        return [] if self._weights.arena.shadow is None else [self._weights.arena.shadow]


class _Decoder:
    """The decoders of k models and the likelihood of what they draw."""

    def __init__(
        self, layers: Sequence[Layer], arena: Arena, kernels: Kernels, likelihood: str, image: tuple[int, ...]
    ) -> None:
        self.bernoulli = likelihood == "bernoulli"
        self._chain, self._kernels = Chain(layers, arena, kernels), kernels
        self._likelihood, self._image = LIKELIHOODS[likelihood], image
        self._at_once = self.bernoulli and kernels.pictures(layers[-1])
        self._above = self._raw = self._nll = torch.empty(0)

    def nll(self, z: Tensor, x: Tensor | Stored) -> Tensor:
        """-log p(x|z) [k], mean over the batch."""
        if self._at_once:
            of_image, self._above = self._kernels.picture(self._chain.forward_to_last(z), *self._chain.last, x)
            return of_image.mean(-1)
        raw = self._chain.forward(z).reshape(*z.shape[:2], *self._image)
        if self.bernoulli:
            of_image, self._above = self._kernels.likelihood(raw, x)
            return of_image.mean(-1)
        assert isinstance(x, Tensor)
        self._raw = raw.float().requires_grad_()
        with torch.enable_grad():
            self._nll = self._likelihood.nll(self._raw, x)
        return self._nll.detach()

    def of_z(self, of_nll: Tensor) -> Tensor:
        """The gradient at z of one at nll [k]; that of the weights goes to the arena."""
        if self.bernoulli:
            above, scale = self._above, of_nll / self._above.shape[1]
        else:
            (above,), scale = torch.autograd.grad(self._nll, self._raw, of_nll), None
        below = self._chain.backward(above.to(self._chain.dtype), below=True, scale=scale)
        assert below is not None
        return below.float()


class ChainedCritic:
    """The critics of a pack, by their layers; the tensors of `state` become views of an arena.

    A critic of the study has five million weights: where kernels can, its gradient is never written down, and the
    update waits with the last of the products that it needs.
    """

    def __init__(self, pack: Pack, state: State, layers: Sequence[Layer], kernels: Kernels) -> None:
        optim = pack.runs[0].critic_optim
        self._weights = _Weights(pack, layers, state.critic, state.critic_moments, optim, kernels, not kernels.FUSED)
        self._chain, self._fused = Chain(layers, self._weights.arena, kernels), kernels.FUSED
        self._products: list[tuple[Layer, Tensor, Tensor]] = []
        self._codes = 0

    def forward(self, z: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of codes and of shuffled ones."""
        self._codes = z.shape[1]
        both = torch.cat([z, z.gather(1, order)], 1)
        real, fake = self._chain.forward(both.to(self._weights.dtype)).float().chunk(2, 1)
        return real, fake

    def below(self, of_real: Tensor) -> Tensor:
        """The gradient at z, through the logits of the first half, for shuffled codes are numbers to the model."""
        rows = slice(self._codes)
        below = self._chain.backward(of_real.to(self._weights.dtype), weights=False, below=True, rows=rows)
        assert below is not None
        return below.float()

    def backward(self, of_real: Tensor, of_fake: Tensor) -> None:
        """The gradient of all weights, or what is left of it to do."""
        above = torch.cat([of_real, of_fake], 1).to(self._weights.dtype)
        if self._fused:
            self._products = self._chain.at_products(above)
        else:
            self._chain.backward(above)

    def update(self, at: AdamStep) -> None:
        """Adam."""
        if not self._fused:
            self._weights.update(at)
        for layer, x, above in self._products:
            self._weights.update_layer(layer, x, above, at)

    def gradients(self) -> Params:
        """The gradient by name."""
        if not self._fused:
            return self._weights.arena.summed()
        found: Params = {}
        for layer, x, above in self._products:
            found |= self._weights.of_layer(layer, x, above)
        return found

    def copies(self) -> list[Tensor]:
        """The weights in half precision."""
        return [] if self._weights.arena.shadow is None else [self._weights.arena.shadow]
