"""The theorem, measured: the same distribution, every derivative other than zero, and the scores fallen."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist

from distaff.draws import generator
from distaff.plugins.registry import METRICS
from distaff.theory.impossibility import NORMAL, Floats, entangle, jacobian

BINS = 10  # a factor of the demonstration is a latent cut into tenths
SCORES = ("mig", "dci", "modularity")
TREES_ROWS = 2_000  # rows that DCI's trees are grown on, and as many for their test
PERMUTATIONS = 200


class Sameness(NamedTuple):
    """How well f(z) passes for a draw of the prior."""

    ks: float  # least p-value of a Kolmogorov-Smirnov test of each coordinate against the prior, times their number
    correlation: float  # largest absolute correlation of two coordinates
    energy: float  # p-value of the energy distance to fresh draws, by permutation


class Demonstration(NamedTuple):
    """One prior, one matrix: sameness of z and of f(z), least |df_i/dz_j|, and the scores of both."""

    before: Sameness
    after: Sameness
    least: float
    scores: dict[str, tuple[float, float]]  # of z itself and of f(z)


def demonstrate(a: Floats, prior: Any = NORMAL, *, n: int = 10_000, seed: int = 0) -> Demonstration:
    """The theorem on `n` draws z [n d] of `prior`, whose factors are the tenths of each z_k.

    Raises `DistaffError` for a prior without a density.
    """
    draws = generator("theory", seed)
    d = len(a)
    z, fresh = (prior.ppf(draws.random((n, d))) for _ in range(2))
    w = entangle(z, a, prior)
    factors = np.minimum((BINS * prior.cdf(z)).astype(np.int64), BINS - 1)
    before, after = (sameness(codes, fresh, prior, draws) for codes in (z, w))
    both = [scores(codes, factors) for codes in (z, w)]
    pairs = {name: (both[0][name], both[1][name]) for name in SCORES}
    return Demonstration(before, after, float(np.abs(jacobian(z, a, prior)).min()), pairs)


def sameness(codes: Floats, fresh: Floats, prior: Any, draws: np.random.Generator) -> Sameness:
    """Whether `codes` [n d] are distributed as the prior, `fresh` being draws of it that they do not depend on."""
    d = codes.shape[1]
    ks = min(stats.kstest(codes[:, k], prior.cdf).pvalue for k in range(d))
    between = np.abs(np.corrcoef(codes.T) - np.eye(d)).max()
    return Sameness(float(min(1.0, ks * d)), float(between), energy_test(codes[:500], fresh[:500], draws))


def energy_test(a: Floats, b: Floats, draws: np.random.Generator) -> float:
    """The p-value of the energy distance of rows a [n d] and b [m d] (Szekely and Rizzo, 2013), by permutation.

    2 E|a-b| - E|a-a'| - E|b-b'| is -s'Ds with D the distances of all rows and s = 1/n on a, -1/m on b.
    """
    whole = np.concatenate([a, b])
    distances = cdist(whole, whole)
    signs = np.concatenate([np.full(len(a), 1 / len(a)), np.full(len(b), -1 / len(b))])
    mixed = np.stack([signs, *(draws.permutation(signs) for _ in range(PERMUTATIONS))])
    energies = -np.einsum("pi,pi->p", mixed @ distances, mixed)
    return float((energies[1:] >= energies[0]).mean())


def scores(codes: NDArray[Any], factors: NDArray[np.int64]) -> dict[str, float]:
    """MIG and Modularity of all rows of codes [n d] and factors [n f], DCI of as many as its trees are given."""
    some, rest = slice(0, TREES_ROWS), slice(TREES_ROWS, 2 * TREES_ROWS)
    test = (codes[rest], factors[rest]) if len(codes) >= 2 * TREES_ROWS else None
    return {
        "mig": float(METRICS.function("mig")(codes, factors)),
        "dci": float(METRICS.function("dci")(codes[some], factors[some], test)),
        "modularity": float(METRICS.function("modularity")(codes, factors)),
    }
