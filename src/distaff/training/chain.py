"""Chains: a network of ordinary layers as products, forward and backward by hand, for k models at once.

Autograd records every bias, activation and cast of a network as a step of its own, and takes another pass over memory
for the gradient of each. In a chain a layer is one product each way: forward it adds its bias and applies the
activation that follows; backward it multiplies by the derivative of the activation before it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from distaff.training.arena import Arena
from distaff.training.kernels import Kernels
from distaff.training.layers import IDENTITY, Layer


class Chain:
    """The layers of k models, with their weights in an arena and the kernels of a device."""

    def __init__(self, layers: Sequence[Layer], arena: Arena, kernels: Kernels) -> None:
        self.layers = layers
        self._arena = arena
        self._kernels = kernels
        self._inputs: list[Tensor] = []

    @property
    def dtype(self) -> torch.dtype:
        """The precision of its products."""
        return self._arena.weight(self.layers[0].name).dtype

    @property
    def last(self) -> tuple[Tensor, Tensor]:
        """The weights and biases of the last layer."""
        name = self.layers[-1].name
        return self._arena.weight(name), self._arena.bias(name)

    def forward(self, x: Tensor) -> Tensor:
        """The output of the chain on inputs [k b ...]; those of each layer are kept for `backward`."""
        x = self.forward_to_last(x)
        return self._product(self.layers[-1], x, None)

    def forward_to_last(self, x: Tensor) -> Tensor:
        """What the last layer sees, which somebody else computes."""
        self._inputs = []
        for layer, after in zip(self.layers, (*self.layers[1:], None), strict=True):
            x = x.reshape(*x.shape[:2], *layer.x)
            self._inputs.append(x)
            if after is not None:
                x = self._product(layer, x, after)
        return x

    def _product(self, layer: Layer, x: Tensor, after: Layer | None) -> Tensor:
        w, b = self._arena.weight(layer.name), self._arena.bias(layer.name)
        if layer.how is None:
            return self._kernels.dense(x, w, b, layer.act)
        layout = "first" if after is not None and after.flat else "last"
        return self._kernels.convolve(x, w, b, layer.how, layer.act, layout)

    def backward(
        self, above: Tensor, *, weights: bool = True, below: bool = False, rows: slice | None = None,
        scale: Tensor | None = None,
    ) -> Tensor | None:  # fmt: skip
        """The gradient at the inputs of `forward`, where `below` asks for it; those of `weights` go to the arena.

        `above` is the gradient at the output of the last layer, on `rows` of the batch, or on all; `scale` [k]
        multiplies that of each model.
        """
        for at in reversed(range(len(self._inputs))):
            layer, x = self.layers[at], self._inputs[at]
            x = x if rows is None else x[:, rows]
            above = above.reshape(*above.shape[:2], *layer.y)
            if weights:
                self._of_weights(layer, x, above, scale)
            if at == 0 and not below:
                return None
            before = self.layers[at - 1] if at else None
            above, scale = self._below(layer, x, above, before, scale), None
        return above

    def at_products(self, above: Tensor) -> list[tuple[Layer, Tensor, Tensor]]:
        """Each layer, last first, with its inputs and the gradient at its product: those of its weights follow."""
        found = []
        for at in reversed(range(len(self._inputs))):
            layer, x = self.layers[at], self._inputs[at]
            above = above.reshape(*above.shape[:2], *layer.y)
            found.append((layer, x, above))
            if at:
                above = self._below(layer, x, above, self.layers[at - 1], None)
        return found

    def _of_weights(self, layer: Layer, x: Tensor, above: Tensor, scale: Tensor | None) -> None:
        of_w, of_b = self._arena.gradients(layer.name)
        if layer.how is None:
            self._kernels.dense_weights(x, _scaled(above, scale), of_w, of_b)
        else:
            self._kernels.convolve_weights(x, above, of_w, of_b, layer.how, scale)

    def _below(self, layer: Layer, x: Tensor, above: Tensor, before: Layer | None, scale: Tensor | None) -> Tensor:
        """The gradient at the product of the layer before, of which x [k b ...] is the output."""
        w, act = self._arena.weight(layer.name), IDENTITY if before is None else before.act
        if layer.how is None:
            return self._kernels.dense_below(_scaled(above, scale), w, x, act)
        layout = "first" if before is not None and before.flat else "last"
        return self._kernels.convolve_below(above, w, x, layer.how, act, layout, scale)


def _scaled(above: Tensor, scale: Tensor | None) -> Tensor:
    return above if scale is None else above * scale.to(above.dtype)[:, None, None]
