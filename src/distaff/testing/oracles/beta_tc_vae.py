"""beta_tc_vae, a pair of images at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distaff.methods import Outputs
from distaff.testing.oracles import density, kl, ramp


def beta_tc_vae(out: Outputs, p: dict[str, Any]) -> float:
    """-ELBO + (beta - 1) TC, estimated from the batch (Chen et al., 2018, Eq. 4)."""
    return float(out.nll) + ramp(out, p) * (kl(out) + (float(p["beta"]) - 1) * total_correlation(out))


def total_correlation(out: Outputs) -> float:
    """mean over j of ln sum_i prod_l q(z_jl | x_i) - sum_l ln sum_i q(z_jl | x_i) (Chen et al., 2018)."""
    z, m, lv = (t.numpy() for t in (out.z, out.mean, out.logvar))
    b, d = z.shape
    total: float = 0.0
    for j in range(b):
        each = np.array([[density(z[j, k], m[i, k], lv[i, k]) for k in range(d)] for i in range(b)])
        total += math.log(float(each.prod(1).sum())) - sum(math.log(each[:, k].sum()) for k in range(d))
    return float(total / b)
