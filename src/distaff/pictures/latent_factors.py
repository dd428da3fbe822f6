"""Which latent carries which factor: the mutual information of each pair, as a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.codes import Codes
from distaff.pictures.model import Encoded
from distaff.plugins.registry import METRICS

USED = 0.05  # nats: a latent that costs less is not used, however informative its nearly constant mean seems
INFORMATIVE = 0.1  # of a factor's entropy: from here on a latent is named after the factor


def shares(codes: NDArray[np.float32], factors: NDArray[np.int64]) -> NDArray[np.float64]:
    """I(z_i; v_j) / H(v_j) [d f]: the share of the information on factor j that latent i holds, 0..1.

    Codes [n d] are cut into 20 bins of equal width as for MIG, with the correction of Miller (1955), so that a
    latent without information shows none. A factor with one value has no share.
    """
    matrix: NDArray[np.float64] = METRICS.function("mig")(codes, factors, bias="miller-madow").matrix
    whole = np.array([_entropy(column) for column in factors.T])
    share: NDArray[np.float64] = np.divide(matrix, whole, out=np.zeros_like(matrix), where=whole > 0)
    return share.clip(0, 1)


def _entropy(values: NDArray[np.int64]) -> float:
    p = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(p * np.log(p)).sum())


def kl(codes: Codes) -> NDArray[np.float64]:
    """KL(q(z_j|x) || N(0, 1)) of each latent [d], mean over rows, nats: near 0 where the latent is not used."""
    nats: NDArray[np.float64] = 0.5 * (codes.mean**2 + np.exp(codes.logvar) - codes.logvar - 1).mean(0)
    return nats


def names(encoded: Encoded) -> tuple[str, ...]:
    """Each latent with the factor that it is most informative of, as in `z2 posX`; an unused one is `z2` alone."""
    matrix, nats = shares(encoded.codes.mean, encoded.factors), kl(encoded.codes)
    informative = (matrix.max(1) >= INFORMATIVE) & (nats >= USED)
    factors = encoded.model.dataset.factors.names
    return tuple(f"z{i} {factors[j]}" if informative[i] else f"z{i}" for i, j in enumerate(matrix.argmax(1)))


def frame(encoded: Encoded) -> pl.DataFrame:
    """The matrix as a tidy frame: latent, factor, share, and the latent's kl in nats."""
    matrix, nats = shares(encoded.codes.mean, encoded.factors), kl(encoded.codes)
    return pl.DataFrame(
        {"latent": f"z{i}", "factor": name, "share": float(matrix[i, j]), "kl": float(nats[i])}
        for i in range(len(matrix))
        for j, name in enumerate(encoded.model.dataset.factors.names)
    )


def chart(frame: pl.DataFrame) -> dict[str, Any]:
    """The matrix as a Vega-Lite chart: percentages in the cells, each latent's KL beside its name."""
    rows = frame.with_columns(pl.format("{}  ({} nats)", "latent", pl.col("kl").round(2)).alias("row"))
    share = {"field": "share", "type": "quantitative"}
    colour = {"scale": {"domain": [0, 1], "range": ["#f4f2ee", "#1B6CA8"], "interpolate": "rgb"}, "legend": None}
    ink = {"condition": {"test": "datum.share > 0.5", "value": "white"}, "value": "#1d1d1f"}
    return {
        "title": "Information of each latent about each factor, in % of the factor's entropy",
        "data": {"values": rows.to_dicts()},
        "width": 96 * frame["factor"].n_unique(),
        "height": 28 * frame["latent"].n_unique(),
        "encoding": {
            "x": {"field": "factor", "sort": None, "title": "factor", "axis": {"labelAngle": 0, "orient": "top"}},
            "y": {"field": "row", "sort": None, "title": "latent (KL to the prior)"},
        },
        "layer": [
            {"mark": "rect", "encoding": {"color": {**share, **colour}}},
            {"mark": {"type": "text", "fontSize": 12}, "encoding": {"text": {**share, "format": ".0%"}, "color": ink}},
        ],
    }
