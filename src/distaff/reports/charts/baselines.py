"""The scores of untrained models, of noise and of a perfect code: a grey zone behind trained models, and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import polars as pl

from distaff.analysis.scores import is_part
from distaff.metrics.baselines import expected

UNTRAINED_RANGE = ("untrained_low", "untrained_high")


def untrained_range(untrained: pl.DataFrame | None) -> pl.DataFrame:
    """The least and the greatest score of mean codes of untrained models, a row a metric; none without a table."""
    if untrained is None:
        return pl.DataFrame(schema={"metric": pl.String, **dict.fromkeys(UNTRAINED_RANGE, pl.Float64)})
    rows = untrained.filter((pl.col("representation") == "mean") & (pl.col("method") == "untrained"))
    low, high = UNTRAINED_RANGE
    return rows.group_by("metric").agg(pl.col("value").min().alias(low), pl.col("value").max().alias(high))


def untrained_zone(part: pl.DataFrame, title: str) -> list[alt.Chart]:
    """A layer over the `untrained_range` that was joined to a frame of one metric, none where it is null."""
    known = part.select(UNTRAINED_RANGE).drop_nulls().head(1)
    if known.is_empty():
        return []
    low, high = UNTRAINED_RANGE
    rectangle = alt.Chart(known).mark_rect(opacity=0.16, style="baseline")
    return [rectangle.encode(y=alt.Y(f"{low}:Q", title=title), y2=f"{high}:Q")]


def baseline_scores(
    grids: Mapping[str, Sequence[int]], metrics: Sequence[str], baselines: pl.DataFrame | None
) -> dict[str, dict[str, list[float | None]]]:
    """For each data set and score: of noise, of a perfect code, and the least and the greatest of untrained models.

    As measured in the table `baselines`, else the first two as computed from the factor sizes in `grids`; null where
    neither is known.
    """
    measured = {} if baselines is None else {str(name): part for (name,), part in baselines.group_by("dataset")}
    headlines = [name for name in metrics if not is_part(name)]
    scores = {
        dataset: {name: _of_metric(name, grids.get(dataset, ()), measured.get(dataset)) for name in headlines}
        for dataset in sorted({*grids, *measured})
    }
    return {dataset: {name: row for name, row in rows.items() if any(row)} for dataset, rows in scores.items()}


def _of_metric(metric: str, sizes: Sequence[int], baselines: pl.DataFrame | None) -> list[float | None]:
    computed = expected(metric.partition("(")[0], sizes)
    scores: list[float | None] = [*computed] if computed else [None, None]
    if baselines is None:
        return _rounded([*scores, None, None])
    rows = baselines.filter((pl.col("metric") == metric) & (pl.col("representation") == "mean"))
    for place, name in enumerate(("noise", "perfect")):
        scores[place] = next(iter(rows.filter(pl.col("method") == name)["value"]), scores[place])
    untrained = untrained_range(rows)
    return _rounded([*scores, *(untrained[0, name] if untrained.height else None for name in UNTRAINED_RANGE)])


def _rounded(scores: Sequence[float | None]) -> list[float | None]:
    return [None if score is None else round(score, 4) for score in scores]
