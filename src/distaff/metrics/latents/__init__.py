"""Which latents carry information: by the spread of their codes, by their KL, or by the variances of the encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError, unknown
from distaff.metrics.core.arrays import as_codes, moderate
from distaff.metrics.core.covariance import varying_codes

DIMS = ("all", "active")
LEAST_SPREAD = 0.05  # the standard deviation below which the 2019 study prunes codes


def active_by_spread(codes: Any, least: float = LEAST_SPREAD) -> NDArray[np.bool_]:
    """Which codes [d] of [n d] vary with a standard deviation (n - 1) of at least `least`, the 2019 study's 0.05.

    For means only: a sampled code of a passive latent has a spread of 1.
    """
    codes = as_codes(codes)
    if len(codes) < 2:
        return np.zeros(codes.shape[1], dtype=bool)
    moderated, exponents = moderate(codes)
    with np.errstate(over="ignore"):
        threshold = np.ldexp(least, -exponents)
    wide: NDArray[np.bool_] = moderated.std(axis=0, ddof=1, dtype=np.float64) >= threshold
    return wide & varying_codes(codes)


def kl(mean: Any, logvar: Any) -> NDArray[np.float64]:
    """KL(q(z_i|x) || N(0, 1)) in nats, mean over rows: 1/2 (mu^2 + sigma^2 - log sigma^2 - 1) [d]."""
    mean, logvar = _pair(mean, logvar)
    each: NDArray[np.float64] = 0.5 * (mean**2 + np.exp(logvar) - logvar - 1).mean(axis=0)
    return each


def kinds(mean: Any, logvar: Any) -> tuple[str, ...]:
    """ "active", "passive" or "mixed" for each latent (Bonheme & Grzes, 2021, arXiv 2109.12679).

    With s = exp(logvar) over rows: passive where Var s < .1 and E s lies within .1 of 1, the prior's; active where
    Var s < .1 and E s <= .1; mixed otherwise. The gap between the total correlations of means and of samples comes
    from passive latents, whose means are tiny but correlated. Raises `DistaffError` for arrays of different shapes.
    """
    s = np.exp(_pair(mean, logvar)[1])
    steady, level = s.var(axis=0) < 0.1, s.mean(axis=0)
    labels = np.where(
        steady & (np.abs(level - 1) <= 0.1), "passive", np.where(steady & (level <= 0.1), "active", "mixed")
    )
    return tuple(labels.tolist())


def not_passive(mean: Any, logvar: Any) -> NDArray[np.bool_]:
    """The mask [d] of `kinds` that are active or mixed: for `active=` of the unsupervised scores, sampled or not."""
    return np.array([kind != "passive" for kind in kinds(mean, logvar)])


def select_latents(codes: NDArray[np.floating[Any]], dims: str, active: Any) -> NDArray[np.floating[Any]]:
    """The codes that `dims` selects: all, or those of the mask `active` [d], by default those that vary enough."""
    if dims not in DIMS:
        raise unknown("dims", dims, DIMS)
    if dims == "all":
        return codes
    mask = active_by_spread(codes) if active is None else np.asarray(active)
    if mask.shape != (codes.shape[1],) or mask.dtype != bool:
        raise DistaffError(
            f"active is a mask of {codes.shape[1]} booleans, one for each code, not {mask.dtype} {mask.shape}"
        )
    return codes[:, mask]


def _pair(mean: Any, logvar: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = (as_codes(part).astype(np.float64) for part in (mean, logvar))
    if first.shape != second.shape:
        raise DistaffError(f"mean is {first.shape} and logvar {second.shape}; both are rows by latents")
    return first, second
