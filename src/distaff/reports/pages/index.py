"""The first page: the scorecard, the study in three sentences, what is missing, and the way to the rest."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from distaff.reports.charts import theme
from distaff.reports.charts.figure_files import DrawnFigure, charts_of, missing_list
from distaff.reports.pages import page, scorecard, summary
from distaff.reports.pages.study_facts import StudyFacts, count_settings, split_sentence, themes
from distaff.untrusted.markup import address, escape, file_name, href

NOTHING = "No run has been scored yet, so there is nothing to draw."
Parts = Sequence[tuple[str, pl.DataFrame]]


def html(
    study: StudyFacts,
    table: pl.DataFrame,
    planned: pl.DataFrame,
    parts: Parts,
    drawn: Sequence[DrawnFigure],
    card: pl.DataFrame,
    links: Sequence[tuple[str, str]],
) -> str:
    """The page; the figures of a data set stand on it where there is one, else on pages of their own."""
    sentences = summary.summarise(table, planned, card, study.planned)
    here = [one for one in drawn if one.job.dataset == "study" or len(parts) == 1]
    claims = scorecard.html(card, _figure_links(drawn, here, parts))
    shown = "".join(one.section for one in here) or f'<p class="absent">{"" if parts else NOTHING}</p>'
    body = (
        f'<header class="masthead"><div class="wrap"><p class="eyebrow">distaff · study report</p>'
        f"<h1>{escape(study.name)}</h1><p class='purpose'>{escape(study.purpose)}</p>"
        f'<dl class="tiles">{_tiles(planned.filter(pl.col("status") == "done"))}</dl></div></header>'
        f'<main class="wrap">{_notice([*sentences.missing, *study.notices, *_small(table)])}'
        f"{claims}{_summary(sentences)}{_sets(parts)}"
        f"{page.key(theme.looks(planned['method']))}{shown}{missing_list(here)}{_files(study)}</main>"
    )
    data = page.data({"charts": charts_of(here), "themes": themes()})
    return page.document(study.name, body, scripts=[data], nav=page.navigation(study.name, links))


def _figure_links(drawn: Sequence[DrawnFigure], here: Sequence[DrawnFigure], parts: Parts) -> dict[str, str]:
    """The link of each figure that a claim points to: that of the largest data set, if it is not of all."""
    first = {"study", *(name for name, _ in parts[:1])}
    linked = [one for one in drawn if one.section and one.job.dataset in first]
    return {
        one.job.name: address("" if one in here else f"dataset-{file_name(one.job.dataset)}.html", one.job.slug)
        for one in linked
    }


def _summary(sentences: summary.Summary) -> str:
    three = zip(("What was run", "What it found", "Its limits"), sentences[:3], strict=True)
    items = "".join(f"<div><h2>{title}</h2><p>{escape(text)}</p></div>" for title, text in three)
    return f'<section class="summary" aria-label="the study in three sentences">{items}</section>'


def _small(table: pl.DataFrame) -> list[str]:
    return [
        f"{name} has {summary.count(part['id'].n_unique(), 'scored run')} of one setting: too little for a figure,"
        " see the table of runs."
        for (name,), part in table.group_by("dataset", maintain_order=True)
        if count_settings(part) == 1
    ]


def _tiles(done: pl.DataFrame) -> str:
    numbers = {
        "runs finished": done.height,
        "methods": done["method"].n_unique(),
        "settings": count_settings(done),
        "data sets": done["dataset"].n_unique(),
    }
    return "".join(f"<div><dt>{name}</dt><dd>{value:,}</dd></div>" for name, value in numbers.items())


def _notice(lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<aside class="notice"><h2>What is missing</h2><ul>{items}</ul></aside>'


def _sets(parts: Parts) -> str:
    """Where the figures of each data set are, if not on this page."""
    if len(parts) < 2:
        return ""
    items = "".join(
        f'<a class="tile" href="{href(f"dataset-{file_name(name)}.html")}"><b>{escape(name)}</b>'
        f"<span>{summary.count(part['id'].n_unique(), 'run')}</span></a>"
        for name, part in parts
    )
    return f'<section class="sets"><h2>Figures of each data set</h2><div>{items}</div></section>'


def _files(study: StudyFacts) -> str:
    facts = " · ".join(f"{name} {value}" for name, value in study.made_with.items())
    again = f"Made again by <code>{escape(study.command)}</code>. " if study.command else ""
    links = " ".join(f'<a href="{name}">{name}</a>' for name in ("scores.csv", "scores.parquet", "runs.csv"))
    splits = "".join(f"<p>{escape(split_sentence(study, dataset))}</p>" for dataset in sorted(study.splits))
    return f'<footer><p class="files">All numbers: {links}</p>{splits}<p>{again}{escape(facts)}</p></footer>'
