"""mapped: all models at once by `torch.func.vmap`, for dense networks of any layers."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.func import functional_call, vmap

from distaff.types import Params


def mapped(module: nn.Module, params: Params, *inputs: Tensor) -> tuple[Tensor, ...]:
    """`module` mapped over the leading axis of weights and inputs."""

    def one(weights: Params, *parts: Tensor) -> Any:
        return functional_call(module, weights, parts)

    result = vmap(one)(params, *inputs)
    return result if isinstance(result, tuple) else (result,)
