"""FactorVAE: the total correlation of the codes, estimated by a discriminator that is trained beside the model."""

from __future__ import annotations

import torch
from torch import log_softmax

from distaff.methods import Outputs, Terms, method
from distaff.methods._warmup import warmed
from distaff.types import Hyper, Scalar

CLIP = 1e-6  # the old library keeps probabilities this far from 0 and 1; beyond it the discriminator has no gradient


def critic_loss(out: Outputs, *, clip: bool = True) -> Scalar:
    """-(E[log p_real(z)] + E[log p_fake(z shuffled)]) / 2 (Kim and Mnih, 2018, Algorithm 2).

    With `clip`, as the 2019 study's code has it, probabilities are kept from 0 and 1, so that a discriminator that
    is certain gets no gradient.
    """
    assert out.real is not None
    assert out.fake is not None
    if not clip:
        return -0.5 * (log_softmax(out.real, -1)[:, 0].mean() + log_softmax(out.fake, -1)[:, 1].mean())
    real = torch.softmax(out.real, dim=-1)[:, 0].clamp(CLIP, 1 - CLIP)
    fake = torch.softmax(out.fake, dim=-1)[:, 1].clamp(CLIP, 1 - CLIP)
    return -0.5 * (real.log().mean() + fake.log().mean())


@method(
    paper="https://arxiv.org/abs/1802.05983",
    label="FactorVAE",
    critic=critic_loss,
    since={"clip": True, "warmup": 0},
    same_as=({"gamma": 0}, "beta_vae(beta=1)"),
    ranges={"gamma": "[0, inf)", "warmup": "[0, inf)"},
)
def factor_vae(out: Outputs, *, gamma: Hyper = 10.0, clip: bool = True, warmup: int = 0) -> Terms:
    r"""FactorVAE (Kim and Mnih, 2018), Eq. 3:  E_q[-log p(x|z)] + KL(q(z|x) || p(z)) + gamma E[D_0(z) - D_1(z)].

    D_0 and D_1 are the discriminator's logits for real and for shuffled codes; their difference estimates the
    log-ratio of q(z) to the product of its marginals. As in the 2019 study, the shuffled codes come from the same
    batch, each dimension permuted by itself. gamma = 10 is the smallest of the study's six values. `clip` is for the
    discriminator's loss. Over the first `warmup` updates, gamma grows linearly from 0.
    """
    del clip
    assert out.real is not None
    return {
        "nll": out.nll,
        "kl": out.kl,
        "tc": warmed(gamma, out.step, warmup) * (out.real[:, 0] - out.real[:, 1]).mean(),
    }
