"""DIP-VAE-I: the covariance of the means is drawn to the identity."""

from __future__ import annotations

from distaff.methods import Outputs, Terms, method
from distaff.methods._dip import covariance, penalty
from distaff.types import Hyper


@method(
    paper="https://arxiv.org/abs/1711.00848",
    label="DIP-VAE-I",
    same_as=({"lambda_od": 0}, "beta_vae(beta=1)"),
    ranges={"lambda_od": "[0, inf)", "lambda_d_factor": "[0, inf)"},
)
def dip_vae_i(out: Outputs, *, lambda_od: Hyper = 10.0, lambda_d_factor: Hyper = 10.0) -> Terms:
    r"""DIP-VAE-I (Kumar et al., 2018), Eq. 6:  -ELBO + lambda_od sum_{i!=j} C_ij^2 + lambda_d sum_i (C_ii - 1)^2.

    C is the covariance of the means over the batch and lambda_d = lambda_d_factor * lambda_od; the factor 10 is the
    paper's and the 2019 study's, 10 one of the study's six values of lambda_od.
    """
    return {
        "nll": out.nll,
        "kl": out.kl,
        "covariance": penalty(covariance(out.mean), lambda_od, lambda_d_factor * lambda_od),
    }
