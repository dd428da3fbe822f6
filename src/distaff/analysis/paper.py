"""What of a study the 2019 paper speaks of: its six metrics, and its methods at the strengths that it tried.

A claim is tested on these, whatever else a study has: another metric, or a strength that the paper never had, would
decide about a sentence that does not speak of it.
"""

from __future__ import annotations

import polars as pl

from distaff.analysis.scores import paper_six, supervised

RANGES = {  # of the strength of each method, the ends included: studies/unsupervised_2019.py
    "beta_vae": (1, 16),
    "factor_vae": (10, 100),
    "dip_vae_i": (1, 50),
    "dip_vae_ii": (1, 50),
    "beta_tc_vae": (1, 10),
    "annealed_vae": (5, 100),
}


def in_range(table: pl.DataFrame) -> pl.DataFrame:
    """The runs of the paper's methods at strengths within its ranges."""
    strength = pl.col("strength")
    inside = [(pl.col("method") == name) & strength.is_between(*ends) for name, ends in RANGES.items()]
    return table.filter(pl.any_horizontal(inside))


def comparable(table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """What a figure shows beside published numbers: runs and metrics of the paper, or all where there are too few."""
    kept = in_range(table)
    if kept.is_empty() or kept.n_unique("spec") < 2:
        kept = table
    return kept, paper_six(kept) or supervised(kept)
