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
def plain(spec: str) -> str:
    """The method that `spec` is by another name, in the one text of both; `spec` itself where it is its own."""
    try:
        found = METHODS.parse(spec)
    except DistaffError:  # a table may hold methods whose file is elsewhere
        return spec
    values, other = METHODS.plugin(found.name).marks.get("same_as", ({}, ""))
    alike = bool(values) and all(found[name] == float(value) for name, value in values.items())
    return str(METHODS.parse(other)) if alike else spec


def counted_once(table: pl.DataFrame) -> pl.DataFrame:
    """The table without runs that stand in it under another name: same data set, seed and all else but the method."""
    names = {spec: plain(spec) for spec in table["spec"].unique().to_list()}
    if all(spec == name for spec, name in names.items()):
        return table
    table = complete(table)
    same = [name for name in table.columns if name not in (*OF_METHOD, *NUMBER)]
    plainly = pl.col("spec").replace_strict(names, return_dtype=pl.String)
    without_critic = pl.col("optim").cast(pl.String).str.replace(r", critic_.*$", "")  # which only one of them has
    runs = table.select("id", "spec", *same, plain=plainly, optim=without_critic).unique("id")
    first = runs.sort(pl.col("spec") != pl.col("plain"), "spec").unique([*same, "plain", "optim"], keep="first")
    kept = pl.concat([runs.filter(pl.col("spec") == pl.col("plain"))["id"], first["id"]]).unique()
    return table.filter(pl.col("id").is_in(kept.implode()))
