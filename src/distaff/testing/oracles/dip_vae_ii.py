"""dip_vae_ii, a pair of latents at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from distaff.methods import Outputs
from distaff.testing.oracles import covariance, dip, kl


def dip_vae_ii(out: Outputs, p: dict[str, Any]) -> float:
    """-ELBO + the penalty on the covariance of the codes, means' plus variances (Kumar et al., 2018, Eq. 7)."""
    off = float(p["lambda_od"])
    of_codes = covariance(out.mean.numpy()) + np.diag(np.exp(out.logvar.numpy()).mean(0))
    return float(out.nll) + kl(out) + dip(of_codes, off, float(p["lambda_d_factor"]) * off)
