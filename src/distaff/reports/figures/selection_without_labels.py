"""What choosing a setting by a score without labels is worth against a model at random."""

from __future__ import annotations

import altair as alt
import polars as pl

from distaff.analysis.paper import comparable
from distaff.analysis.selection import PUBLISHED, selection
from distaff.reports import Figure, figure
from distaff.reports.charts.theme import metric_label

ABOVE = 0.5  # the rate of a random setting where nothing is tied


@figure(
    title="Choosing without labels, as a game",
    question="What is a choice without labels worth against a model taken at random?",
    reading="At each seed the setting with the best score is trained again with another seed; the dot is how often "
    "it then beats or ties a random model, averaged over the metrics. Left of the line a random choice is better. For "
    "losses, total and Wasserstein correlation and information, less is taken to be better; of ELBO and UDR, more. The "
    "paper's choice by the same metric, with labels, had 80.7 %.",
    interval="The bar is the 95 % bootstrap interval over seeds; fewer than four seeds have none.",
    order=62,
    paper="Table 1, for scores without labels",
    legend=False,
    columns=1,
)
def selection_without_labels(table: pl.DataFrame, *, seed: int = 0) -> Figure:
    """The probability that a setting chosen without labels beats a random model, comparable with Table 1 of the paper.

    Raises `DistaffError` where scores of one kind are missing, or there are fewer than two seeds.
    """
    frame = selection(*comparable(table), seed=seed)
    data = frame.with_columns(pl.col("selector").map_elements(metric_label, return_dtype=pl.String).alias("score"))
    domain = [
        min(0.4, *frame["low"].drop_nulls(), *frame["probability"]),
        max(0.85, *frame["high"].drop_nulls(), *frame["probability"]),
    ]
    y = alt.Y("score:N", sort=data["score"].to_list(), title=None, axis=alt.Axis(labelOverlap=False))
    title = "beats or ties a random model"
    tip = ["score:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("probability", "low", "high", "regret"))]
    core = alt.Chart(data).encode(y=y)
    scale = alt.Scale(domain=domain, zero=False)
    marks = {"chance": ABOVE, "with labels, in the paper": PUBLISHED[True, True]}
    rules = [alt.Chart(pl.DataFrame({"x": [x], "what": [what]})) for what, x in marks.items()]
    x = alt.X("probability:Q", title=title, axis=alt.Axis(format=".0%", grid=True, tickCount=6), scale=scale)
    place = alt.X("x:Q", title=title, scale=scale)
    chart = (
        rules[0].mark_rule(strokeDash=[4, 4], style="soft").encode(x=place)
        + rules[1].mark_rule(strokeDash=[4, 4], style="soft").encode(x=place)
        + rules[0].mark_text(align="center", y=-8, style="note").encode(x=place, text="what:N")
        + rules[1].mark_text(align="right", y=-8, style="note").encode(x=place, text="what:N")
        + core.mark_rule(strokeWidth=2.5, color="#0072B2").encode(
            x=alt.X("low:Q", title=title, scale=scale), x2="high:Q"
        )
        + core.mark_circle(size=90, opacity=1, color="#0072B2").encode(x=x, tooltip=tip)
    ).properties(width="container", height=34 * frame.height + 10)
    return Figure(frame, {"": chart}, f"{frame['settings'][0]} settings, {frame['seeds'][0]} seeds.")
