"""The scorecard: every claim of the papers, assessed on one table of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from distaff.analysis.claims.claim import assess
from distaff.analysis.claims.evidence import evidence
from distaff.analysis.claims.published import CLAIMS


def scorecard(
    table: pl.DataFrame,
    *,
    grids: Mapping[str, Sequence[int]] | None = None,
    resamples: int = 400,
    seed: int = 0,
) -> pl.DataFrame:
    """Every claim on this table, a row each: value, low, high, verdict, more_seeds, needs, published, n and seeds.

    `verdict` is supported, contradicted, not enough evidence, or not applicable. Of the last two, `needs` names
    what is missing; of an open claim `more_seeds` is how many more a setting would take (null beyond a thousand).
    `comparisons` is how many claims have an interval, among which one in twenty is decided by luck where nothing is
    true. `settings` are those within the paper's range, from which all is computed, `left_out` the others. `grids` are
    the factor sizes of data sets, for the claim about noise.
    """
    study = evidence(table, grids=grids, resamples=resamples, seed=seed)
    numbers = {name: pl.Float64() for name in ("value", "low", "high", "seeds")}
    other = {"needs": pl.String(), "more_seeds": pl.Int64()}
    card = pl.DataFrame([assess(one, study) for one in CLAIMS.values()], schema_overrides={**numbers, **other})
    return card.with_columns(
        comparisons=pl.col("low").is_not_null().sum().cast(pl.Int64),
        settings=pl.lit(study.settings, pl.Int64),
        left_out=pl.lit(study.left_out, pl.Int64),
    )


def basis_text(card: pl.DataFrame) -> str:
    """A sentence on the basis of the verdicts of a scorecard: settings of the paper, and the number of comparisons."""
    comparisons, settings, left_out = card.select("comparisons", "settings", "left_out").row(0)
    inside = f"Of {settings + left_out} settings {settings} lie in the paper's range of methods and strengths"
    rest = f"{inside}; the others do not count here. " if left_out else ""
    made = "1 comparison is" if comparisons == 1 else f"{comparisons} comparisons are"
    chance = "where nothing is true, one in twenty is decided by luck"
    return f"{rest}{made} made, each with an interval of 95 %: {chance}."
