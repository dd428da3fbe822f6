"""Kernels: what a chain of layers computes on one kind of device, for k models at once.

Vectors are [k b i] and images [k b c h w], in float32 or bfloat16; images lie channels innermost ("last") or outermost
("first"). Weights have torch's shapes, [k o i] of a dense layer, [k o i p q] of a convolution and [k i o p q] of a
transposed one, and so have biases, [k o], in float32; they are views into an arena.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor

from distaff.training.kernels.shapes import Activation, Convolution
from distaff.training.kernels.stored import Stored

if TYPE_CHECKING:
    from distaff.training.layers import Layer


class Updated(NamedTuple):
    """What Adam changes of a tensor: the weights, both moments and the copy in half precision."""

    p: Tensor
    m: Tensor
    v: Tensor
    s: Tensor | None


class Kernels(Protocol):
    """The functions of a module of kernels."""

    BLOCK: int  # elements that one program of `adam` updates
    FUSED: bool  # whether there is `dense_weights_adam`
    STORED: bool  # whether targets may be images as they are stored

    def computes(self, layer: Layer) -> bool:
        """Whether there are kernels for a layer."""

    def parts(self, layer: Layer, batch: int, dtype: torch.dtype) -> int:
        """Of how many partial sums the gradient of its weights consists, at so many inputs a model."""

    def pictures(self, layer: Layer) -> bool:
        """Whether `picture` computes a layer together with the likelihood."""

    def dense(self, x: Tensor, w: Tensor, b: Tensor, act: Activation) -> Tensor:
        """act(x w' + b), [k b o]."""

    def dense_below(self, above: Tensor, w: Tensor, x: Tensor, act: Activation) -> Tensor:
        """The gradient [k b i] at what became x by `act`: (above w) times the derivative of `act`."""

    def dense_weights(self, x: Tensor, above: Tensor, of_w: Tensor, of_b: Tensor) -> None:
        """Fill the gradients [s k o i] and [s k o] with s partial sums of above' x and of above."""

    def dense_weights_adam(
        self, x: Tensor, above: Tensor, weights: Updated, biases: Updated, rate: Tensor, t: Tensor, beta1: float,
        beta2: float, eps: float,
    ) -> None:  # fmt: skip
        """`dense_weights` and the update of a layer's weights and biases by `adam`, the gradient never written."""

    def convolve(self, x: Tensor, w: Tensor, b: Tensor, how: Convolution, act: Activation, layout: str) -> Tensor:
        """The activated layer, in memory of `layout`."""

    def convolve_below(
        self, above: Tensor, w: Tensor, x: Tensor, how: Convolution, act: Activation, layout: str,
        scale: Tensor | None,
    ) -> Tensor:  # fmt: skip
        """The gradient at what became x by `act`; `scale` [k] multiplies `above`."""

    def convolve_weights(
        self, x: Tensor, above: Tensor, of_w: Tensor, of_b: Tensor, how: Convolution, scale: Tensor | None
    ) -> None:
        """Fill the gradients [s k p q i o] and [s k o] with s partial sums."""

    def picture(self, x: Tensor, w: Tensor, b: Tensor, target: Tensor | Stored) -> tuple[Tensor, Tensor]:
        """`likelihood` of what the last layer makes of x, which is not written down."""

    def likelihood(self, raw: Tensor, x: Tensor | Stored) -> tuple[Tensor, Tensor]:
        """-log p(x|z) of each image [k b] under Bernoulli pixels of logits `raw`, and its gradient sigmoid(raw) - x."""

    def adam(
        self, p: Tensor, m: Tensor, v: Tensor, shadow: Tensor | None, sums: Tensor, table: Tensor,
        rate: float | Tensor, t: float | Tensor, beta1: float, beta2: float, eps: float,
    ) -> None:  # fmt: skip
        """One update of an arena (`Arena.table` says what lies where), and of its copy in half precision."""
