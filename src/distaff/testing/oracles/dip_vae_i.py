"""dip_vae_i, a pair of latents at a time."""

from __future__ import annotations

from typing import Any

from distaff.methods import Outputs
from distaff.testing.oracles import covariance, dip, kl


def dip_vae_i(out: Outputs, p: dict[str, Any]) -> float:
    """-ELBO + the penalty on the covariance of the means (Kumar et al., 2018, Eq. 6)."""
    off = float(p["lambda_od"])
    return float(out.nll) + kl(out) + dip(covariance(out.mean.numpy()), off, float(p["lambda_d_factor"]) * off)
