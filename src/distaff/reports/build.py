"""The report of a study from its store, in one call: scores, pictures and baselines are collected, then written."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from distaff.errors import DistaffError
from distaff.reports.gallery import draw_examples, example_runs
from distaff.reports.origin import PICTURES, files_of, origin
from distaff.reports.report_folder import replacing, unchanged
from distaff.untrusted.names import check_own

if TYPE_CHECKING:
    import polars as pl

    from distaff.reports.pages.runs import Details
    from distaff.runs import Study
    from distaff.store.store import Store

Format: TypeAlias = Literal["svg", "pdf", "png", "latex"]
Log: TypeAlias = Callable[[str], None]


def report(
    study: Study | str | Path,
    store: Store | str | Path | None = None,
    *,
    formats: Sequence[Format] = ("svg", "pdf"),
    udr: bool = False,
    repeats: bool = False,
    matrices: bool = False,
    force: bool = False,
    log: Log = lambda _: None,
) -> Path:
    """Write the report of a study, finished or not, and return the path of its first page.

    The report is the folder `report` of the store: pages that open from disk, with every figure and its numbers. One
    that is up to date is left as it is.

    Args:
        study: the study, or the path of a Python file that defines `study = Study(...)`, of a store that holds one
            study, or of one of its files studies/*.json. Of a store, nothing is ever executed.
        store: the folder of its results; by default out/NAME, or the store that was named.
        formats: what figures are written as, beside their numbers as CSV and parquet; latex is a table of the numbers.
        udr: include the unsupervised disentanglement ranking of the runs (Duan et al., 2020); every run is encoded.
        repeats: include the variation of each metric over 30 draws of rows, on one run of each data set.
        matrices: include the matrices between codes and factors of three runs of each data set, with their trees and
            independent groups.
        force: rebuild a report that is up to date.
        log: hears of each long step before it begins.

    Raises `DistaffError` for a file that does not define a study, or scores that do not fit together.
    """
    from distaff.scoring.table import table, with_udr
    from distaff.store.formats import readable
    from distaff.store.store import Store

    command, held = "", None
    if isinstance(study, (str, Path)):
        study, held, command = _named(Path(study))
    store = store if isinstance(store, Store) else Store(Path(store) if store else held or Path("out") / study.name)
    readable(store)
    _check_links(study, store)
    folder = store.folder / "report"
    sources = {**origin(study, store, command, formats), "udr": udr, "repeats": repeats, "matrices": matrices}
    if not force and unchanged(folder, sources):
        log("the report is up to date")
        return folder / "index.html"
    numbers = table(study, store)
    if udr:
        numbers = with_udr(numbers, study.runs, store, log=log)
    draw_examples(numbers, store)
    extra: dict[str, pl.DataFrame] = {}
    if repeats:
        extra["repeats"] = _repeats(numbers, study, store, log)
    if matrices:
        extra["matrices"] = _matrices(numbers, study, store, log)
    with replacing(folder, {**sources, "pictures": files_of(study, store)["pictures"]}) as aside:
        _write(study, store, command, numbers, extra, formats, aside, log)
    return folder / "index.html"


def _named(path: Path) -> tuple[Study, Path | None, str]:
    """The study that a path names, the store that holds it if it is in one, and the command that makes it."""
    from distaff.store.files import read_json
    from distaff.store.studies import load_study, read_study, studies_of

    if path.is_dir():
        held = studies_of(path)
        if len(held) != 1:
            names = ", ".join(str(one) for one in held[:8]) or "none"
            raise DistaffError(
                f"{path} holds {len(held)} studies ({names}): name one, or a Python file that defines one"
            )
        path = held[0]
    if path.suffix != ".json":
        return load_study(path), None, f"distaff study run {path}"
    return read_study(path), path.parent.parent, str(read_json(path).get("command") or "")


def _check_links(study: Study, store: Store) -> None:
    """Refuse a store in which a folder that is written into leads elsewhere: it may come from a stranger."""
    check_own(*(store.folder / name for name in ("report", "cache", "runs")))
    check_own(*(store.run_folder(run.id) for run in study.runs))


def _repeats(numbers: pl.DataFrame, study: Study, store: Store, log: Log) -> pl.DataFrame:
    """Scores of other draws of rows, for the middle one of the example runs of each data set."""
    import polars as pl

    from distaff.scoring.protocol import protocol_of
    from distaff.scoring.repeats import repeated_scores

    runs = {run.id: run for run in study.runs}
    rows = []
    for (dataset,), part in numbers.group_by("dataset", maintain_order=True):
        for id in example_runs(part)[1:2]:
            rows += [
                {"dataset": dataset, **row} for row in repeated_scores(store, runs[id], protocol_of(study), log=log)
            ]
    kinds = {"metric": pl.String, "rows": pl.Int64, "draw": pl.Int64, "value": pl.Float64}
    return pl.DataFrame(rows, schema={"dataset": pl.String, **kinds})


def _matrices(numbers: pl.DataFrame, study: Study, store: Store, log: Log) -> pl.DataFrame:
    """The matrices between codes and factors of the example runs of each data set."""
    import polars as pl

    from distaff.scoring.matrices import matrix_rows
    from distaff.scoring.protocol import protocol_of

    runs, rows = {run.id: run for run in study.runs}, []
    for (dataset,), part in numbers.group_by("dataset", maintain_order=True):
        ids = example_runs(part)
        for place, id in zip(("best", "middle", "worst"), ids if len(ids) > 1 else (), strict=False):
            name = f"{place}: {runs[id].method}, seed {runs[id].seed}"
            entries = matrix_rows(store, runs[id], protocol_of(study), log=log)
            rows += [{"dataset": dataset, "run": name, **entry} for entry in entries]
    kinds = {"matrix": pl.String, "code": pl.Int64, "factor": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema={"dataset": pl.String, "run": pl.String, **kinds})


def _write(
    study: Study,
    store: Store,
    command: str,
    numbers: pl.DataFrame,
    extra: Mapping[str, pl.DataFrame],
    formats: Sequence[str],
    aside: Path,
    log: Log,
) -> None:
    """Write the pages to `aside`, with links for the folder that they will stand in."""
    from distaff.reports.pages.site import build
    from distaff.reports.pages.study_facts import StudyFacts
    from distaff.scoring.grids import factor_sizes, split_records
    from distaff.scoring.notices import notices_of_study
    from distaff.scoring.table import baselines_table, runs
    from distaff.store.provenance import provenance

    made = {name: str(value) for name, value in provenance().items()}
    grids = factor_sizes({str(run.dataset) for run in study.runs}, log=log)
    splits, notices = split_records(study, store), notices_of_study(study, store)
    facts = StudyFacts(study.name, study.purpose, command, len(study.runs), made, grids, splits, notices)
    build(
        facts,
        numbers,
        runs(study, store),
        aside,
        untrained=baselines_table(study, store, log=log),
        **extra,
        details=lambda id: _details(store, id),
        formats=formats,
        workers=os.cpu_count() or 1,
    )


def _details(store: Store, id: str) -> Details:
    """The curve, the pictures and the provenance of a run, for its page."""
    from distaff.reports.pages.runs import Details
    from distaff.store.files import read_json

    folder = store.run_folder(id)
    paths = sorted(path for pattern in PICTURES for path in folder.glob(pattern))
    pictures = {path.stem.removeprefix("picture-"): os.path.relpath(path, store.folder / "report") for path in paths}
    return Details(store.curve(id), pictures, read_json(folder / "provenance.json"))
