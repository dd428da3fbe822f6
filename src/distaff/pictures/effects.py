"""What setting one factor does to a latent while another varies: the picture behind the robustness score IRS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.pictures.latent_factors import shares
from distaff.pictures.model import Encoded

GROUPS = 8  # neighbouring values of a factor that has more are put together, so that every mean has rows behind it


def groups(values: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The first value of the group of each value: itself for up to `GROUPS` values, else one of `GROUPS`."""
    if size <= GROUPS:
        return values
    group = values * GROUPS // size
    return -(-group * size // GROUPS)


def frame(encoded: Encoded) -> pl.DataFrame:
    """The response of each latent to its parent (the factor it is most informative of), alone and with another held.

    After the interventional effects of Suter et al. (2019), "Robustly disentangled causal mechanisms". A row
    is a latent, its `parent`, the value `at` which that is set, and the `mean`, `median` and `std` of the latent over
    all else; where `factor` is another than the parent, the mean with that factor held at `held` as well.
    """
    z, dataset = encoded.codes.mean, encoded.model.dataset
    matrix = shares(z, encoded.factors)
    sizes, names = dataset.factors.sizes, dataset.factors.names
    grouped = np.stack([groups(encoded.factors[:, j], sizes[j]) for j in range(len(sizes))], axis=1)
    frames: list[pl.DataFrame] = []
    for i, parent in enumerate(matrix.argmax(1)):
        for j, factor in enumerate(names):
            rows = pl.DataFrame({"at": grouped[:, parent], "held": grouped[:, j], "z": z[:, i].astype(np.float64)})
            by = ["at"] if j == parent else ["at", "held"]
            effects = rows.group_by(by).agg(
                pl.col("z").mean().alias("mean"),
                pl.col("z").median().alias("median"),
                pl.col("z").std(ddof=0).alias("std"),
            )
            if j == parent:
                effects = effects.with_columns(pl.lit(None, dtype=pl.Int64).alias("held"))
            names_of_row = [
                pl.lit(f"z{i}").alias("latent"),
                pl.lit(names[parent]).alias("parent"),
                pl.lit(factor).alias("factor"),
            ]
            frames.append(effects.select(*names_of_row, "at", "held", "mean", "median", "std").sort("at", "held"))
    return pl.concat(frames)


def chart(frame: pl.DataFrame, sizes: Mapping[str, int]) -> dict[str, Any]:
    """A row a latent, a panel a factor, as a Vega-Lite chart: in its parent's panel the mean, median and spread.

    In the panel of another factor is one line for each value it is held at: lines that lie on each other show that this
    factor leaves the latent alone. `sizes` are the numbers of values of the factors, by name.
    """
    share = pl.col("at") / (pl.col("parent").replace_strict(sizes, return_dtype=pl.Int64) - 1).clip(1)
    hue = pl.col("held") / (pl.col("factor").replace_strict(sizes, return_dtype=pl.Int64) - 1).clip(1)
    rows = frame.with_columns(
        pl.format("{} as {} is set", "latent", "parent").alias("row"),
        share.alias("at"),
        hue.alias("hue"),
        (pl.col("mean") - pl.col("std")).alias("low"),
        (pl.col("mean") + pl.col("std")).alias("high"),
    )
    low, high = rows.select(pl.col("mean").min().clip(upper_bound=-1), pl.col("mean").max().clip(1).alias("high")).row(
        0
    )
    scale = {"domain": [low, high], "nice": True}  # never less than the prior's: small moves shall look small
    y = {"field": "mean", "type": "quantitative", "title": None, "axis": {"tickCount": 4}, "scale": scale}
    ends = {"values": [0, 1], "labelExpr": "datum.value ? 'last' : 'first'", "labelFlush": True}
    alone, held = ({"filter": f"datum.hue {sign} null"} for sign in ("===", "!=="))
    colour = {"field": "hue", "type": "quantitative", "scale": {"scheme": "viridis"}, "legend": None}
    return {
        "title": {
            "text": "Mean of each latent as the factor it is most informative of goes from first to last value",
            "subtitle": [
                "Band and dashes: 1 sd and the median. Elsewhere a line for each value (dark to light) at which",
                "the factor above is held: where they lie on each other, it leaves the latent alone.",
            ],
        },
        "data": {"values": rows.to_dicts()},
        "facet": {
            "row": {"field": "row", "sort": None, "header": {"title": None, "labelAngle": 0, "labelAlign": "left"}},
            "column": {"field": "factor", "sort": list(sizes), "header": {"title": None, "labelFontWeight": 600}},
        },
        "spacing": 12,
        "spec": {
            "width": 120,
            "height": 64,
            "encoding": {"x": {"field": "at", "type": "quantitative", "title": None, "axis": ends}, "y": y},
            "layer": [
                {"transform": [held], "mark": {"type": "line", "strokeWidth": 1},
                 "encoding": {"detail": {"field": "held"}, "color": colour}},
                {"transform": [alone], "mark": {"type": "area", "clip": True, "opacity": 0.25, "color": "#1B6CA8"},
                 "encoding": {"y": {**y, "field": "low"}, "y2": {"field": "high"}}},
                {"transform": [alone], "mark": {"type": "line", "color": "#1B6CA8"}},
                {"transform": [alone],
                 "mark": {"type": "line", "strokeDash": [3, 3], "strokeWidth": 1, "color": "#1d1d1f"},
                 "encoding": {"y": {**y, "field": "median"}}},
            ],
        },
    }  # fmt: skip
