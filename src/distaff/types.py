"""The legend of dimensions, and the names of the tensors that cross from room to room.

One letter means one thing in every shape of the code: k models, b batch, d latents, f factors, n rows,
h w c image (uint8, channels last), c h w image (float32, what a network sees).
"""

from __future__ import annotations

from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

Scalar: TypeAlias = Float[Tensor, ""]
Hyper: TypeAlias = float | Scalar
"""A hyperparameter that is data: one number a model, stacked by the engine; to a method the two are alike."""

Params: TypeAlias = dict[str, Tensor]
"""The weights of one model by name, or of k models with a leading model axis."""
