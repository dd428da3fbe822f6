"""DIP-VAE-II: the covariance of the sampled codes is drawn to the identity."""

from __future__ import annotations

import torch

from distaff.methods import Outputs, Terms, method
from distaff.methods._dip import covariance, penalty
from distaff.types import Hyper


@method(
    paper="https://arxiv.org/abs/1711.00848",
    label="DIP-VAE-II",
    same_as=({"lambda_od": 0}, "beta_vae(beta=1)"),
    ranges={"lambda_od": "[0, inf)", "lambda_d_factor": "[0, inf)"},
)
def dip_vae_ii(out: Outputs, *, lambda_od: Hyper = 10.0, lambda_d_factor: Hyper = 1.0) -> Terms:
    r"""DIP-VAE-II (Kumar et al., 2018), Eq. 7:  -ELBO + lambda_od sum_{i!=j} C_ij^2 + lambda_d sum_i (C_ii - 1)^2.

    C = Cov[mean] + E[diag(variance)], the covariance of z by the law of total covariance, over the batch; lambda_d =
    lambda_d_factor * lambda_od, the factor 1 as in the paper and the 2019 study.
    """
    total = covariance(out.mean) + torch.diag_embed(out.logvar.exp().mean(0))
    return {"nll": out.nll, "kl": out.kl, "covariance": penalty(total, lambda_od, lambda_d_factor * lambda_od)}
