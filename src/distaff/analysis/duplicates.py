"""Runs whose mathematics is another method's: `beta_tc_vae(beta=1)` is `beta_vae(beta=1)`, and is no second sample.

A method declares it at its decorator, `same_as=({"beta": 1}, "beta_vae(beta=1)")`: with these values its loss is that
of the other. A mark holds on every device; equal scores would be a sign of it only where every bit is the same.
"""

from __future__ import annotations

import functools

import polars as pl

from distaff.analysis.settings import complete
from distaff.errors import DistaffError
from distaff.plugins.registry import METHODS

OF_METHOD = ("id", "method", "strength", "strength_index", "spec", "setting", "configuration", "critic", "optim")
NUMBER = ("representation", "metric", "about", "value")


@functools.lru_cache(maxsize=4096)
def canonical_method(spec: str) -> str:
    """The method that `spec` is by another name, in the text that both share; else `spec` itself."""
    try:
        method = METHODS.parse(spec)
    except DistaffError:  # a table may hold methods whose file is elsewhere
        return spec
    values, other = METHODS.plugin(method.name).marks.get("same_as", ({}, ""))
    equal = bool(values) and all(method[name] == float(value) for name, value in values.items())
    return str(METHODS.parse(other)) if equal else spec


def without_duplicates(table: pl.DataFrame) -> pl.DataFrame:
    """The table without runs that it also holds under another name: same data set, seed and all else but the method."""
    names = {spec: canonical_method(spec) for spec in table["spec"].unique().to_list()}
    if all(spec == name for spec, name in names.items()):
        return table
    table = complete(table)
    same = [name for name in table.columns if name not in (*OF_METHOD, *NUMBER)]
    canonical = pl.col("spec").replace_strict(names, return_dtype=pl.String)
    optim_without_critic = (
        pl.col("optim").cast(pl.String).str.replace(r", critic_.*$", "")
    )  # which only one of them has
    runs = table.select("id", "spec", *same, canonical=canonical, optim=optim_without_critic).unique("id")
    chosen = runs.sort(pl.col("spec") != pl.col("canonical"), "spec").unique(
        [*same, "canonical", "optim"], keep="first"
    )
    ids = pl.concat([runs.filter(pl.col("spec") == pl.col("canonical"))["id"], chosen["id"]]).unique()
    return table.filter(pl.col("id").is_in(ids.implode()))
