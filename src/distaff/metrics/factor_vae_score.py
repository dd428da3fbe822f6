"""FactorVAE score: with one factor held fixed, which code varies least?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError, unknown
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import moderate, scaled
from distaff.metrics.core.code_lookup import LookUp, look_up, numbers_at_once
from distaff.metrics.core.grid_rows import GridRows
from distaff.metrics.core.information_matrix import NO_FACTOR
from distaff.metrics.core.moments import group_variances

SAME, CONSTANT = 1e-9, 1e-24  # relative variances that differ by less, or are both below, are tied: rounding is 1e-32


@metric(
    paper="https://arxiv.org/abs/1802.05983",
    about="factors",
    label="FactorVAE score",
    study_2019=2,
    rows="grid",
    range=(0, 1),
    depends_on=("scale",),
    version=2,
    quick={"train": 600, "test": 600, "variance_rows": 2_000},
    ranges={
        "variance_rows": "[2, inf)",
        "train": "[1, inf)",
        "test": "[1, inf)",
        "batch": "[2, inf)",
        "prune": "[0, inf)",
        "prune_by": ("std", "variance"),
    },
)
def factor_vae_score(
    codes: Any,
    factors: Any,
    *,
    seed: int = 0,
    variance_rows: int = 10_000,
    train: int = 10_000,
    test: int = 5_000,
    batch: int = 64,
    prune: float = 0.05,
    prune_by: str = "std",
) -> Score:
    r"""FactorVAE score (Kim & Mnih, 2018, Sec. 3): accuracy of the fixed factor, predicted from the least varying code.

    A vote: draw a factor k evenly, a row, and `batch` rows that share the row's value of k; the vote is for
    argmin_i Var_batch(z_i) / Var(z_i). Each code predicts the factor that it got most of `train` votes for; the score
    is the share of `test` votes so predicted. Codes that vary equally little share a vote evenly, and factors
    with as many votes the guess, so that the order of neither counts. Parts: `train_accuracy` and `active`, the number
    of codes that are not pruned. Matrix: share [d f] of the training votes on factor j that code i got.

    `codes` is a table [n d], an object with `codes[rows]`, or a function `sample(factors)` of factor values
    [m f]; `factors` [n f] are the rows. One look-up serves the variances, one the votes, unless it would exceed 2^26
    numbers. On a table that is not a complete grid the rows are drawn among the existing ones, which is conditioning on
    the factor rather than intervening; a continuous factor is held within one of 20 equal widths.

    From 0 to 1, higher is better; chance is 1/f. A factor with one value is left out: all rows share it, so that no
    code can vary less for it. Codes whose standard deviation over `variance_rows` rows is below `prune` are left out,
    as is any constant code even at `prune=0` (where the old library divides 0 by 0); if none is left the score is 0.
    Codes that are not finite, or factors that all have one value, give NaN with a reason.

    10,000 rows for the variances, 10,000 and 5,000 votes of 64 rows and `prune=0.05` are the 2019 study's. It compares
    the standard deviation although its text says variance, which is `prune_by="variance"`.

    Raises `DistaffError` for a table of another length than the factors, a `batch` or `variance_rows` below 2, no
    votes, or an unknown `prune_by`.
    """
    if prune_by not in ("std", "variance"):
        raise unknown("prune_by", prune_by, ("std", "variance"))
    if batch < 2 or variance_rows < 2 or train < 1 or test < 1:
        raise DistaffError("factor_vae_score needs batch and variance_rows of at least 2, train and test of at least 1")
    rows, rng = GridRows(factors, bins=20), generator("factor_vae_score", seed)
    codes_of = look_up(codes, rows)
    counted = np.flatnonzero(rows.sizes > 1)
    if not len(counted):
        return Score(math.nan, reason=NO_FACTOR)
    sample, exponents = moderate(codes_of(rows.anywhere(variance_rows, rng)))
    spread = local_variances(sample[None])[0]
    if not np.isfinite(spread).all():
        return Score(math.nan, reason=f"code {int(np.argmin(np.isfinite(spread)))} holds values that are not finite")
    with np.errstate(over="ignore"):
        threshold = np.ldexp(prune if prune_by == "std" else math.sqrt(max(prune, 0.0)), -exponents)
    active = active_codes(spread, threshold)
    d, f = len(spread), len(rows.sizes)
    if not active.any():
        return Score(0.0, {"train_accuracy": 0.0, "active": 0.0}, np.zeros((d, f)))
    fixed, groups = _groups(rows, counted, train + test, batch, rng)
    step = max(numbers_at_once(codes) // (batch * d), 1)
    counts = np.zeros((2, d, f))  # votes of training and of the test: n of them [n d] would be larger than the codes
    for start in range(0, train + test, step):
        drawn = slice(start, start + step)
        votes = _votes(lambda rows: scaled(codes_of(rows), exponents), groups[drawn], spread, active)
        if not np.isfinite(votes).all():
            return Score(math.nan, reason="codes hold values that are not finite")
        training = np.arange(start, start + len(votes)) < train
        for part, chosen in enumerate((training, ~training)):
            counts[part] += _count(votes[chosen], fixed[drawn][chosen], f)
    right = (counts * _guesses(counts[0], counted)).sum(axis=(1, 2)) / (train, test)
    return Score(
        float(right[1]),
        {"train_accuracy": float(right[0]), "active": float(active.sum())},
        counts[0] / np.maximum(counts[0].sum(axis=0), 1),
    )


def local_variances(codes: NDArray[Any]) -> NDArray[np.float64]:
    """Variance [g d] over the rows of each group of codes [g b d], with b - 1 in the denominator."""
    return group_variances(codes)  # the caller reports infinities


def active_codes(variances: NDArray[np.float64], prune: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which codes [d] vary at all, and by a standard deviation of at least `prune`."""
    active: NDArray[np.bool_] = (np.sqrt(variances) >= prune) & (variances > 0)
    return active


