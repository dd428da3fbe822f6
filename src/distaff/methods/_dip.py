"""What the two kinds of DIP-VAE share: a penalty that draws a covariance matrix towards the identity."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.types import Hyper, Scalar


def covariance(codes: Float[Tensor, "b d"]) -> Float[Tensor, "d d"]:
    """E[c c^T] - E[c] E[c]^T over the batch, divided by b."""
    centred = codes - codes.mean(0)
    return centred.T @ centred / codes.shape[0]


def penalty(matrix: Float[Tensor, "d d"], off_diagonal: Hyper, diagonal: Hyper) -> Scalar:
    """off_diagonal * sum_{i != j} M_ij^2 + diagonal * sum_i (M_ii - 1)^2 (Kumar et al., 2018, Eqs. 6 and 7)."""
    on = torch.diagonal(matrix)
    # subtracting the diagonal's squares from the sum of all would lose the digits of a small off-diagonal
    off = (matrix - torch.diag_embed(on)).square().sum()
    return off_diagonal * off + diagonal * (on - 1).square().sum()
