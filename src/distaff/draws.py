"""Where the random draws of metrics come from: the seed that the caller gives and the name of the metric."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(metric: str, seed: int) -> np.random.Generator:
    """A generator of its own for each (metric, seed), so that scoring one more metric changes no other's draws."""
    word = int.from_bytes(hashlib.sha256(metric.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.Philox(key=(word << 64) | (seed % 2**64)))
