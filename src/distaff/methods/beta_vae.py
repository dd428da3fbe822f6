"""beta-VAE: a heavier Kullback-Leibler term."""

from __future__ import annotations

from distaff.methods import Outputs, Terms, method
from distaff.methods._warmup import warmed
from distaff.types import Hyper


@method(
    paper="https://openreview.net/forum?id=Sy2fzU9gl",
    label="β-VAE",
    since={"warmup": 0},
    ranges={"beta": "[0, inf)", "warmup": "[0, inf)"},
)
def beta_vae(out: Outputs, *, beta: Hyper = 4.0, warmup: int = 0) -> Terms:
    r"""beta-VAE (Higgins et al., 2017), Eq. 4:  E_q[-log p(x|z)] + beta KL(q(z|x) || p(z)).

    beta = 1 is the plain VAE; 4 is the value of the paper's dSprites experiments, and one of the 2019 study's six. Over
    the first `warmup` updates, beta grows linearly from 0.
    """
    return {"nll": out.nll, "kl": warmed(beta, out.step, warmup) * out.kl}
