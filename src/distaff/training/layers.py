"""The layers of a chain: a module of ordinary layers as a list of products, each with the activation that follows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from torch import nn

from distaff.networks.layers.upsample import Upsample
from distaff.training.kernels.shapes import Activation, Convolution

Shape = tuple[int, ...]
IDENTITY = Activation()
IMAGE = 3  # axes of an image: c h w


class Layer(NamedTuple):
    """A product and the activation after it, of one model: `x` is the shape of an input, `y` that of its output.

    `how` is None for a dense layer. An input is reshaped to `x`, where Flatten or Unflatten stand before the layer.
    """

    name: str  # of its module, whose weight and bias it takes
    how: Convolution | None
    act: Activation
    x: Shape
    y: Shape
    weight: Shape

    @property
    def flat(self) -> bool:
        """Whether its inputs are vectors."""
        return self.how is None


def layers_of(module: nn.Module, shape: Shape, name: str = "") -> tuple[Layer, ...]:
    """The chain that `module` is for inputs of `shape`; empty where a layer is another one, or does more."""
    if any(part._forward_hooks or part._forward_pre_hooks for part in module.modules()):
        return ()
    layers: list[Layer] = []
    seen: set[int] = set()
    for at, part in _parts(module, name):
        layer = _product(part, at, shape)
        if layer is not None and id(part) not in seen:  # one set of weights has one place in a chain
            seen.add(id(part))
            layers.append(layer)
            shape = layer.y
        elif (act := _activation(part)) is not None and layers and layers[-1].act == IDENTITY:
            layers[-1] = layers[-1]._replace(act=act)
        elif (reshaped := _reshaped(part, shape)) is not None:
            shape = reshaped
        else:
            return ()
    return () if not layers or layers[-1].act != IDENTITY else tuple(layers)


def _parts(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """The layers of a Sequential, and of those in it, with their names."""
    if type(module) is not nn.Sequential:
        yield name, module
        return
    for child, part in module.named_children():
        yield from _parts(part, f"{name}.{child}" if name else child)


def _product(part: nn.Module, name: str, shape: Shape) -> Layer | None:
    """The layer that a module is; types are compared, for a subclass may compute something else."""
    if type(part) is nn.Linear and part.bias is not None and len(shape) == 1:
        return Layer(name, None, IDENTITY, shape, (part.out_features,), tuple(part.weight.shape))
    if type(part) not in (nn.Conv2d, nn.ConvTranspose2d, Upsample) or len(shape) != IMAGE:
        return None
    assert isinstance(part, nn.Conv2d | nn.ConvTranspose2d)
    how = _movement(part)
    if how is None or part.bias is None or any(side % how.stride for side in (*shape[1:], *part.kernel_size)):
        return None
    if how.transposed:
        sides = ((n - 1) * how.stride - 2 * how.padding + p for n, p in zip(shape[1:], part.kernel_size, strict=True))
    else:
        sides = ((n + 2 * how.padding - p) // how.stride + 1 for n, p in zip(shape[1:], part.kernel_size, strict=True))
    return Layer(name, how, IDENTITY, shape, (part.out_channels, *sides), tuple(part.weight.shape))


def _movement(part: nn.Conv2d | nn.ConvTranspose2d) -> Convolution | None:
    """How a convolution moves; None where its strides differ, or it does what kernels leave out."""
    transposed = isinstance(part, nn.ConvTranspose2d)
    (stride, across), padding = part.stride, part.padding
    plain = (part.padding_mode, part.groups, part.dilation, part.output_padding) == ("zeros", 1, (1, 1), (0, 0))
    if not plain or isinstance(padding, str) or stride != across or len(set(padding)) > 1:
        return None
    if transposed and 2 * padding[0] % stride:
        return None
    return Convolution(stride, padding[0], transposed)


def _activation(part: nn.Module) -> Activation | None:
    if type(part) is nn.LeakyReLU:
        return Activation("leaky", part.negative_slope) if part.negative_slope > 0 else None
    return {nn.ReLU: Activation("relu"), nn.Tanh: Activation("tanh")}.get(type(part))


def _reshaped(part: nn.Module, shape: Shape) -> Shape | None:
    """The shape of an input after Flatten or Unflatten of all its axes."""
    if type(part) is nn.Flatten and (part.start_dim, part.end_dim) == (-IMAGE, -1) and len(shape) == IMAGE:
        return (math.prod(shape),)
    if type(part) is nn.Unflatten and part.dim == -1 and len(shape) == 1 and len(part.unflattened_size) == IMAGE:
        return tuple(part.unflattened_size)
    return None
