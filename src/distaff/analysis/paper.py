"""The part of a study that the 2019 paper is about: its six metrics, and its methods at the strengths that it tried.

A claim is tested on these, whatever else a study has: another metric, or a strength that the paper never had, would
decide about a sentence that is not about it.
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
    conditions = [(pl.col("method") == name) & strength.is_between(*ends) for name, ends in RANGES.items()]
    return table.filter(pl.any_horizontal(conditions))


def comparable(table: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """The runs and metrics to show beside published numbers: those of the paper, or all where there are too few."""
    inside_range = in_range(table)
    if inside_range.is_empty() or inside_range.n_unique("spec") < 2:
        inside_range = table
    return inside_range, paper_six(inside_range) or supervised(inside_range)
