"""correlated: another data set, some of whose factors are correlated."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from distaff.data import Dataset, Factors, load
from distaff.data import dataset as dataset_
from distaff.errors import DistaffError, unknown

MOST_COMBINATIONS = 2**24  # of values of the correlated factors
LEAST_SIGMA = 1e-6  # there two factors are one


@dataset_(source="another data set", licence="that of the other data set", ranges={"sigma": "[1e-6, inf)"})
def correlated(*, dataset: str, pairs: tuple[tuple[str, str], ...], sigma: float) -> Dataset:
    r"""Another data set, drawn with correlated factors in training:  p(a, b) ~ exp(-(a - b)^2 / (2 sigma^2)).

    Each of `pairs`, such as (("scale", "posX"),), names two factors; a and b are their values scaled to [0, 1]. A
    factor may stand in several pairs, whose densities are multiplied; the other factors are uniform (Roth et al., ICLR
    2023, who take sigma = .04, .1, .2 and .4, from strong to weak). Rows, images and factors are those of the other
    data set, so that metrics see its complete grid, without any correlation. Raises `DistaffError` for an unknown
    factor or an incomplete grid.
    """
    inner = load(dataset)
    if not inner.factors.complete:
        raise DistaffError(f"{dataset} has no complete grid: correlated factors are drawn from one")
    if inner.prior is not None:
        raise DistaffError(f"{dataset} is correlated already: name all pairs at once")
    return dataclasses.replace(inner, name=f"{inner.name}_correlated", prior=prior(inner.factors, pairs, sigma))


def prior(
    factors: Factors, pairs: tuple[tuple[str, str], ...], sigma: float
) -> Callable[[Int[np.ndarray, "b"], Float[np.ndarray, "b"]], Int[np.ndarray, "b"]]:
    """What turns uniform rows, with a uniform in [0, 1) each, into rows of the product of the pairs' densities."""
    involved = _involved(factors, pairs, sigma)
    sizes = tuple(factors.all_sizes[i] for i in involved)
    if math.prod(sizes) > MOST_COMBINATIONS:
        raise DistaffError(
            f"pairs of {len(involved)} factors span {math.prod(sizes):,} combinations, more than {MOST_COMBINATIONS:,}"
        )
    edges = np.cumsum(density(factors, involved, pairs, sigma).ravel())

    def drawn(rows: Int[np.ndarray, "b"], u: Float[np.ndarray, "b"]) -> Int[np.ndarray, "b"]:
        combination = np.searchsorted(edges, u * edges[-1], side="right").clip(max=len(edges) - 1)
        values = factors.all_values(rows)
        values[:, involved] = np.stack(np.unravel_index(combination, sizes), axis=1)
        return np.asarray(np.ravel_multi_index(tuple(values.T), factors.all_sizes), dtype=np.int64)

    return drawn


def density(
    factors: Factors, involved: list[int], pairs: tuple[tuple[str, str], ...], sigma: float
) -> Float[np.ndarray, "..."]:
    """The product of the pairs' densities on the grid of the factors `involved`, not normalised."""
    logarithm = np.zeros([factors.all_sizes[i] for i in involved])
    for pair in pairs:
        a, b = (_scaled(factors, involved, name) for name in pair)
        logarithm = logarithm - (a - b) ** 2 / (2 * sigma**2)
    return np.asarray(np.exp(logarithm - logarithm.max()))


def _scaled(factors: Factors, involved: list[int], name: str) -> Float[np.ndarray, "..."]:
    """The values of a factor from 0 to 1, along its axis of the grid of the factors `involved`."""
    position = factors.all_names.index(name)
    shape = [factors.all_sizes[i] if i == position else 1 for i in involved]
    return np.linspace(0, 1, factors.all_sizes[position]).reshape(shape)


def _involved(factors: Factors, pairs: tuple[tuple[str, str], ...], sigma: float) -> list[int]:
    if not LEAST_SIGMA <= sigma < math.inf:
        raise DistaffError(f"sigma={sigma}: expected a number from {LEAST_SIGMA} on, and the smaller the stronger")
    if not pairs or any(isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1] for pair in pairs):
        raise DistaffError(f"pairs={pairs!r}: write two names for each pair, as in pairs=(('scale', 'posX'),)")
    for name in [name for pair in pairs for name in pair]:
        if name not in factors.all_names:
            raise unknown("factor", name, factors.all_names)
    return sorted({factors.all_names.index(name) for pair in pairs for name in pair})
