"""factor_vae, an image at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from distaff.methods import Outputs
from distaff.testing.oracles import kl, ramp


def factor_vae(out: Outputs, p: dict[str, Any]) -> float:
    """-E_q[log p(x|z)] + KL + gamma E[D_0 - D_1] (Kim and Mnih, 2018, Eq. 3)."""
    assert out.real is not None
    return (
        float(out.nll)
        + kl(out)
        + ramp(out, p) * float(p["gamma"]) * float(np.mean([a - b for a, b in out.real.numpy()]))
    )
