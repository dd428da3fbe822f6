"""The scorecard as HTML: the claims of the papers, and whether they hold here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from distaff.analysis.claims.scorecard import basis_text
from distaff.analysis.claims.verdict import CONTRADICTED, NOT_APPLICABLE, OPEN, SUPPORTED
from distaff.untrusted.markup import escape

MARKS = {SUPPORTED: ("yes", "✓"), CONTRADICTED: ("no", "✗"), OPEN: ("open", "?")}


def html(card: pl.DataFrame, links: Mapping[str, str]) -> str:
    """The section of the scorecard; `links` gives the place of each figure that was drawn."""
    counts = dict(card["verdict"].value_counts().iter_rows())
    counted = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (*MARKS, NOT_APPLICABLE) if counts.get(verdict))
    measured, waiting = card.filter(pl.col("value").is_not_null()), card.filter(pl.col("value").is_null())
    rows = "".join(_row(row, links) for row in measured.iter_rows(named=True))
    more = "".join(
        f"<li>{escape(row['statement'])} <span>{escape(row['needs'])}</span></li>"
        for row in waiting.iter_rows(named=True)
    )
    heads = "".join(f"<span>{name}</span>" for name in ("", "claim", "here", "published", "verdict"))
    title = f"{waiting.height} claims that this study cannot test"
    untested = f"<details class='waiting'><summary>{title}</summary><ul>{more}</ul></details>"
    return (
        '<section class="scorecard" id="scorecard"><header><p class="eyebrow">Scorecard</p>'
        f"<h2>Do the findings of the papers hold here?</h2><p class='sub'>{escape(counted)}. Each effect has its "
        "95 % interval over seeds; a claim is decided where the whole interval lies within, or outside, the range in "
        f"which it holds. {escape(basis_text(card))}</p></header>"
        f'<div class="heads" aria-hidden="true">{heads}</div><div class="claims" role="list">{rows}</div>'
        f"{untested if waiting.height else ''}"
        '<p class="files">Numbers: <a href="scorecard.csv">scorecard.csv</a></p></section>'
    )


def _row(row: dict[str, Any], links: Mapping[str, str]) -> str:
    kind, mark = MARKS[row["verdict"]]
    ends = "" if row["low"] is None else f"{row['low']:.2f} to {row['high']:.2f}"
    link = links.get(row["figure"])
    statement = escape(row["statement"])
    title = f'<a href="{escape(link)}">{statement}</a>' if link else statement
    return (
        f'<div class="claim {kind}" role="listitem"><span class="mark" aria-hidden="true">{mark}</span>'
        f'<div class="statement"><p>{title}</p>'
        f'<p class="sub">{escape(row["effect"])} · {escape(row["source"])}</p></div>'
        f'<div class="here"><b>{row["value"]:.2f}</b> <span>{ends}</span><i>here</i></div>'
        f'<div class="there"><b>{escape(row["published"])}</b><i>published</i></div>'
        f'<div class="verdict">{row["verdict"]}{_more(row)}</div></div>'
    )


def _more(row: dict[str, Any]) -> str:
    if row["verdict"] != OPEN:
        return ""
    if row["needs"] is not None:
        return f"<small>{escape(row['needs'])}</small>"
    if row["more_seeds"] is None:
        return "<small>more seeds would hardly settle it</small>"
    word = "seed" if row["more_seeds"] == 1 else "seeds"
    return f"<small>about {row['more_seeds']:,} more {word} a setting</small>"
