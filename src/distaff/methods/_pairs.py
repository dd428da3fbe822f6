"""Pairs of observations that differ in a few factors: what weak supervision is."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from distaff.errors import DistaffError


def changed(
    values: Int[np.ndarray, "b f"], sizes: tuple[int, ...], uniforms: Float[np.ndarray, "b u"], *, k: int
) -> Int[np.ndarray, "b f"]:
    """The factors of a second view: of one factor or, with probability 1/2, of `k` factors the value is drawn anew.

    k = -1 draws the number uniformly from 1 to f - 1 for each pair. A new value may be the old one, as in the 2020
    study (Locatello et al., 2020, Section 5). Of the uniforms [b 2 + 2f], two choose how many factors change, f which
    ones, and f their values.
    """
    b, f = values.shape
    if not (k == -1 or 1 <= k <= f):
        raise DistaffError(f"k={k}: of {f} factors 1 to {f} can change, or -1 for a number drawn for each pair")
    coin, number, which, new = uniforms[:, 0], uniforms[:, 1], uniforms[:, 2 : 2 + f], uniforms[:, 2 + f :]
    several = 1 + (number * max(1, f - 1)).astype(np.int64) if k == -1 else np.full(b, k)
    count = np.where(coin < 0.5, 1, several)
    rank = which.argsort(axis=1).argsort(axis=1)
    drawn = (new * np.array(sizes)).astype(np.int64)
    return np.where(rank < count[:, None], drawn, values)
