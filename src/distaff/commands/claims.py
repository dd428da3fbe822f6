"""`distaff claims`: what the papers found, tested on a store."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro


def claims(
    store: Annotated[Path, tyro.conf.Positional], /, json: Path | None = None, resamples: int = 400, udr: bool = False
) -> None:
    """Test every claim of the papers on the runs of a store: effect, interval and verdict beside what was published.

    Example: distaff claims out/quick

    Args:
        store: the folder of a study, or a table of scores as CSV or parquet.
        json: a file to write the whole scorecard to.
        resamples: of seeds, for the intervals.
        udr: with the unsupervised disentanglement ranking (Duan et al., 2020) among the scores without labels; every
            run of the store is encoded for it, once.
    """
    from rich.console import Console
    from rich.table import Table

    from distaff.analysis.claims.claims import on_what, scorecard
    from distaff.atomic import write
    from distaff.errors import DistaffError
    from distaff.scoring.grids import factor_sizes
    from distaff.scoring.table import every_run, read, with_udr
    from distaff.store.store import Store

    scores = read(store)
    if udr:
        if store.is_file():
            raise DistaffError(f"--udr compares the codes of models: name the store that {store} was made from")
        scores = with_udr(scores, every_run(Store(store)), Store(store), log=partial(print, file=sys.stderr))
    grids = factor_sizes(scores["dataset"].unique().to_list(), log=partial(print, file=sys.stderr))
    card = scorecard(scores, grids=grids, resamples=resamples)
    told = Table("verdict", "claim", "here (95 % interval)", "published", "more seeds", box=None, title_justify="left")
    styles = {"supported": "green", "contradicted": "red"}
    for row in card.iter_rows(named=True):
        value = "" if row["value"] is None else f"{row['value']:.2f}"
        ends = "" if row["low"] is None else f" ({row['low']:.2f} to {row['high']:.2f})"
        more = row["needs"] or ("" if row["more_seeds"] is None else str(row["more_seeds"]))
        verdict = f"[{styles.get(row['verdict'], 'yellow')}]{row['verdict']}[/]"
        told.add_row(verdict, row["statement"], value + ends, row["published"], more)
    Console().print(told)
    counts = card["verdict"].value_counts().sort("verdict")
    print("; ".join(f"{n} {verdict}" for verdict, n in counts.rows()), f"({scores['id'].n_unique()} runs)")
    print(on_what(card))
    if json is not None:
        write(json, card.write_json().encode())
