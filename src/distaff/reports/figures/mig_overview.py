"""The MIG of every setting beside that of untrained models."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.analysis.intervals import medians
from distaff.analysis.scores import scores
from distaff.analysis.settings import POINT, labelled
from distaff.reports import Figure, figure
from distaff.reports.charts.baselines import untrained_range
from distaff.reports.charts.theme import colour, in_order, label, metric_label


@figure(
    title="MIG of every setting",
    question="Which settings score higher than an untrained network does by chance?",
    reading="One row a setting, every pale dot one seed, the large dot their median. The grey zone ends at the best "
    "untrained model of any network here: a median to its right has learned something that luck does not give.",
    interval="The bar is the 95 % bootstrap interval of the median over seeds.",
    order=5,
    untrained=True,
    columns=1,
)
def mig_overview(
    table: pl.DataFrame, *, metric: str = "mig", untrained: pl.DataFrame | None = None, seed: int = 0
) -> Figure:
    """The median score of each setting, with every seed, and the best of its network's untrained models.

    `frame` holds for each setting whether its median lies above that (null without untrained models). Raises
    `DistaffError` where the table does not hold the metric.
    """
    rows = scores(table, metric)
    rows = labelled(rows, table)
    frame = medians(rows, [*POINT, "network", "label", "variant"], seed=seed)
    best = {name: _untrained_best(untrained, metric, name) for name in frame["network"].unique().to_list()}
    frame = frame.with_columns(pl.Series("untrained_best", [best[name] for name in frame["network"]], dtype=pl.Float64))
    untrained_best = max((score for score in best.values() if score is not None), default=None)
    frame = frame.with_columns((pl.col("median") > pl.col("untrained_best")).alias("above_untrained"))
    above = (
        ""
        if untrained_best is None
        else f" {frame['above_untrained'].sum()} of {frame.height} medians lie above the best untrained model."
    )
    n = f"{rows['id'].n_unique()} runs in {frame.height} settings.{above}"
    return Figure(frame, {"": _chart(rows, frame, metric_label(metric), untrained_best)}, n)


def _untrained_best(untrained: pl.DataFrame | None, metric: str, network: str | None) -> float | None:
    """The best score of the untrained models of a network; of all, where the network of one side is not known."""
    if untrained is not None and network is not None and "network" in untrained.columns:
        of_network = untrained.filter((pl.col("network") == network) | pl.col("network").is_null())
        untrained = of_network if of_network.height else untrained
    return next(iter(untrained_range(untrained).filter(pl.col("metric") == metric)["untrained_high"]), None)


def _chart(rows: pl.DataFrame, frame: pl.DataFrame, title: str, untrained_best: float | None) -> alt.LayerChart:
    methods = in_order(rows["method"])
    names = pl.col("method").replace_strict({name: label(name) for name in methods}).alias("Method")
    place = {name: number for number, name in enumerate(methods)}
    ordered = frame.sort(pl.col("method").replace_strict(place, return_dtype=pl.Int64), "strength_index", "label")
    y = alt.Y(
        "label:N",
        sort=ordered["label"].to_list(),
        title=None,
        axis=alt.Axis(labelFontSize=11, grid=True, labelLimit=420),
    )
    x = alt.X("value:Q", title=title, axis=alt.Axis(grid=True, tickCount=6))
    tip = ["label:N", alt.Tooltip("median:Q", format=".3f"), alt.Tooltip("low:Q", format=".3f")]
    tip += [alt.Tooltip("high:Q", format=".3f"), "n:Q"]
    seeds = alt.Chart(rows.select("label", "method", "seed", "value").with_columns(names)).encode(y=y)
    middle = alt.Chart(frame.with_columns(names)).encode(y=y, color=colour(methods))
    layers = [
        seeds.mark_circle(size=34, opacity=0.45).encode(x=x, color=colour(methods)),
        middle.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q", title=title), x2="high:Q"),
        middle.mark_circle(size=90, opacity=1).encode(x=alt.X("median:Q", title=title), tooltip=tip),
    ]
    if untrained_best is not None:
        zone = alt.Chart(pl.DataFrame({"from": [0.0], "to": [untrained_best]}))
        layers.insert(
            0, zone.mark_rect(opacity=0.16, style="baseline").encode(x=alt.X("from:Q", title=title), x2="to:Q")
        )
    chart: alt.LayerChart = alt.LayerChart(layer=layers).properties(
        width="container", height=max(120, 17 * frame.height)
    )
    return chart
