"""stacked: all models at once; the layers of k models become one batched product (`torch.func.vmap`)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.func import functional_call, vmap

from distaff.types import Params


def stacked(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`module` mapped over the leading axis of weights and inputs; good for dense layers, slow for convolutions."""

    def one(own: Params, *parts: Tensor) -> Any:
        return functional_call(module, own, parts)

    result = vmap(one)(params, *inputs)
    return result if isinstance(result, tuple) else (result,)
