"""The page of a method: what it is, and the scores of each of its settings on every data set."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import altair as alt
import polars as pl

from distaff.plugins.registry import METHODS
from distaff.reports.charts.theme import HUES, dashes, label, metric_label
from distaff.reports.pages import page


def body(method: str, settings: pl.DataFrame, runs: pl.DataFrame) -> tuple[str, Mapping[str, dict[str, Any]]]:
    """The page of one method as HTML and its charts, from the medians of its settings by data set and metric."""
    of_method = settings.filter(pl.col("method") == method)
    done = runs.filter((pl.col("method") == method) & (pl.col("status") == "done"))
    charts = {
        metric: _chart(of_method.filter(pl.col("metric") == metric), metric).to_dict() for metric in _metrics(of_method)
    }
    places = "".join(page.chart(metric, metric_label(metric), keyed=False, height=200) for metric in charts)
    drawn = f'<section class="figure"><div class="charts three">{places}</div></section>' if charts else ""
    plugin = METHODS.known(method)
    search = f"{method}(" if all("(" in spec for spec in runs["spec"]) else method  # dip_vae_i( is not dip_vae_ii(
    purpose = f"<p class='purpose'>{escape(plugin.summary)}</p>" if plugin else ""
    lead = (
        f'<header class="lead"><p class="eyebrow">Method</p><h1>{escape(label(method))}</h1>{purpose}'
        f'<p class="sub">{done.height:,} runs finished · <a href="runs.html#{escape(search)}">see them</a></p></header>'
    )
    return lead + drawn + _table(of_method), charts


def _metrics(of_method: pl.DataFrame) -> list[str]:
    return of_method["metric"].unique(maintain_order=True).to_list()


def _chart(part: pl.DataFrame, metric: str) -> alt.LayerChart:
    datasets = sorted(part["dataset"].unique().to_list())
    key = alt.Legend(title=None, orient="top", columns=3) if len(datasets) > 1 else None
    hue = alt.Color("dataset:N", scale=alt.Scale(domain=datasets, range=HUES), legend=key)
    y = alt.Y("median:Q", title=metric_label(metric), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    x = alt.X("strength:O", title="strength", axis=alt.Axis(labelAngle=0))
    core = alt.Chart(part).encode(x=x, color=hue, detail="variant:N")
    tip = [
        "label:N",
        "dataset:N",
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("median", "low", "high")),
        "n:Q",
    ]
    band = core.mark_area(opacity=0.16).encode(y=alt.Y("low:Q", title=metric_label(metric)), y2="high:Q")
    dots = core.mark_point(filled=True, size=50, opacity=1).encode(y=y, tooltip=tip)
    chart: alt.LayerChart = (band + core.mark_line(strokeWidth=2).encode(y=y, **dashes(part)) + dots).properties(
        width="container", height=200
    )
    return chart


def _table(of_method: pl.DataFrame) -> str:
    """The median and its interval of every setting, a column a metric."""
    if of_method.is_empty():
        return '<p class="absent">No run of this method has been scored yet.</p>'
    names = _metrics(of_method)
    heads = "".join(f'<th class="num" scope="col">{escape(metric_label(name))}</th>' for name in names)
    rows = []
    for (dataset, setting, _), part in of_method.group_by("dataset", "label", "setting", maintain_order=True):
        by_metric = {row["metric"]: row for row in part.iter_rows(named=True)}
        numbers = "".join(f'<td class="num">{_number(by_metric.get(name))}</td>' for name in names)
        link = f'<a href="runs.html#{escape(f"{setting} {dataset}")}">{escape(str(setting))}</a>'
        rows.append(
            f"<tr><td>{link}</td><td>{escape(str(dataset))}</td><td class='num'>{max(part['n'])}</td>{numbers}</tr>"
        )
    first = '<th scope="col">setting</th><th scope="col">data set</th><th class="num" scope="col">seeds</th>'
    table = f"<table><thead><tr>{first}{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    title = '<p class="eyebrow">Every setting</p><h2>Medians and their 95 % intervals</h2>'
    return f'<section class="figure"><header>{title}</header><div class="scroll" tabindex="0">{table}</div></section>'


def _number(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    ends = f" <small>{row['low']:.3f}–{row['high']:.3f}</small>" if row["low"] is not None else ""
    return f"{row['median']:.3f}{ends}"
