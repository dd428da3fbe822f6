"""ada_gvae, an image and a latent at a time."""

from __future__ import annotations

from typing import Any

from distaff.methods import Outputs
from distaff.testing.oracles import kl


def ada_gvae(out: Outputs, p: dict[str, Any]) -> float:
    """-E_q[log p(x|z)] + beta KL of the posterior after sharing (Locatello et al., 2020, Eq. 5)."""
    return float(out.nll) + float(p["beta"]) * kl(out)
