"""Table 1 of the paper: how often a transferred setting beats a random model."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.analysis.paper import comparable
from distaff.analysis.selection import transfer_game as game
from distaff.reports import Figure, figure

NAMES = {
    ("same", "same"): "same metric, same data set",
    ("different", "same"): "another metric, same data set",
    ("same", "different"): "same metric, another data set",
    ("different", "different"): "another metric and data set",
}


@figure(
    title="The transfer game",
    question="Does a setting that was good once stay good, with another seed, metric or data set?",
    reading="The best setting of one seed is trained again with another seed, and judged as named by the row. The dot "
    "is how often it beats or ties a random model; the ring is what the paper found on seven data sets; the grey tick "
    "is the rate of a random setting. Settings and metrics are those of the paper, where the study has them.",
    interval="The bar is the 95 % bootstrap interval over seeds; every outcome of the game is counted, none is "
    "drawn. Fewer than four seeds have no interval.",
    order=10,
    paper="Tables 1 and 6",
    legend=False,
    study=True,
    columns=1,
)
def transfer_game(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """The probability that a transferred setting beats or ties a random model. Tables 1 and 6 of the paper.

    Raises `DistaffError` where fewer than two settings or seeds have the same scores.
    """
    frame = game(*comparable(table), seed=seed)
    names = [NAMES[row] for row in frame.select("metric", "dataset").rows()]
    data = frame.with_columns(pl.Series("judged by", names, dtype=pl.String))
    shown = [name for name in NAMES.values() if name in names]
    low = min(0.45, *frame["low"].drop_nulls(), *frame["probability"], *frame["chance"])
    title = "beats or ties a random model"
    scale = alt.Scale(domain=[low, 1.0], zero=False)
    x = alt.X("probability:Q", title=title, axis=alt.Axis(format=".0%", grid=True, tickCount=6), scale=scale)
    tip = ["judged by:N", *(alt.Tooltip(f"{n}:Q", format=".3f") for n in ("probability", "low", "high", "published"))]
    core = alt.Chart(data).encode(y=alt.Y("judged by:N", sort=shown, title=None, axis=alt.Axis(labelOverlap=False)))
    chart = (
        core.mark_tick(thickness=2, size=22, style="soft").encode(x=alt.X("chance:Q", title=title, scale=scale))
        + core.mark_rule(strokeWidth=2.5, color="#0072B2").encode(
            x=alt.X("low:Q", title=title, scale=scale), x2="high:Q"
        )
        + core.mark_point(size=110, filled=False, style="ring").encode(
            x=alt.X("published:Q", title=title, scale=scale), tooltip=tip
        )
        + core.mark_circle(size=90, opacity=1, color="#0072B2").encode(x=x, tooltip=tip)
    ).properties(width="container", height=44 * frame.height)
    row = frame.row(0, named=True)
    count = table["dataset"].n_unique()
    return Figure(
        frame, {"": chart}, f"{count} data set{'s' * (count != 1)}, {row['settings']} settings, {row['seeds']} seeds."
    )
