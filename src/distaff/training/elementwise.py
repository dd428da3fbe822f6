"""Which functions of one model give the same numbers, bit for bit, whether or not they are mapped over models.

A map over one model costs as much as the rest of a small model's step. Elementwise functions and sums do not need it;
products of matrices do, for torch multiplies a stack in another order than a matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from torch.utils._python_dispatch import TorchDispatchMode

SAME_BITS = frozenset({
    "_log_softmax", "_softmax", "_to_copy", "_unsafe_view", "abs", "add", "alias", "bitwise_and", "bitwise_not",
    "clamp", "clamp_max", "clamp_min", "clone", "cos", "detach", "div", "empty_like", "eq", "exp", "expand",
    "expm1", "fill", "full", "full_like", "ge", "gt", "index_select", "le", "leaky_relu", "lift", "lift_fresh",
    "log", "log1p", "log_softmax", "logical_and", "logical_not", "lt", "maximum", "mean", "minimum", "mul", "ne",
    "neg", "ones", "ones_like", "permute", "pow", "reciprocal", "relu", "rsub", "scalar_tensor", "select",
    "sigmoid", "sign", "sin", "slice", "softmax", "softplus", "split", "sqrt", "square", "squeeze", "stack", "sub",
    "sum", "t", "tanh", "transpose", "unbind", "unsqueeze", "view", "where", "zeros", "zeros_like"
})  # fmt: skip

_known: WeakKeyDictionary[Callable[..., Any], bool] = WeakKeyDictionary()


def needs_no_map(function: Callable[..., Any], call: Callable[[], Any]) -> bool:
    """Whether `function` is made of operations that a map does not change: seen at its first `call`, then known."""
    known = _known.get(function)
    if known is None:
        with _Operations() as seen:
            call()
        known = _known[function] = seen.names <= SAME_BITS
    return known


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The names of the operations that run inside."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))
