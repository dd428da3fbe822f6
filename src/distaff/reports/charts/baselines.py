"""What models score before any training, as a grey zone behind those that were trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from distaff.analysis.scores import is_part
from distaff.metrics.baselines import expected
from distaff.reports.pages.facts import StudyFacts

ENDS = ("untrained_low", "untrained_high")


def spans(untrained: pl.DataFrame | None) -> pl.DataFrame:
    """The least and the greatest score of mean codes of untrained models, a row a metric; none without a table."""
    if untrained is None:
        return pl.DataFrame(schema={"metric": pl.String, **dict.fromkeys(ENDS, pl.Float64)})
    kept = untrained.filter((pl.col("representation") == "mean") & (pl.col("method") == "untrained"))
    return kept.group_by("metric").agg(pl.col("value").min().alias(ENDS[0]), pl.col("value").max().alias(ENDS[1]))


def zone(part: pl.DataFrame, title: str) -> list[alt.Chart]:
    """A layer from end to end of the `spans` that were joined to a frame of one metric, if there are any."""
    ends = part.select(ENDS).drop_nulls().head(1)
    y = alt.Y(f"{ENDS[0]}:Q", title=title)
    return (
        [alt.Chart(ends).mark_rect(opacity=0.16, style="floor").encode(y=y, y2=f"{ENDS[1]}:Q")] if ends.height else []
    )


def limits(study: StudyFacts, metrics: Sequence[str], floor: pl.DataFrame | None) -> dict[str, Any]:
    """For each data set and score: of noise, of a perfect code, and the least and the greatest of untrained models.

    As measured, else the first two as the factors' numbers of values give them; null where neither is known.
    """
    measured = {} if floor is None else {str(name): part for (name,), part in floor.group_by("dataset")}
    headed = [name for name in metrics if not is_part(name)]
    found = {
        dataset: {name: _ends(name, study.grids.get(dataset, ()), measured.get(dataset)) for name in headed}
        for dataset in sorted({*study.grids, *measured})
    }
    return {dataset: {name: ends for name, ends in of.items() if any(ends)} for dataset, of in found.items()}


def _ends(metric: str, sizes: Sequence[int], floor: pl.DataFrame | None) -> list[float | None]:
    known = expected(metric.partition("(")[0], sizes)
    ends: list[float | None] = [*known] if known else [None, None]
    if floor is None:
        return _rounded([*ends, None, None])
    here = floor.filter((pl.col("metric") == metric) & (pl.col("representation") == "mean"))
    for place, name in enumerate(("noise", "perfect")):
        ends[place] = next(iter(here.filter(pl.col("method") == name)["value"]), ends[place])
    span = spans(here)
    return _rounded([*ends, *(span[0, name] if span.height else None for name in ENDS)])


def _rounded(ends: Sequence[float | None]) -> list[float | None]:
    return [None if end is None else round(end, 4) for end in ends]