def least_varying(
    codes: NDArray[Any], variances: NDArray[np.float64], active: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The vote of each group of codes [g b d], as shares [g d] of the active codes that vary least by `variances`.

    A row is 1 for one code, or even shares for codes that are tied, such as two that are constant while the factor is
    fixed; NaN where codes are not finite.
    """
    within = np.flatnonzero(active)
    relative = local_variances(codes)[:, within] / variances[within]
    tied = relative <= relative.min(axis=1, keepdims=True) * (1 + SAME) + CONSTANT
    votes = np.zeros((len(codes), codes.shape[2]))
    votes[:, within] = tied / np.maximum(tied.sum(axis=1, keepdims=True), 1)
    votes[~np.isfinite(relative).all(axis=1)] = np.nan
    return votes


def _groups(
    rows: GridRows, counted: NDArray[np.int64], n: int, batch: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The factor [n] of `counted` that each vote holds fixed, and the rows [n batch] that share a drawn row's value."""
    fixed = counted[rng.integers(len(counted), size=n)]
    value = rows.classes[rows.anywhere(n, rng), fixed]
    return fixed, rows.sharing_class(fixed, value, batch, rng)


def _votes(
    codes_of: LookUp, groups: NDArray[np.int64], variances: NDArray[np.float64], active: NDArray[np.bool_]
) -> NDArray[np.float64]:
    looked_up = codes_of(groups.reshape(-1)).reshape(*groups.shape, -1)
    # a thousand groups at a time, so that what is computed from them is small
    return np.concatenate(
        [least_varying(looked_up[at : at + 1024], variances, active) for at in range(0, len(groups), 1024)]
    )


def _count(votes: NDArray[np.float64], fixed: NDArray[np.int64], f: int) -> NDArray[np.float64]:
    """The votes [d f] that each code got while each factor was held fixed."""
    counts = np.zeros((votes.shape[1], f))
    for j in np.unique(fixed).tolist():
        counts[:, j] = votes[fixed == j].sum(axis=0)
    return counts


def _guesses(counts: NDArray[np.float64], counted: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often [d f] each code guesses each factor: the one with most votes, or evenly among several."""
    guesses = np.zeros(counts.shape)
    most = counts[:, counted]
    best = most >= most.max(axis=1, keepdims=True) - SAME
    guesses[:, counted] = best / best.sum(axis=1, keepdims=True)
    return guesses
