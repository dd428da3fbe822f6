"""annealed_vae, an image and a latent at a time."""

from __future__ import annotations

from typing import Any

from distaff.methods import Outputs
from distaff.testing.oracles import kl


def annealed_vae(out: Outputs, p: dict[str, Any]) -> float:
    """-E_q[log p(x|z)] + gamma |KL - C|, C growing to c_max (Burgess et al., 2018, Eq. 8)."""
    capacity = min(float(p["c_max"]), float(p["c_max"]) * float(out.step) / float(p["iteration_threshold"]))
    return float(out.nll) + float(p["gamma"]) * abs(kl(out) - capacity)
