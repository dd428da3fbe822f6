"""Sampled codes of a table: drawn anew at each look-up, from a mean and a log-variance a row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.metrics.core.arrays import as_codes


@dataclass(frozen=True)
class Sampled:
    """z = mean + exp(logvar / 2) * noise of any rows of `mean` and `logvar` [n d]; `table[rows]` draws the noise.

    `noise` is the generator of the draws. `evaluate` gives each metric a generator of its own.
    """

    mean: NDArray[Any]
    logvar: NDArray[Any]
    noise: np.random.Generator | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if as_codes(self.mean).shape != as_codes(self.logvar).shape:
            raise DistaffError(f"mean is {self.mean.shape} and logvar {self.logvar.shape}: both are rows by latents")

    def __len__(self) -> int:
        return len(self.mean)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        if self.noise is None:
            raise DistaffError("sampled codes need a generator for their noise: Sampled(mean, logvar, noise)")
        flat = np.asarray(rows).ravel()
        mean, logvar = self.mean[flat], self.logvar[flat]
        drawn = mean + np.exp(0.5 * logvar) * self.noise.standard_normal(mean.shape, dtype=np.float32)
        return np.asarray(drawn.reshape(*np.shape(rows), drawn.shape[-1]))
