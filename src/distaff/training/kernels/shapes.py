"""What a kernel needs to know of a layer: how a convolution moves over images, and the function after the sum."""

from __future__ import annotations

from typing import NamedTuple


class Convolution(NamedTuple):
    """How a convolution moves over images; a transposed one is the gradient of one of the same numbers."""

    stride: int
    padding: int
    transposed: bool


class Activation(NamedTuple):
    """An elementwise function whose derivative follows from its output y.

    none: y = x. relu: y = max(x, 0). leaky: y = x, or `slope` x below 0, slope > 0. tanh: y = tanh(x).
    """

    name: str = "none"
    slope: float = 0.0
