"""What noise and a perfect code are expected to score on a grid, from the numbers of values of its factors alone.

Absolute scores do not compare between data sets: a perfect code's MIG on dSprites is .90, and pure noise has a
Modularity of .67. Both follow from the number of values of each factor, of rows and of bins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from distaff.metrics.baselines.measured import Baselines

DRAWS = 2000


def expected(metric: str, sizes: Sequence[int], *, bins: int = 20) -> Baselines | None:
    """The baselines of a metric of the paper on independent uniform factors of `sizes`, None for other metrics.

    BetaVAE and FactorVAE score: noise guesses one factor of f. MIG of a perfect code: the entropy of a factor in
    `bins` equal widths over its entropy. Modularity of noise: see `modularity_of_noise`. DCI: from 0 to 1.
    """
    varying = [size for size in sizes if size > 1]
    if not varying:
        return None
    if metric in ("beta_vae_score", "factor_vae_score"):
        return Baselines(1 / len(varying), 1.0)
    if metric == "mig":
        return Baselines(0.0, float(np.mean([_entropy(_binned(size, bins)) / np.log(size) for size in varying])))
    if metric == "modularity":
        return Baselines(modularity_of_noise(varying, bins=bins), 1.0)
    return Baselines(0.0, 1.0) if metric == "dci" else None


def modularity_of_noise(sizes: Sequence[int], *, bins: int = 20, seed: int = 0) -> float:
    """The Modularity of a code without information, by the 2019 study's estimate.

    Of independent variables the plug-in information is chi^2 / 2n with (bins - 1)(v - 1) degrees of freedom, largest
    for the factor with most values: noise seems to be about that factor. n cancels. `bins` are taken as all filled.
    """
    if len(sizes) < 2:
        return 1.0
    freedom = (bins - 1) * (np.asarray(sizes) - 1)
    squares = np.random.default_rng(seed).chisquare(freedom, size=(DRAWS, len(sizes))) ** 2
    largest = squares.max(axis=1)
    return float(np.mean(1 - (squares.sum(axis=1) - largest) / (largest * (len(sizes) - 1))))


def _binned(size: int, bins: int) -> NDArray[np.int64]:
    return np.bincount(np.minimum((np.arange(size) / (size - 1) * bins).astype(int), bins - 1))


def _entropy(counts: NDArray[np.int64]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
