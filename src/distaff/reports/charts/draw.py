"""A figure as files: its numbers as CSV and parquet, each chart as SVG and PDF, and the chart for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from distaff.errors import DistaffError
from distaff.plugins.registry import FIGURES
from distaff.reports import Figure
from distaff.reports.charts import theme
from distaff.reports.pages import page

WIDTH = 460  # pixels of a chart on paper
FORMATS = ("svg", "pdf", "png", "latex")
ON_PAGE = ("svg", "pdf")


@dataclass(frozen=True)
class Job:
    """One figure to draw: of `dataset`, or of all together under the name `study`."""

    name: str
    dataset: str

    @property
    def slug(self) -> str:
        """Names its files, and its place on a page."""
        return f"{self.name}-{page.slug(self.dataset)}"


@dataclass(frozen=True)
class Drawn:
    """A figure for a page: its section and the specifications of its charts, or why it could not be drawn."""

    job: Job
    section: str
    charts: Mapping[str, dict[str, Any]]
    absent: str = ""


def figures(*, study: bool) -> list[str]:
    """The figures of the whole study, or those of one data set, in the order of the page."""
    marks = {name: FIGURES.plugin(name).marks for name in FIGURES.names()}
    kept = [name for name in marks if marks[name].get("study", False) == study]
    return sorted(kept, key=lambda name: (marks[name]["order"], name))


def draw(job: Job, table: pl.DataFrame, beside: Mapping[str, pl.DataFrame], out: Path, formats: Iterable[str]) -> Drawn:
    """Draw one figure of `table` into the folder `out`/figures."""
    marks, slug = FIGURES.plugin(job.name).marks, job.slug
    try:
        drawn = plot(job, table, beside)
    except DistaffError as error:
        return Drawn(job, "", {}, f"{marks['title']}: {error}")
    folder = out / "figures"
    links = [*_numbers(drawn.frame, folder, slug)]
    charts, places = {}, []
    for number, (caption, chart) in enumerate(drawn.charts.items()):
        this = slug if len(drawn.charts) == 1 else f"{slug}-{number + 1}"
        charts[this] = chart.to_dict(validate=False)  # altair checks each channel as it is made
        files = export(charts[this], folder / this, [name for name in formats if name != "latex"])
        places.append(
            page.chart(
                this,
                caption,
                keyed=marks.get("legend", True),
                height=charts[this].get("height", 240),
                files=[f"figures/{f}" for f in files],
            )
        )
    if "latex" in formats:
        page.write(folder / f"{slug}.tex", latex(drawn.frame, marks["title"], slug))
        links.append(("numbers (LaTeX)", f"figures/{slug}.tex"))
    width = {1: "one", 2: "two", 3: "three"}[min(marks.get("columns", 2), len(drawn.charts))]
    body = f'<div class="charts {width}">{"".join(places)}</div>'
    shown = "all data sets" if job.dataset == "study" else job.dataset
    return Drawn(job, page.section(slug, marks, body, dataset=shown, facts=page.facts(marks, drawn.n, links)), charts)


def plot(job: Job, table: pl.DataFrame, beside: Mapping[str, pl.DataFrame]) -> Figure:
    """The figure of a job, with what it asks for of the tables `beside`: `untrained`, `repeats` and `matrices`.

    Raises `DistaffError` with what it needs where that is not there.
    """
    marks, known = FIGURES.plugin(job.name).marks, {}
    for name in (name for name in beside if marks.get(name)):
        here = beside[name].filter(pl.col("dataset") == job.dataset)
        known[name] = here if here.height else None
    figure: Figure = FIGURES.function(job.name)(table, **known)
    return figure


def _numbers(frame: pl.DataFrame, folder: Path, slug: str) -> list[tuple[str, str]]:
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_csv(folder / f"{slug}.csv")
    frame.write_parquet(folder / f"{slug}.parquet")
    return [
        (f"numbers ({kind})", f"figures/{slug}.{ending}") for kind, ending in (("CSV", "csv"), ("parquet", "parquet"))
    ]


def export(spec: dict[str, Any], path: Path, formats: Iterable[str]) -> list[str]:
    """The chart for paper, on white, of a fixed width and with its own legend, in each format; returns file names."""
    import vl_convert

    fixed = {**spec, "width": WIDTH, "config": {**theme.config(), "background": "white"}}
    svg, made = vl_convert.vegalite_to_svg(fixed), []
    for kind in formats:
        if kind == "svg":
            page.write(path.with_name(f"{path.name}.svg"), svg)
        else:
            content = vl_convert.svg_to_pdf(svg) if kind == "pdf" else vl_convert.svg_to_png(svg, scale=3)
            page.write(path.with_name(f"{path.name}.{kind}"), content)
        made.append(f"{path.name}.{kind}")
    return made


def latex(frame: pl.DataFrame, caption: str, label: str) -> str:
    """The numbers of a figure as a table of the booktabs package."""

    def cell(value: object) -> str:
        if value is None:
            return "--"
        text = f"{value:.3g}" if isinstance(value, float) else str(value)
        return "".join(
            {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "β": r"$\beta$"}.get(c, c) for c in text
        )

    rows = [" & ".join(map(cell, row)) + r" \\" for row in frame.rows()]
    numbers = [kind.is_numeric() for kind in frame.dtypes]
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{cell(caption)}}}", rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numbers)}}}", r"\toprule",
        " & ".join(map(cell, frame.columns)) + r" \\", r"\midrule", *rows, r"\bottomrule", r"\end{tabular}",
        r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def absent(drawn: Iterable[Drawn]) -> str:
    """What could not be drawn and what it would need, as a list that can be opened."""
    items = "".join(f"<li>{escape(one.absent)}</li>" for one in drawn if one.absent)
    return f'<details class="absent"><summary>Not drawn</summary><ul>{items}</ul></details>' if items else ""


def charts_of(drawn: Iterable[Drawn]) -> dict[str, Any]:
    """The specifications of all charts by their place on the page."""
    return {slug: spec for one in drawn for slug, spec in one.charts.items()}
