"""`distaff claims`: what the papers found, tested on a store."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import tyro


def claims(store: Annotated[Path, tyro.conf.Positional], /, json: Path | None = None, resamples: int = 400) -> None:
    """Test every claim of the papers on the runs of a store: effect, interval and verdict beside what was published.

    Example: distaff claims out/quick

    Args:
        store: the folder of a study, or a table of scores as CSV or parquet.
        json: a file to write the whole scorecard to.
        resamples: of seeds, for the intervals.
    """
    from rich.console import Console
    from rich.table import Table

    from distaff.analysis.claims import scorecard
    from distaff.analysis.table import read
    from distaff.commands.grids import factor_sizes

    scores = read(store)
    card = scorecard(scores, grids=factor_sizes(scores["dataset"].unique().to_list()), resamples=resamples)
    told = Table("verdict", "claim", "here", "95 % interval", "published", "more seeds", box=None, title_justify="left")
    styles = {"supported": "green", "contradicted": "red"}
    for row in card.iter_rows(named=True):
        value = "" if row["value"] is None else f"{row['value']:.3f}"
        ends = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        more = row["needs"] or ("" if row["more_seeds"] is None else f"{row['more_seeds']}")
        verdict = f"[{styles.get(row['verdict'], 'yellow')}]{row['verdict']}[/]"
        told.add_row(verdict, row["statement"], value, ends, row["published"], re.sub(r"^needs ", "needs ", more))
    Console().print(told)
    counts = card["verdict"].value_counts().sort("verdict")
    print("; ".join(f"{n} {verdict}" for verdict, n in counts.rows()), f"({scores['id'].n_unique()} runs)")
    if json is not None:
        json.write_text(card.write_json(), encoding="utf-8")
