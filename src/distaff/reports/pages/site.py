"""One static site for a study: it opens from disk, without a network, and names what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from distaff.analysis.claims.scorecard import scorecard
from distaff.analysis.intervals import medians
from distaff.analysis.scores import scores, supervised
from distaff.analysis.settings import POINT, complete, labelled
from distaff.errors import DistaffError
from distaff.metrics.baselines import expected
from distaff.reports.charts import theme
from distaff.reports.charts.baselines import baseline_scores
from distaff.reports.charts.figure_files import (
    ON_PAGE,
    DrawnFigure,
    FigureJob,
    charts_of,
    draw_figure,
    figures,
    missing_list,
)
from distaff.reports.pages import index, methods, page, runs, summary
from distaff.reports.pages.runs import Details
from distaff.reports.pages.study_facts import StudyFacts, compared_datasets, count_settings, split_sentence, themes
from distaff.untrusted.markup import escape, file_name, href, json_in_script

MANY = 30  # so many figures make processes worth their start


def build(
    study: StudyFacts,
    table: pl.DataFrame,
    planned: pl.DataFrame,
    out: Path,
    *,
    untrained: pl.DataFrame | None = None,
    repeats: pl.DataFrame | None = None,
    matrices: pl.DataFrame | None = None,
    details: Callable[[str], Details] = lambda _: Details(),
    formats: Iterable[str] = ON_PAGE,
    workers: int = 1,
) -> Path:
    """Write the report of a study to the folder `out` and return its index.html.

    `table` holds the scores, `planned` every run with its status, `untrained` the scores of untrained models, of noise
    and of a perfect code, `repeats` repeated evaluations of one run of each data set, `matrices` the factor-code
    matrices of some runs. Pages: index (the scorecard, the summary, figures), one for each data
    set where there are several, one for each method, the table of runs, and the template of a run. Beside them the
    numbers and charts of every figure in each of `formats` (svg, pdf, png, latex), and scores.csv, scores.parquet,
    runs.csv and scorecard.csv. `workers` processes draw, where there is much to draw. Raises `DistaffError`
    where the [report] extra is missing or the study has no run.
    """
    if planned.is_empty():
        raise DistaffError("this study has no run to report on: start it with `distaff study run`")
    _write_assets(out)
    table, planned = complete(table), labelled(complete(planned), planned)
    parts = compared_datasets(table)
    optional = {"untrained": untrained, "repeats": repeats, "matrices": matrices}
    beside = {name: frame for name, frame in optional.items() if frame is not None}
    drawn = _drawn(table, parts, beside, out, tuple(formats), workers)
    card = scorecard(table, grids=study.grids)
    links = _links(planned, parts)
    page.write_file(out / "index.html", index.html(study, table, planned, parts, drawn, card, links))
    _write_datasets(study, parts, drawn, planned, links, out)
    _write_methods(study, table, planned, links, out)
    _write_runs(study, table, planned, untrained, details, links, out)
    for name, frame in (("scores", table), ("runs", planned), ("scorecard", card)):
        frame.write_csv(out / f"{name}.csv")
    table.write_parquet(out / "scores.parquet")
    return out / "index.html"


def _drawn(
    table: pl.DataFrame,
    parts: Sequence[tuple[str, pl.DataFrame]],
    beside: Mapping[str, pl.DataFrame],
    out: Path,
    formats: Sequence[str],
    workers: int,
) -> list[DrawnFigure]:
    together = table.filter(pl.col("dataset").is_in([name for name, _ in parts]))
    jobs = [(FigureJob(name, "study"), together) for name in figures(study=True) if parts]
    jobs += [(FigureJob(name, dataset), part) for dataset, part in parts for name in figures(study=False)]
    if workers < 2 or len(jobs) < MANY:
        return [draw_figure(job, part, beside, out, formats) for job, part in jobs]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        results = [pool.submit(draw_figure, job, part, beside, out, formats) for job, part in jobs]
        return [one.result() for one in results]


def _write_assets(out: Path) -> None:
    try:
        import vl_convert
    except ImportError as error:
        raise DistaffError("reports need their extra: pip install 'distaff[report]'") from error
    (out / "figures").mkdir(parents=True, exist_ok=True)
    page.write_file(out / "vega.js", vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    for name in ("page.css", "charts.js", "table.js", "run.js"):
        shutil.copyfile(page.HERE / name, out / name)


def _links(planned: pl.DataFrame, parts: Sequence[tuple[str, pl.DataFrame]]) -> list[tuple[str, str]]:
    """The pages that every page leads to."""
    sets = [(name, f"dataset-{file_name(name)}.html") for name, _ in parts] if len(parts) > 1 else []
    ways = [(theme.label(name), f"method-{file_name(name)}.html") for name in theme.in_order(planned["method"])]
    return [*sets, *ways, ("Runs", "runs.html")]


def _write_datasets(
    study: StudyFacts,
    parts: Sequence[tuple[str, pl.DataFrame]],
    drawn: Sequence[DrawnFigure],
    planned: pl.DataFrame,
    links: Sequence[tuple[str, str]],
    out: Path,
) -> None:
    for name, part in parts if len(parts) > 1 else ():
        here = [one for one in drawn if one.job.dataset == name]
        count = summary.count(part["id"].n_unique(), "scored run")
        body = (
            f'<main class="wrap"><header class="lead"><p class="eyebrow">Data set</p><h1>{escape(name)}</h1>'
            f'<p class="sub">{count} in {summary.count(count_settings(part), "setting")} · '
            f'<a href="{href("runs.html", name)}">see them</a>{_baselines(study, name)}</p>'
            f'<p class="sub">{escape(split_sentence(study, name))}</p></header>'
            f"{page.key(theme.looks(planned['method']))}{''.join(one.section for one in here)}"
            f"{missing_list(here)}</main>"
        )
        data = page.data({"charts": charts_of(here), "themes": themes()})
        html = page.document(name, body, scripts=[data], nav=page.navigation(study.name, links))
        page.write_file(out / f"dataset-{file_name(name)}.html", html)


def _baselines(study: StudyFacts, dataset: str) -> str:
    """The scores of noise and of a perfect code on the grid of this data set."""
    sizes = study.grids.get(dataset, ())
    mig, modularity = expected("mig", sizes), expected("modularity", sizes)
    if mig is None or modularity is None:
        return ""
    return (
        f" · factors of {summary.listed([str(size) for size in sizes])} values: a perfect code has a MIG of "
        f"{mig.perfect:.2f}, and noise a Modularity of {modularity.noise:.2f}"
    )


def _write_methods(
    study: StudyFacts, table: pl.DataFrame, planned: pl.DataFrame, links: Sequence[tuple[str, str]], out: Path
) -> None:
    rows = [scores(table, name) for name in supervised(table)]
    keys = ["metric", "dataset", *POINT]
    settings = medians(pl.concat(rows), keys) if rows else pl.DataFrame(schema={**dict.fromkeys(keys, pl.String)})
    settings = labelled(settings, table)
    order = {name: place for place, name in enumerate(supervised(table))}
    ranked = settings.sort(
        pl.col("metric").replace_strict(order, default=0, return_dtype=pl.Int64), maintain_order=True
    )
    for method in planned["method"].unique():
        inside, charts = methods.body(method, ranked, planned)
        data = page.data({"charts": charts, "themes": themes()})
        nav = page.navigation(study.name, links)
        html = page.document(theme.label(method), f'<main class="wrap">{inside}</main>', scripts=[data], nav=nav)
        page.write_file(out / f"method-{file_name(method)}.html", html)


def _write_runs(
    study: StudyFacts,
    table: pl.DataFrame,
    planned: pl.DataFrame,
    untrained: pl.DataFrame | None,
    details: Callable[[str], Details],
    links: Sequence[tuple[str, str]],
    out: Path,
) -> None:
    nav = page.navigation(study.name, links)
    page.write_file(out / "runs.js", f"const RUNS = {json_in_script(runs.table_rows(table, planned))};\n")
    scripts = ['<script src="runs.js"></script>', '<script src="table.js"></script>']
    page.write_file(
        out / "runs.html", page.document("Runs", RUNS, scripts=[page.data({"charts": {}}), *scripts], nav=nav)
    )
    names = table["metric"].unique().sort().to_list()
    content = {
        "parts": runs.write_runs(table, planned, details, out),
        "charts": {},
        "themes": themes(),
        "labels": {name: theme.metric_label(name) for name in names if "." not in name or name.startswith("train.")},
        "baselines": baseline_scores(study.grids, names, untrained),
    }
    scripts = [page.data(content), '<script src="run.js" defer></script>']
    page.write_file(
        out / "run.html", page.document("Run", '<main class="wrap" id="run"></main>', scripts=scripts, nav=nav)
    )


RUNS = """<main class="wrap"><section class="runs"><header><p class="eyebrow">Every run</p><h1>Runs</h1></header>
<div class="controls"><input id="search" type="search" placeholder="Search: method, setting, data set, id, reason"
 aria-label="search the runs"><span id="shown" role="status"></span></div>
<div class="scroll" tabindex="0" role="region" aria-label="table of runs"><table><thead><tr id="heads"></tr></thead>
<tbody id="rows"></tbody></table></div><p><button id="more" type="button" hidden>Show more</button></p>
<p class="files">All scores: <a href="scores.csv">scores.csv</a> <a href="scores.parquet">scores.parquet</a>
<a href="runs.csv">runs.csv</a></p></section></main>"""
