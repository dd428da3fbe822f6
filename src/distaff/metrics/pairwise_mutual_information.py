"""Mean pairwise mutual information: how much information do codes share?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics import Score, metric
from distaff.metrics.core.arrays import as_codes, canonical, non_finite
from distaff.metrics.core.information import discretise, mutual_information, pair_information
from distaff.metrics.latents import select_latents

MOST = 2**23  # pairs that are measured without being asked for


@metric(
    paper="https://arxiv.org/abs/1811.12359",
    about="codes",
    label="Pairwise information",
    study_2019=3,
    rows=10_000,
    range=(0, 1e999),
    higher_is_better=False,
    since={"pairs": None},
    ranges={"bins": "[1, inf)", "pairs": "[1, inf)", "bias": ("none", "miller-madow"), "dims": ("all", "active")},
)
def pairwise_mutual_information(
    codes: Any,
    factors: Any = None,
    active: Any = None,
    *,
    bins: int = 20,
    bias: str = "none",
    dims: str = "all",
    pairs: int | None = None,
) -> Score:
    r"""Mean mutual information of two different codes (Locatello et al., 2019); 0 is independent.

    1/(d (d-1)) sum_{i != k} I(z_i; z_k) in nats, with codes [n d] cut into `bins` equal widths; `factors` are not
    used.

    From 0 to log `bins`, lower is more independent; independent codes score about (bins - 1)^2 / 2n, the bias of the
    estimate, of which `bias="miller-madow"` takes most off. One code alone scores 0. Codes that are not finite give
    NaN with a reason. `dims="active"` uses active codes only: those of the mask `active` [d], or else those with a
    standard deviation of at least 0.05. `bins=20` is the 2019 study's. Matrix: none, since no factor is involved.

    The work grows with the square of d: more than 2^23 pairs (d = 4,096) are refused unless `pairs=k` says how many
    are to be measured. The mean is then over k pairs drawn without replacement, the same ones for the same codes in
    any order, if there are more than k. Part, of a draw alone: `pairs`.

    Raises `DistaffError` for an unknown `bias` or `dims`, a mask that does not fit, `pairs` below 1, or too many pairs.
    """
    del factors
    codes = select_latents(as_codes(codes), dims, active)
    if reason := non_finite(codes):
        return Score(math.nan, reason=reason)
    if pairs is not None and pairs < 1:
        raise DistaffError(f"pairwise_mutual_information: pairs is {pairs}; it must be at least 1")
    d = codes.shape[1]
    if d < 2:
        return Score(0.0)
    total = d * (d - 1) // 2
    if pairs is None and total > MOST:
        raise DistaffError(
            f"pairwise_mutual_information: {d} codes have {total} pairs, more than {MOST}; "
            f"give pairs=500_000 for a draw of so many, pairs={total} for all, or fewer codes (dims='active')"
        )
    labels = discretise(codes, bins)
    if pairs is None or pairs >= total:
        square = mutual_information(labels, labels, bias)
        return Score(float((square.sum() - np.trace(square)) / (d * (d - 1))))
    drawn = generator("pairwise_mutual_information", 0).choice(total, size=pairs, replace=False, shuffle=False)
    order = canonical(codes)
    first, second = (order[of_pair] for of_pair in numbered_pairs(drawn))
    return Score(float(pair_information(labels, first, second, bias).mean()), {"pairs": float(pairs)})


def numbered_pairs(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs (i, k), k < i, of numbers i (i - 1) / 2 + k."""
    i = (1 + np.sqrt(1 + 8 * numbers.astype(np.float64))).astype(np.int64) // 2
    i -= i * (i - 1) // 2 > numbers  # where the root was rounded
    i += i * (i + 1) // 2 <= numbers
    return i, numbers - i * (i - 1) // 2
