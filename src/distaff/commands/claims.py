"""`distaff claims`: the claims of the papers, tested on a store."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

STYLES = {"supported": "green", "contradicted": "red", "not applicable": "dim"}


def claims(
    store: Annotated[Path, tyro.conf.Positional],
    /,
    json: Path | None = None,
    resamples: int = 400,
    udr: bool = False,
    trust: bool = False,
) -> None:
    """Test every claim of the papers on the runs of a store: effect, interval and verdict beside what was published.

    Example: distaff claims out/quick

    Args:
        store: the folder of a study, or a table of scores as CSV or parquet.
        json: a file to write the whole scorecard to.
        resamples: of seeds, for the intervals.
        udr: include the unsupervised disentanglement ranking (Duan et al., 2020) among the scores without labels; every
            run of the store is encoded for it, once.
        trust: run the plug-in files that the store carries and this machine lacks; read them before.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    import distaff
    from distaff.analysis.claims.scorecard import basis_text
    from distaff.atomic import write
    from distaff.share.plugins import with_plugins_of

    log = partial(print, file=sys.stderr)
    with with_plugins_of(store, trust, log):
        card = distaff.claims(store, udr=udr, resamples=resamples, log=log)
    table = Table("verdict", "claim", "here (95 % interval)", "published", "more seeds", box=None, title_justify="left")
    for row in card.iter_rows(named=True):
        value = "" if row["value"] is None else f"{row['value']:.2f}"
        ends = "" if row["low"] is None else f" ({row['low']:.2f} to {row['high']:.2f})"
        more = row["needs"] or ("" if row["more_seeds"] is None else str(row["more_seeds"]))
        verdict = f"[{STYLES.get(row['verdict'], 'yellow')}]{row['verdict']}[/]"
        table.add_row(verdict, row["statement"], value + ends, row["published"], Text(more))
    Console().print(table)
    counts = card["verdict"].value_counts().sort("verdict")
    print("; ".join(f"{n} {verdict}" for verdict, n in counts.rows()))
    print(basis_text(card))
    if json is not None:
        write(json, card.write_json().encode())
