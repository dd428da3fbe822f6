"""A figure as files: its numbers as CSV and parquet, each chart as SVG and PDF, and the chart for the page."""

from __future__ import annotations

import math
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
class FigureJob:
    """One figure to draw: of `dataset`, or of all together under the name `study`."""

    name: str
    dataset: str

    @property
    def slug(self) -> str:
        """The name of its files, and of its anchor on a page."""
        return f"{self.name}-{page.slug(self.dataset)}"


@dataclass(frozen=True)
class DrawnFigure:
    """A figure for a page: its section and the specifications of its charts, or why it could not be drawn."""

    job: FigureJob
    section: str
    charts: Mapping[str, dict[str, Any]]
    missing: str = ""


def figures(*, study: bool) -> list[str]:
    """The figures of the whole study, or those of one data set, in the order of the page."""
    marks = {name: _marks(name) for name in FIGURES.names()}
    names = [name for name in marks if marks[name].get("study", False) == study]
    return sorted(names, key=lambda name: (marks[name]["order"], name))


def _marks(name: str) -> Mapping[str, Any]:
    """What a figure declares; a broken one stands last, once for the whole study, where its reason is shown."""
    try:
        return FIGURES.plugin(name).marks
    except DistaffError:
        return {"study": True, "order": math.inf, "title": name}


def draw_figure(
    job: FigureJob, table: pl.DataFrame, beside: Mapping[str, pl.DataFrame], out: Path, formats: Iterable[str]
) -> DrawnFigure:
    """Draw one figure of `table` into the folder `out`/figures."""
    marks, slug = _marks(job.name), job.slug
    try:
        figure = compute_figure(job, table, beside)
    except DistaffError as error:
        return DrawnFigure(job, "", {}, f"{marks['title']}: {error}")
    folder = out / "figures"
    links = [*_numbers(figure.frame, folder, slug)]
    charts, places = {}, []
    for number, (caption, chart) in enumerate(figure.charts.items()):
        this = slug if len(figure.charts) == 1 else f"{slug}-{number + 1}"
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
        page.write_file(folder / f"{slug}.tex", latex(figure.frame, marks["title"], slug))
        links.append(("numbers (LaTeX)", f"figures/{slug}.tex"))
    width = {1: "one", 2: "two", 3: "three"}[min(marks.get("columns", 2), len(figure.charts))]
    body = f'<div class="charts {width}">{"".join(places)}</div>'
    shown = "all data sets" if job.dataset == "study" else job.dataset
    return DrawnFigure(
        job, page.section(slug, marks, body, dataset=shown, guide=page.reading_guide(marks, figure.n, links)), charts
    )


def compute_figure(job: FigureJob, table: pl.DataFrame, beside: Mapping[str, pl.DataFrame]) -> Figure:
    """The figure of a job, with those of the tables `beside` that it requests: `untrained`, `repeats` and `matrices`.

    Raises `DistaffError` with what it needs where that is missing.
    """
    marks, requested = FIGURES.plugin(job.name).marks, {}
    for name in (name for name in beside if marks.get(name)):
        rows = beside[name].filter(pl.col("dataset") == job.dataset)
        requested[name] = rows if rows.height else None
    figure: Figure = FIGURES.function(job.name)(table, **requested)
    return figure


def _numbers(frame: pl.DataFrame, folder: Path, slug: str) -> list[tuple[str, str]]:
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_csv(folder / f"{slug}.csv")
    frame.write_parquet(folder / f"{slug}.parquet")
    return [
        (f"numbers ({kind})", f"figures/{slug}.{ending}") for kind, ending in (("CSV", "csv"), ("parquet", "parquet"))
    ]


def export(spec: dict[str, Any], path: Path, formats: Iterable[str]) -> list[str]:
    """The chart for paper, on white, of a fixed width and with a legend, in each format; returns file names."""
    import vl_convert

    fixed = {**spec, "width": WIDTH, "config": {**theme.config(), "background": "white"}}
    svg, names = vl_convert.vegalite_to_svg(fixed), []
    for kind in formats:
        if kind == "svg":
            page.write_file(path.with_name(f"{path.name}.svg"), svg)
        else:
            content = vl_convert.svg_to_pdf(svg) if kind == "pdf" else vl_convert.svg_to_png(svg, scale=3)
            page.write_file(path.with_name(f"{path.name}.{kind}"), content)
        names.append(f"{path.name}.{kind}")
    return names


def latex(frame: pl.DataFrame, caption: str, label: str) -> str:
    """The numbers of a figure as a table of the booktabs package."""

    def entry(value: object) -> str:
        if value is None:
            return "--"
        text = f"{value:.3g}" if isinstance(value, float) else str(value)
        return "".join(
            {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "β": r"$\beta$"}.get(c, c) for c in text
        )

    rows = [" & ".join(map(entry, row)) + r" \\" for row in frame.rows()]
    numbers = [kind.is_numeric() for kind in frame.dtypes]
    lines = [
        r"\begin{table}", r"\centering", rf"\caption{{{entry(caption)}}}", rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numbers)}}}", r"\toprule",
        " & ".join(map(entry, frame.columns)) + r" \\", r"\midrule", *rows, r"\bottomrule", r"\end{tabular}",
        r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def missing_list(drawn: Iterable[DrawnFigure]) -> str:
    """The figures that could not be drawn and what they need, as a list that can be opened."""
    items = "".join(f"<li>{escape(one.missing)}</li>" for one in drawn if one.missing)
    return f'<details class="absent"><summary>Not drawn</summary><ul>{items}</ul></details>' if items else ""


def charts_of(drawn: Iterable[DrawnFigure]) -> dict[str, Any]:
    """The specifications of all charts by their place on the page."""
    return {slug: spec for one in drawn for slug, spec in one.charts.items()}
