"""beta-TCVAE: the total correlation of the codes, estimated from the batch itself."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.methods import Outputs, Terms, method
from distaff.methods._warmup import warmed
from distaff.types import Hyper, Scalar


@method(
    paper="https://arxiv.org/abs/1802.04942",
    label="β-TCVAE",
    since={"warmup": 0},
    same_as=({"beta": 1, "warmup": 0}, "beta_vae(beta=1)"),
    ranges={"beta": "[0, inf)", "warmup": "[0, inf)"},
)
def beta_tc_vae(out: Outputs, *, beta: Hyper = 6.0, warmup: int = 0) -> Terms:
    r"""beta-TCVAE (Chen et al., 2018), Eq. 4 with alpha = gamma = 1:  -ELBO + (beta - 1) TC(z).

    beta = 6 is the paper's value for dSprites and one of the 2019 study's six; beta = 1 is the plain VAE.
    Over the first `warmup` updates, all but the reconstruction grows linearly from 0.
    """
    tc = total_correlation(out.z, out.mean, out.logvar)
    kl = warmed(1.0, out.step, warmup) * out.kl if warmup else out.kl
    return {"nll": out.nll, "kl": kl, "tc": warmed(beta - 1, out.step, warmup) * tc}


def total_correlation(z: Float[Tensor, "b d"], mean: Float[Tensor, "b d"], logvar: Float[Tensor, "b d"]) -> Scalar:
    """log q(z) - sum_l log q(z_l), mean over the batch, by minibatch weighted sampling without its constants.

    q is the mixture of the batch's own posteriors (Chen et al., 2018, Appendix C.1). The constants log(b n) are left
    out as in the 2019 study, so the value is offset by (d - 1) log(b n), which has no gradient.
    """
    difference = z[:, None, :] - mean[None, :, :]
    log_density = -0.5 * (difference.square() * torch.exp(-logvar)[None] + logvar[None] + math.log(2 * math.pi))
    joint = torch.logsumexp(log_density.sum(2), dim=1)
    product = torch.logsumexp(log_density, dim=1).sum(1)
    return (joint - product).mean()
