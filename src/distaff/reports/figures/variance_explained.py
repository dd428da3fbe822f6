"""How much of each score's variance the method explains, how much its setting, and how much is the seed."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.analysis.paper import comparable
from distaff.analysis.scores import supervised
from distaff.analysis.variance import variance_explained as shares
from distaff.errors import DistaffError
from distaff.reports import Figure, figure
from distaff.reports.charts.theme import metric_label

PARTS = ("method", "setting", "seed")


@figure(
    title="What decides the score",
    question="How much is the method, how much its setting, and how much is luck?",
    reading="Each bar splits the variance of one score over all runs: what the method explains, what the rest of "
    "the setting adds (strength, and whatever else varies), and what is left to the seed. The paper found "
    "about 37, 22 and 41 per cent, over seven data sets.",
    interval="Shares are in-sample, as published: they flatter method and setting where seeds are few. The numbers "
    "give the adjusted share beside them, with its 95 % bootstrap interval.",
    order=50,
    paper="Table 5",
    legend=False,
    columns=1,
)
def variance_explained(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """The R^2 of each score on method, and on setting. Table 5 of the paper.

    Raises `DistaffError` where no score varies.
    """
    frame = shares(comparable(table)[0], supervised(table), seed=seed).drop_nulls("r2")
    if frame.is_empty():
        raise DistaffError("no disentanglement score varies between the runs: there is no variance to explain")
    split = frame.pivot("predictor", index=["dataset", "metric"], values="r2").with_columns(
        (pl.col("setting") - pl.col("method")).alias("setting"), (1 - pl.col("setting")).alias("seed")
    )
    data = split.unpivot(PARTS, index="metric", variable_name="part", value_name="share").with_columns(
        pl.col("metric").replace_strict({name: metric_label(name) for name in split["metric"]}),
        pl.col("part").replace_strict({name: place for place, name in enumerate(PARTS)}).alias("place"),
    )
    x = alt.X(
        "share:Q",
        stack="zero",
        title="share of the variance",
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, 1]),
    )
    colours = alt.Color(
        "part:N",
        sort=list(PARTS),
        scale=alt.Scale(domain=list(PARTS), range=["#0072B2", "#56B4E9", "#A5A29A"]),
        legend=alt.Legend(title=None, orient="top"),
    )
    core = alt.Chart(data).encode(
        y=alt.Y("metric:N", sort=[metric_label(name) for name in supervised(table)], title=None), x=x, order="place:Q"
    )
    bars = core.mark_bar(size=24, stroke="white", strokeWidth=0.5).encode(
        color=colours, tooltip=["metric:N", "part:N", alt.Tooltip("share:Q", format=".0%")]
    )
    chart = bars.properties(width="container", height=max(90, 44 * split.height))
    return Figure(frame, {"": chart}, f"{max(frame['n'])} runs, {max(frame['levels'])} settings.")
