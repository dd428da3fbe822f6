"""`distaff report`: the pages of a study."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import tyro


def report(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    out: Path | None = None,
    format: tuple[Literal["svg", "pdf", "png", "latex"], ...] = ("svg", "pdf"),
    udr: bool = False,
    repeats: bool = False,
    matrices: bool = False,
    force: bool = False,
    trust: bool = False,
) -> None:
    """Write the report of a study, finished or not: pages that open from disk, with every figure and its numbers.

    A report that is up to date is left as it is.

    Example: distaff report studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`, or a store, or one of its files studies/*.json.
        out: the store; by default out/NAME, or the one that was named. The report is its folder `report`.
        format: what figures are written as, beside their numbers as CSV and parquet; latex is a table of the numbers.
        udr: include the unsupervised disentanglement ranking of the runs (Duan et al., 2020); every run is encoded.
        repeats: include the variation of each metric over 30 draws of rows, on one run of each data set.
        matrices: include the matrices between codes and factors of three runs of each data set.
        force: rebuild a report that is up to date.
        trust: run the plug-in files that the store carries and this machine lacks; read them before.
    """
    import distaff
    from distaff.share.plugins import with_plugins_of

    log = partial(print, file=sys.stderr)
    options = {"udr": udr, "repeats": repeats, "matrices": matrices, "force": force}
    with with_plugins_of(out or (file.parent.parent if file.suffix == ".json" else file), trust, log):
        print(distaff.report(file, out, formats=format, **options, log=log))
