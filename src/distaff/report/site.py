"""One static page for a study: it opens from disk, without a network, and says what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from distaff.analysis.scores import CELL, supervised
from distaff.errors import DistaffError
from distaff.registry import FIGURES
from distaff.report import Figure, page, story, theme

RUN_COLUMNS = ("spec", "dataset", "seed", "status", "seconds")


@dataclass(frozen=True)
class StudyFacts:
    """What the page says of a study beside its numbers: `made_with` holds versions and devices by name."""

    name: str
    purpose: str = ""
    command: str = ""
    planned: int | None = None
    made_with: Mapping[str, str] = field(default_factory=dict)


def build(
    study: StudyFacts,
    table: pl.DataFrame,
    runs: pl.DataFrame,
    pictures: Mapping[str, Mapping[str, str]],
    out: Path,
    untrained: pl.DataFrame | None = None,
) -> Path:
    """Write the report of a study to the folder `out` and return its index.html.

    Beside it: vega.js (all that charts need), scores.csv, runs.csv, and for each figure its numbers as CSV and each
    chart as SVG. Raises `DistaffError` where the [report] extra is missing or the study has no run.
    """
    if runs.is_empty():
        raise DistaffError("this study has no run to report on: start it with `distaff study run`")
    _write_bundle(out)
    charts: dict[str, dict[str, Any]] = {}
    parts = _parts(table)
    compared = table.filter(pl.col("dataset").is_in([dataset for dataset, _ in parts]))
    asked = [(name, "study", compared) for name in _names(study=True) if parts]
    asked += [(name, dataset, part) for dataset, part in parts for name in _names(study=False)]
    sections = [_figure(name, dataset, part, untrained, out, charts) for name, dataset, part in asked]
    told = story.tell(table, runs, study.planned)
    told.missing.extend(_small(table))
    done = runs.filter(pl.col("status") == "done")
    holes = {
        "title": escape(study.name),
        "purpose": escape(study.purpose),
        "tiles": _tiles(done),
        "ran": escape(told.ran),
        "found": escape(told.found),
        "limits": escape(told.limits),
        "missing": _notice(told.missing),
        "key": page.key(theme.looks(runs["method"])),
        "figures": "".join(sections)
        or '<p class="absent">No run has been scored yet, so there is nothing to draw.</p>',
        "pictures": _pictures(runs, pictures),
        "made": _made(study),
        "data": page.script(
            {
                "charts": charts,
                "themes": {"light": theme.config(), "dark": theme.config(dark=True)},
                "runs": _run_table(table, runs),
            }
        ),
    }
    table.write_csv(out / "scores.csv")
    runs.write_csv(out / "runs.csv")
    return _write(out / "index.html", page.document(holes))


def _write(path: Path, text: str) -> Path:
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    return aside.replace(path)


def _write_bundle(out: Path) -> None:
    try:
        import vl_convert
    except ImportError as error:
        raise DistaffError("reports need their extra: pip install 'distaff[report]'") from error
    (out / "figures").mkdir(parents=True, exist_ok=True)
    _write(out / "vega.js", vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))


def _parts(table: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The scores of each data set that has settings to compare, the one with most runs first."""
    parts = [(str(name), part) for (name,), part in table.group_by("dataset") if _settings(part) > 1]
    return sorted(parts, key=lambda named: (-named[1]["id"].n_unique(), named[0]))


def _names(*, study: bool) -> list[str]:
    """The figures of the whole study, or those of one data set, in the order of the page."""
    marks = {name: FIGURES.plugin(name).marks for name in FIGURES.names()}
    kept = [name for name in marks if marks[name].get("study", False) == study]
    return sorted(kept, key=lambda name: (marks[name]["order"], name))


def _settings(part: pl.DataFrame) -> int:
    return part.select(pl.struct(*CELL).n_unique()).item() if part.height else 0


def _small(table: pl.DataFrame) -> list[str]:
    return [
        f"{name} has {story.count(part['id'].n_unique(), 'scored run')} of one setting: too little for a figure,"
        " see the table."
        for (name,), part in table.group_by("dataset", maintain_order=True)
        if _settings(part) == 1
    ]


