"""AnnealedVAE: a Kullback-Leibler term that is drawn to a slowly growing capacity."""

from __future__ import annotations

import torch

from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper


@method(
    paper="https://arxiv.org/abs/1804.03599",
    label="AnnealedVAE",
    ranges={"c_max": "[0, inf)", "gamma": "[0, inf)", "iteration_threshold": "(0, inf)"},
)
def annealed_vae(
    out: Outputs, *, c_max: Hyper = 25.0, gamma: Hyper = 1000.0, iteration_threshold: Hyper = 100_000.0
) -> Terms:
    r"""AnnealedVAE (Burgess et al., 2018), Eq. 8:  E_q[-log p(x|z)] + gamma |KL(q(z|x) || p(z)) - C(t)|.

    C(t) = c_max min(1, t / iteration_threshold) nats, with t the updates so far. gamma and the threshold are the 2019
    study's; its capacities run from 5 to 100, of which 25 is the paper's own for dSprites.
    """
    capacity = c_max * torch.clamp(out.step / iteration_threshold, max=1.0)
    return {"nll": out.nll, "capacity": gamma * torch.abs(out.kl - capacity)}
