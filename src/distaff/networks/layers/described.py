"""What a value is, in words for a message."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def described(value: Any) -> str:
    """The shape of a tensor, and the type of anything else."""
    return f"a tensor {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
