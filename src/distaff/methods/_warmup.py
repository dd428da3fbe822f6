"""What several methods do in their first updates: a regulariser that grows linearly to its full strength."""

from __future__ import annotations

import torch

from distaff.types import Hyper, Scalar


def warmed(strength: Hyper, step: Scalar, warmup: int) -> Hyper:
    """`strength` times min(1, t / warmup) after t updates; itself where there is no warm-up."""
    return strength * torch.clamp(step / warmup, max=1.0) if warmup else strength
