"""Ada-GVAE: two views that differ in a few factors, whose posteriors share the latents that seem not to differ."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from distaff.methods import Outputs, Terms, method
from distaff.methods._pairs import changed
from distaff.types import Hyper


def share(
    mean: Float[Tensor, "*k b d"], logvar: Float[Tensor, "*k b d"]
) -> tuple[Float[Tensor, "*k b d"], Float[Tensor, "*k b d"]]:
    """Average the two views' posteriors in the latents that differ little, pair by pair.

    A latent is shared if 2 KL(q1 || q2) lies in the lower half of its range over the pair's latents (Locatello et al.,
    2020, Section 5.2); a shared latent has the mean of the means and the mean of the variances (GVAE, Hosoya, 2019).
    """
    (mean1, mean2), (logvar1, logvar2) = mean.chunk(2, -2), logvar.chunk(2, -2)
    var1, var2 = logvar1.exp(), logvar2.exp()
    differs = var1 / var2 + (mean2 - mean1).square() / var2 - 1 + logvar2 - logvar1
    middle = (differs.amax(-1, keepdim=True) + differs.amin(-1, keepdim=True)) / 2
    kept_apart = torch.cat([differs >= middle] * 2, -2)
    shared_mean, shared_logvar = (mean1 + mean2) / 2, ((var1 + var2) / 2).log()
    return (
        torch.where(kept_apart, mean, torch.cat([shared_mean] * 2, -2)),
        torch.where(kept_apart, logvar, torch.cat([shared_logvar] * 2, -2)),
    )


@method(
    paper="https://arxiv.org/abs/2002.02886",
    label="Ada-GVAE",
    views=changed,
    posterior=share,
    ranges={"beta": "[0, inf)", "k": "-1 or [1, inf)"},
)
def ada_gvae(out: Outputs, *, beta: Hyper = 1.0, k: int = 1) -> Terms:
    r"""Ada-GVAE (Locatello et al., 2020), Eq. 5:  E_q[-log p(x|z)] + beta KL(q(z|x) || p(z)), mean of both views.

    q is the posterior after sharing. The second view differs from the first in one factor or, as often, in `k`;
    k = -1 draws that number anew for each pair. beta = 1 and k = 1 are the first settings of the paper's study.
    """
    del k
    return {"nll": out.nll, "kl": beta * out.kl}
