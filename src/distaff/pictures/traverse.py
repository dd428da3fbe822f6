"""Traversals: one latent moved while the others stay, and the ranges that it is moved over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.codes import Codes
from distaff.errors import DistaffError
from distaff.pictures.model import Decode
from distaff.pictures.sheet import Image, grid, labelled, pixels

SPAN = 2.0  # standard deviations of the prior, or of the codes: nine tenths of what a decoder has been trained on
EDGES = (0.02, 0.98)


class Moves(NamedTuple):
    """Where each latent is moved to [d columns], and what each column is called."""

    values: NDArray[np.float32]
    columns: tuple[str, ...]


def fixed(d: int, columns: int, span: float = SPAN) -> Moves:
    """Every latent from -span to span, which is in units of the prior N(0, 1)."""
    values = np.linspace(-span, span, columns, dtype=np.float32)
    return Moves(np.tile(values, (d, 1)), tuple(f"{value:.1f}" for value in values))


def fitted(codes: Codes, columns: int, span: float = SPAN) -> Moves:
    """Latent j over m_j - span s_j .. m_j + span s_j, m_j and s_j those of its aggregate posterior.

    m_j = mean_i mean_ij and s_j^2 = mean_i exp(logvar_ij) + var_i mean_ij, over rows i.
    """
    m = codes.mean.mean(0)
    s = np.sqrt(np.exp(codes.logvar).mean(0) + codes.mean.var(0))
    units = np.linspace(-span, span, columns, dtype=np.float32)
    return Moves(m[:, None] + s[:, None] * units, tuple(f"{unit:+.1f} sd" if unit else "mean" for unit in units))


def quantiles(codes: Codes, columns: int) -> Moves:
    """Latent j over the quantiles (2 to 98 %) of its mean codes: a dead latent hardly moves, and shows as still."""
    shares = np.linspace(*EDGES, columns)
    values = np.quantile(codes.mean, shares, axis=0).T.astype(np.float32)
    return Moves(values, tuple(f"{100 * share:.0f} %" for share in shares))


RANGES: Mapping[str, str] = {
    "fixed": "Moved over a fixed range of the prior",
    "fitted": "Over the range fitted to the codes",
    "quantiles": "Over the quantiles of the codes",
}


def traversals(
    decode: Decode, code: NDArray[np.float32], moves: Moves, *, labels: tuple[str, ...] = (), title: str = ""
) -> Image:
    """One row a latent: `code` [d] with that latent moved, columns named by `moves`.

    Raises `DistaffError` if the code has another number of latents than are to be moved.
    """
    d, columns = moves.values.shape
    if code.shape != (d,):
        raise DistaffError(f"a code of shape {code.shape} cannot be moved: the ranges are of {d} latents")
    codes = np.tile(code, (d, columns, 1)).astype(np.float32)
    codes[np.arange(d), :, np.arange(d)] = moves.values
    sheet = grid(pixels(decode(codes.reshape(d * columns, d))), columns)
    return labelled(sheet, labels, moves.columns, title)
