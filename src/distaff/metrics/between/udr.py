"""UDR: models that separate the same factors have the same latents, up to order and sign."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError, unknown
from distaff.metrics.core.arrays import as_codes, canonical, moderate

WAYS = ("lasso", "spearman")
ALPHA = 0.1  # Duan et al.'s weight of the L1 norm


class Agreement(NamedTuple):
    """How well each model agrees with the others, and each pair."""

    scores: NDArray[np.float64]  # [m]
    pairs: NDArray[np.float64]  # [m m]: entry i, j is the codes of j predicted from those of i; 0 on the diagonal


def udr(
    codes: Sequence[Any], kl: Any, *, by: str = "lasso", threshold: float = 0.01, keep_all: bool = False
) -> Agreement:
    r"""Unsupervised disentanglement ranking (Duan et al., 2020) of m models from their codes of the same rows.

    For each ordered pair of models i and j: R_ab is how strongly latent b of j depends on latent a of i, both
    standardised, as |weight| of a lasso (alpha = 0.1) that predicts b from all of i (`by="lasso"`), or |Spearman's rho|
    (`by="spearman"`). The score of the pair is 1/2 mean_b max_a R_ab^2 / sum_a R_ab + 1/2 mean_a max_b R_ab^2 / sum_b
    R_ab; that of model j is the median of the pairs (i, j) over the others.

    `codes` are m arrays [n d], `kl` [m d] the KL of each latent in nats (`distaff.metrics.latents.kl`): those of at
    most `threshold` are passive and set to 0, 0.01 in the paper. They are left out of the means, or with
    `keep_all=True` counted as 0 (the old library's unfiltered score). A pair of which one model has no latent left
    scores 0, where the old library stops. Higher is better; lasso scores may exceed 1.

    Raises `DistaffError` for fewer than two models, codes of different shapes or not finite, or KL of another shape.
    """
    if by not in WAYS:
        raise unknown("by", by, WAYS)
    tables, live = _checked(codes, kl, threshold)
    m = len(tables)
    pairs = np.zeros((m, m))
    for i in range(m):
        for j in range(m):
            if i != j:
                relation = _lasso(tables[i], tables[j]) if by == "lasso" else _rho(tables[i], tables[j])
                pairs[i, j] = pair_score(relation if keep_all else relation[np.ix_(live[i], live[j])])
    others = ~np.eye(m, dtype=bool)
    return Agreement(np.array([np.median(pairs[others[:, j], j]) for j in range(m)]), pairs)


def pair_score(relation: NDArray[np.float64]) -> float:
    """The pair's score of the formula above, for any matrix of relations; 0 for an empty one."""
    if 0 in relation.shape:
        return 0.0
    return 0.5 * (_side(relation) + _side(relation.T))


def _side(relation: NDArray[np.float64]) -> float:
    totals, largest = relation.sum(axis=0), relation.max(axis=0)
    return float(np.where(totals > 0, largest**2 / np.where(totals > 0, totals, 1), 0.0).mean())


def _checked(codes: Sequence[Any], kl: Any, threshold: float) -> tuple[list[NDArray[np.float64]], NDArray[np.bool_]]:
    """Standardised codes with passive latents set to 0, and which latents [m d] are live."""
    tables = [as_codes(one).astype(np.float64) for one in codes]
    if len(tables) < 2:
        raise DistaffError(f"udr compares at least two models, not {len(tables)}")
    shapes = {table.shape for table in tables}
    if len(shapes) > 1:
        raise DistaffError(f"udr compares codes of the same rows and of as many latents, not {sorted(shapes)}")
    divergences = np.asarray(kl, dtype=np.float64)
    if divergences.shape != (len(tables), tables[0].shape[1]):
        raise DistaffError(f"kl is {divergences.shape}; it is one number for each model and latent")
    for i, table in enumerate(tables):
        if not np.isfinite(table).all():
            raise DistaffError(f"the codes of model {i} are not finite; leave out that model")
    tables = [moderate(table)[0].astype(np.float64) for table in tables]
    live = divergences > threshold
    spreads = [np.where(np.ptp(table, axis=0) > 0, table.std(axis=0), 1.0) for table in tables]
    scaled = [(t - t.mean(axis=0)) / s * alive for t, s, alive in zip(tables, spreads, live, strict=True)]
    return scaled, live


def _lasso(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso

    order = canonical(x)  # of copies of a latent one gets the weight: the first in this order
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the weights of copies do not converge; the error does
        weights = np.abs(Lasso(alpha=ALPHA, precompute=True).fit(x[:, order], y).coef_)
    relation = np.empty((x.shape[1], y.shape[1]))
    relation[order] = np.atleast_2d(weights).T
    return relation


def _rho(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    first, second = (rankdata(side, axis=0) for side in (x, y))
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    sizes = np.sqrt(np.outer((first**2).sum(axis=0), (second**2).sum(axis=0)))
    rho: NDArray[np.float64] = np.abs(first.T @ second) / np.where(sizes > 0, sizes, 1.0)
    return rho