def _figure(
    name: str,
    dataset: str,
    table: pl.DataFrame,
    untrained: pl.DataFrame | None,
    out: Path,
    charts: dict[str, dict[str, Any]],
) -> str:
    """The section of one figure; where its scores are absent, what it would need."""
    marks = FIGURES.plugin(name).marks
    known = {}
    if marks.get("untrained") and untrained is not None:
        floor = untrained.filter(pl.col("dataset") == dataset)
        known = {"untrained": floor if floor.height else None}
    try:
        drawn: Figure = FIGURES.function(name)(table, **known)
    except DistaffError as error:
        body = f'<p class="absent">Not drawn: {escape(str(error))}</p>'
        return page.section(f"{name}-{dataset}", marks, body, dataset=dataset)
    slug = f"{name}-{dataset}"
    drawn.frame.write_csv(out / "figures" / f"{slug}.csv")
    links, places = [("numbers (CSV)", f"figures/{slug}.csv")], []
    for number, (caption, chart) in enumerate(drawn.charts.items()):
        this = slug if len(drawn.charts) == 1 else f"{slug}-{number + 1}"
        charts[this] = chart.to_dict()
        _write_svg(charts[this], out / "figures" / f"{this}.svg")
        places.append(page.chart(this, caption, keyed=marks.get("legend", True)))
        links.append((f"{caption or 'chart'} (SVG)", f"figures/{this}.svg"))
    width = {1: "one", 2: "two", 3: "three"}[min(marks.get("columns", 2), len(drawn.charts))]
    body = f'<div class="charts {width}">{"".join(places)}</div>'
    return page.section(slug, marks, body, dataset=dataset, facts=page.facts(marks, drawn.n, links))


def _write_svg(spec: dict[str, Any], path: Path) -> None:
    """The chart for print: on white, of a fixed width, with its own legend."""
    import vl_convert

    fixed = {**spec, "width": 460, "config": {**theme.config(), "background": "white"}}
    _write(path, vl_convert.vegalite_to_svg(fixed))


def _tiles(done: pl.DataFrame) -> str:
    cells = done.select(pl.struct(*CELL).n_unique()).item() if done.height else 0
    numbers = {
        "runs finished": done.height,
        "methods": done["method"].n_unique(),
        "settings": cells,
        "data sets": done["dataset"].n_unique(),
    }
    return "".join(f"<div><dt>{name}</dt><dd>{value:,}</dd></div>" for name, value in numbers.items())


def _notice(lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<aside class="notice"><h2>What is missing</h2><ul>{items}</ul></aside>'


def _made(study: StudyFacts) -> str:
    facts = " · ".join(f"{name} {value}" for name, value in study.made_with.items())
    again = f"Made again by <code>{escape(study.command)}</code>. " if study.command else ""
    return f"{again}{escape(facts)}"


def _pictures(runs: pl.DataFrame, pictures: Mapping[str, Mapping[str, str]]) -> str:
    by_id = {row["id"]: row for row in runs.filter(pl.col("id").is_in(list(pictures))).iter_rows(named=True)}
    chosen = [(by_id[name], found) for name, found in pictures.items() if name in by_id]
    if not chosen:
        return ""
    return (
        '<section class="shown" id="pictures"><header><p class="eyebrow">A few runs, as pictures</p>'
        "<h2>What did the models learn?</h2><p class='sub'>Reconstructions: odd columns are real, even ones "
        "reconstructed. Traversals: one row a latent, moved over its range while the others stay.</p></header>"
        f'<div class="cards">{page.pictures(chosen)}</div></section>'
    )


def _run_table(table: pl.DataFrame, runs: pl.DataFrame) -> dict[str, Any]:
    """The table of runs as columns and rows, with the scores of mean codes beside each run."""
    names = supervised(table)
    mean = table.filter((pl.col("representation") == "mean") & pl.col("metric").is_in(names))
    scored = (
        mean.pivot("metric", index="id", values="value")
        if mean.height
        else pl.DataFrame({"id": []}, schema={"id": pl.String})
    )
    joined = runs.join(scored, on="id", how="left", maintain_order="left")
    shown = [name for name in (*RUN_COLUMNS, *names, "command", "reason", "id") if name in joined.columns]
    labels = [theme.metric_label(name) if name in names else name for name in shown]
    rows = joined.select(shown).with_columns(pl.col(pl.Float64).round(4).fill_nan(None)).rows()
    return {"columns": labels, "rows": [list(row) for row in rows]}
