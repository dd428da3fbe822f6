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
from distaff.training.layers import IDENTITY, Layer, Shape


class Chain:
    """The layers of k models, with their weights in an arena and the kernels of a device."""

    def __init__(self, layers: Sequence[Layer], arena: Arena, kernels: Kernels) -> None:
        self.layers = layers
        self._kernels = kernels
        self._weights = [(arena.weight(layer.name), arena.bias(layer.name)) for layer in layers]
        self._gradients = [arena.gradients(layer.name) for layer in layers]
        self._inputs: list[Tensor] = []

    @property
    def dtype(self) -> torch.dtype:
        """The precision of its products."""
        return self._weights[0][0].dtype

    @property
    def last(self) -> tuple[Tensor, Tensor]:
        """The weights and biases of the last layer."""
        return self._weights[-1]

    def forward(self, x: Tensor) -> Tensor:
        """The output of the chain on inputs [k b ...]; those of each layer are kept for `backward`."""
        return self._product(len(self.layers) - 1, self.forward_to_last(x))

    def forward_to_last(self, x: Tensor) -> Tensor:
        """What the last layer sees, which somebody else computes."""
        self._inputs = [_shaped(x, self.layers[0].x)]
        for at, after in enumerate(self.layers[1:]):
            self._inputs.append(_shaped(self._product(at, self._inputs[-1]), after.x))
        return self._inputs[-1]

    def backward(
        self, above: Tensor, *, weights: bool = True, below: bool = False, rows: slice | None = None,
        scale: Tensor | None = None,
    ) -> Tensor | None:  # fmt: skip
        """The gradient at the inputs of `forward`, where `below` asks for it; those of `weights` go to the arena.

        `above` is the gradient at the output of the last layer, on `rows` of the batch, or on all; `scale` [k]
        multiplies that of each model.
        """
        for at in reversed(range(len(self.layers))):
            x = self._inputs[at] if rows is None else self._inputs[at][:, rows]
            above = _shaped(above, self.layers[at].y)
            if weights:
                self._of_weights(at, x, above, scale)
            if at == 0 and not below:
                return None
            above, scale = self._below(at, x, above, scale), None
        return above

    def at_products(self, above: Tensor) -> list[tuple[Layer, Tensor, Tensor]]:
        """Each layer, last first, with its inputs and the gradient at its product: those of its weights follow."""
        found = []
        for at in reversed(range(len(self.layers))):
            above = _shaped(above, self.layers[at].y)
            found.append((self.layers[at], self._inputs[at], above))
            if at:
                above = self._below(at, self._inputs[at], above, None)
        return found

    def _product(self, at: int, x: Tensor) -> Tensor:
        layer, (w, b) = self.layers[at], self._weights[at]
        if layer.how is None:
            return self._kernels.dense(x, w, b, layer.act)
        flat_after = at + 1 < len(self.layers) and self.layers[at + 1].flat
        return self._kernels.convolve(x, w, b, layer.how, layer.act, "first" if flat_after else "last")

    def _of_weights(self, at: int, x: Tensor, above: Tensor, scale: Tensor | None) -> None:
        how, (of_w, of_b) = self.layers[at].how, self._gradients[at]
        if how is None:
            self._kernels.dense_weights(x, _scaled(above, scale), of_w, of_b)
        else:
            self._kernels.convolve_weights(x, above, of_w, of_b, how, scale)

    def _below(self, at: int, x: Tensor, above: Tensor, scale: Tensor | None) -> Tensor:
        """The gradient at the product of the layer before, of which x [k b ...] is the output."""
        how, (w, _), before = self.layers[at].how, self._weights[at], self.layers[at - 1] if at else None
        act = IDENTITY if before is None else before.act
        if how is None:
            return self._kernels.dense_below(_scaled(above, scale), w, x, act)
        layout = "first" if before is not None and before.flat else "last"
        return self._kernels.convolve_below(above, w, x, how, act, layout, scale)


def _shaped(x: Tensor, shape: Shape) -> Tensor:
    """Inputs [k b ...] in the shape that a layer sees; a call saved is time of a small model."""
    return x if x.shape[2:] == shape else x.reshape(*x.shape[:2], *shape)


def _scaled(above: Tensor, scale: Tensor | None) -> Tensor:
    return above if scale is None else above * scale.to(above.dtype)[:, None, None]
