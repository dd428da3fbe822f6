"""The claims of the papers on the scores of a study, in one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from distaff.errors import DistaffError, at_least

if TYPE_CHECKING:
    import polars as pl

    from distaff.runs import Study


def claims(
    source: Study | pl.DataFrame | str | Path,
    *,
    udr: bool = False,
    resamples: int = 400,
    seed: int = 0,
    log: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """Test every claim of the papers: effect, interval and verdict beside what was published, a row a claim.

    Args:
        source: what `distaff.table` reads: a study, a store, or a table of scores (in memory, as CSV or as parquet).
        udr: include the unsupervised disentanglement ranking (Duan et al., 2020) among the scores without labels; every
            run of the store is encoded for it, so a table alone will not do.
        resamples: of seeds, for the intervals.
        seed: of the resampling.
        log: hears of each long step before it begins.

    The columns are those of `distaff.analysis.claims.scorecard.scorecard`. Raises `DistaffError` where `source` is
    neither a store nor a table.
    """
    from distaff.analysis.claims.scorecard import scorecard
    from distaff.scoring.grids import factor_sizes
    from distaff.scoring.table import every_run, table_of, with_udr
    from distaff.store.store import Store

    at_least(1, resamples=resamples)
    at_least(0, seed=seed)
    scores = table_of(source, parts=False, log=log)
    if udr:
        if not isinstance(source, (str, Path)) or Path(source).is_file():
            raise DistaffError(f"udr compares the codes of models: name the store that {_named(source)} was made from")
        scores = with_udr(scores, every_run(Store(Path(source))), Store(Path(source)), log=log)
    grids = factor_sizes(scores["dataset"].unique().to_list(), log=log)
    return scorecard(scores, grids=grids, resamples=resamples, seed=seed)


def _named(source: object) -> str:
    return str(source) if isinstance(source, (str, Path)) else "this table"
