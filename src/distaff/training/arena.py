"""An arena: all weights of k models in one array a kind, where kernels read them and one pass of Adam updates them.

A model's weights lie one tensor after the other in a row of [k n]; the kernels of a convolution lie as [p q i o], its
inputs and outputs innermost, which is how products read them. The tensors of a `State` become views of the arena, of
their own shapes, so that nothing else needs to know.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from distaff.training.adam import Moments
from distaff.training.kernels import Updated
from distaff.training.layers import Layer
from distaff.types import Params

ALIGNED = 16  # elements: a tensor begins where a GPU reads sixteen bytes at once, in half precision too


class Place(NamedTuple):
    """Where a tensor of one model lies, and its gradient."""

    start: int
    shape: tuple[int, ...]  # in memory
    order: tuple[int, ...]  # of those axes, to have torch's
    parts: int  # partial sums of which the gradient consists
    gradient: int  # where those of all models begin, [parts k *shape]

    @property
    def size(self) -> int:
        """Elements of one model."""
        return math.prod(self.shape)


class Arena:
    """The weights and moments of `layers` and their gradients, each of so many `parts`; `half` keeps a copy in bf16.

    The tensors of `params` and `moments` move here: they become views.
    """

    def __init__(
        self, params: Params, moments: Moments, layers: Sequence[Layer], parts: Sequence[int], half: bool
    ) -> None:
        first = next(iter(params.values()))
        self.models, device = len(first), first.device
        self.places = _places(params, layers, parts)
        size = sum(aligned(place.size) for place in self.places.values())
        self.p, self.m, self.v = (torch.zeros(self.models, size, device=device) for _ in range(3))
        for whole, named in ((self.p, params), (self.m, moments.first), (self.v, moments.second)):
            for name, tensor in named.items():
                view = self._view(whole, name)
                view.copy_(tensor.detach())
                tensor.data = view
        self.shadow = self.p.to(torch.bfloat16) if half else None
        sums = sum(aligned(self.models * place.parts * place.size) for place in self.places.values())
        self.sums = torch.zeros(sums, device=device)
        self._weights = {name: self._view(self.p if self.shadow is None else self.shadow, name) for name in params}
        self._biases = {name: self._view(self.p, name) for name in params}
        self._gradients = {name: self._gradient(place) for name, place in self.places.items()}

    def weight(self, layer: str) -> Tensor:
        """The weights of a layer [k ...] in the precision of products."""
        return self._weights[f"{layer}.weight"]

    def bias(self, layer: str) -> Tensor:
        """Its biases [k o], in float32."""
        return self._biases[f"{layer}.bias"]

    def gradients(self, layer: str) -> tuple[Tensor, Tensor]:
        """Where the partial sums of its gradients go: [s k ...], as its weights lie, and [s k o]."""
        return self._gradients[f"{layer}.weight"], self._gradients[f"{layer}.bias"]

    def of_layer(self, layer: str) -> tuple[Updated, Updated]:
        """The weights of a layer and its biases, with what Adam changes beside them."""
        return self._updated(f"{layer}.weight"), self._updated(f"{layer}.bias")

    def _updated(self, name: str) -> Updated:
        shadow = None if self.shadow is None else self._view(self.shadow, name)
        return Updated(self._view(self.p, name), self._view(self.m, name), self._view(self.v, name), shadow)

    def summed(self) -> Params:
        """The gradients by name, their parts added up, in torch's shapes."""
        return {
            name: self._gradients[name].sum(0).permute(0, *_inverse(place.order)) for name, place in self.places.items()
        }

    def table(self, block: int) -> Tensor:
        """Where what `Kernels.adam` updates lies, on the device of the arena."""
        return table_of(self.places.values(), block).to(self.p.device)

    def _view(self, whole: Tensor, name: str) -> Tensor:
        """The tensor `name` of all models in `whole` [k n], in torch's shape."""
        place = self.places[name]
        row = whole[:, place.start : place.start + place.size].view(self.models, *place.shape)
        return row.permute(0, *_inverse(place.order))

    def _gradient(self, place: Place) -> Tensor:
        size = self.models * place.parts * place.size
        return self.sums[place.gradient : place.gradient + size].view(place.parts, self.models, *place.shape)


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """How axes behind that of models are put back into torch's order."""
    return tuple(1 + order.index(axis) for axis in range(len(order)))


def _places(params: Params, layers: Sequence[Layer], parts: Sequence[int]) -> dict[str, Place]:
    names = [f"{layer.name}.{kind}" for layer in layers for kind in ("weight", "bias")]
    orders = [order for layer in layers for order in (_order(layer), (0,))]
    shapes = [tuple(params[name].shape[1 + axis] for axis in order) for name, order in zip(names, orders, strict=True)]
    sums = [each for each in parts for _ in ("weight", "bias")]
    models = len(next(iter(params.values())))
    return dict(zip(names, places_of(shapes, orders, sums, models), strict=True))


def _order(layer: Layer) -> tuple[int, ...]:
    """Torch's axes in the order of memory: the kernels of a convolution lie as [p q i o]."""
    if layer.how is None:
        return 0, 1
    return (2, 3, 0, 1) if layer.how.transposed else (2, 3, 1, 0)  # of [i o p q] and of [o i p q]


def places_of(
    shapes: Sequence[tuple[int, ...]], orders: Sequence[tuple[int, ...]], parts: Sequence[int], models: int
) -> list[Place]:
    """The places of tensors of these shapes, one after the other, each where a GPU reads sixteen bytes at once."""
    places = []
    start = gradient = 0
    for shape, order, sums in zip(shapes, orders, parts, strict=True):
        place = Place(start, shape, order, sums, gradient)
        places.append(place)
        start += aligned(place.size)
        gradient += aligned(models * sums * place.size)
    return places


def table_of(places: Iterable[Place], block: int) -> Tensor:
    """Where each block of at most `block` elements of a tensor lies in all models: int64 [blocks 5].

    A row holds where the block begins in a row of the arena and its length; where its gradient begins, in part 0 of
    model 0; how many parts that has; and the elements of the whole tensor: part s of model j lies (s k + j) times as
    many further on.
    """
    rows = [
        (place.start + at, min(block, place.size - at), place.gradient + at, place.parts, place.size)
        for place in places
        for at in range(0, place.size, block)
    ]
    return torch.tensor(rows, dtype=torch.int64)


def aligned(n: int) -> int:
    """Elements up to where the next tensor may begin."""
    return -(-n // ALIGNED) * ALIGNED
