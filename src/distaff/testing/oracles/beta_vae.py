"""beta_vae, an image and a latent at a time."""

from __future__ import annotations

from typing import Any

from distaff.methods import Outputs
from distaff.testing.oracles import kl, ramp


def beta_vae(out: Outputs, p: dict[str, Any]) -> float:
    """-E_q[log p(x|z)] + beta KL (Higgins et al., 2017, Eq. 4)."""
    return float(out.nll) + ramp(out, p) * float(p["beta"]) * kl(out)
