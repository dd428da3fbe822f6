"""Which latent carries which factor: the information of each about each, as a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.codes import Codes
from distaff.pictures.model import Encoded
from distaff.plugins.registry import METRICS

USED = 0.05  # nats: a latent that costs less is not used, whatever its nearly constant mean seems to tell
TELLS = 0.1  # of a factor's entropy: what is worth a name


def shares(codes: NDArray[np.float32], factors: NDArray[np.int64]) -> NDArray[np.float64]:
    """I(z_i; v_j) / H(v_j) [d f]: what share of factor j latent i tells, 0..1.

    Codes [n d] are cut into 20 bins of equal width as for MIG, with the correction of Miller (1955), so that a latent
    that tells nothing shows nothing. A factor with one value has no share.
    """
    matrix: NDArray[np.float64] = METRICS.function("mig")(codes, factors, bias="miller-madow").matrix
    whole = np.array([_entropy(column) for column in factors.T])
    found: NDArray[np.float64] = np.divide(matrix, whole, out=np.zeros_like(matrix), where=whole > 0)
    return found.clip(0, 1)


def _entropy(values: NDArray[np.int64]) -> float:
    p = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(p * np.log(p)).sum())


def kl(codes: Codes) -> NDArray[np.float64]:
    """KL(q(z_j|x) || N(0, 1)) of each latent [d], mean over rows, nats: near 0 where the latent is not used."""
    found: NDArray[np.float64] = 0.5 * (codes.mean**2 + np.exp(codes.logvar) - codes.logvar - 1).mean(0)
    return found


def names(found: Encoded) -> tuple[str, ...]:
    """Each latent with the factor that it tells most of, as in `z2 posX`; one that is not used is `z2` alone."""
    matrix, nats = shares(found.codes.mean, found.factors), kl(found.codes)
    telling = (matrix.max(1) >= TELLS) & (nats >= USED)
    factors = found.model.dataset.factors.names
    return tuple(f"z{i} {factors[j]}" if telling[i] else f"z{i}" for i, j in enumerate(matrix.argmax(1)))


def frame(found: Encoded) -> pl.DataFrame:
    """The matrix as a tidy frame: latent, factor, share, and the latent's kl in nats."""
    matrix, nats = shares(found.codes.mean, found.factors), kl(found.codes)
    return pl.DataFrame(
        {"latent": f"z{i}", "factor": name, "share": float(matrix[i, j]), "kl": float(nats[i])}
        for i in range(len(matrix))
        for j, name in enumerate(found.model.dataset.factors.names)
    )


def chart(found: pl.DataFrame) -> dict[str, Any]:
    """The matrix as a Vega-Lite chart: percentages in the cells, each latent's KL beside its name."""
    rows = found.with_columns(pl.format("{}  ({} nats)", "latent", pl.col("kl").round(2)).alias("row"))
    cells = {"field": "share", "type": "quantitative"}
    colour = {"scale": {"domain": [0, 1], "range": ["#f4f2ee", "#1B6CA8"], "interpolate": "rgb"}, "legend": None}
    ink = {"condition": {"test": "datum.share > 0.5", "value": "white"}, "value": "#1d1d1f"}
    return {
        "title": "How much each latent tells of each factor, in % of the factor's entropy",
        "data": {"values": rows.to_dicts()},
        "width": 96 * found["factor"].n_unique(),
        "height": 28 * found["latent"].n_unique(),
        "encoding": {
            "x": {"field": "factor", "sort": None, "title": "factor", "axis": {"labelAngle": 0, "orient": "top"}},
            "y": {"field": "row", "sort": None, "title": "latent (KL to the prior)"},
        },
        "layer": [
            {"mark": "rect", "encoding": {"color": {**cells, **colour}}},
            {"mark": {"type": "text", "fontSize": 12}, "encoding": {"text": {**cells, "format": ".0%"}, "color": ink}},
        ],
    }
