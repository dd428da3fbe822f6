"""`distaff report`: the pages of a study."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatch
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from distaff.plugins.registry import EXTRA_FOLDERS, PACKAGE
from distaff.plugins.spec import content_id

if TYPE_CHECKING:
    import polars as pl

    from distaff.runs import Study
    from distaff.store.store import Store

LIBRARIES = ("polars", "altair", "vl-convert-python")  # another version may draw another chart
PICTURES = ("picture-*.png", "*.gif")  # of a run, in its folder
CODE = (".py", ".js", ".css", ".html")


def report(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    out: Path | None = None,
    format: tuple[Literal["svg", "pdf", "png", "latex"], ...] = ("svg", "pdf"),
    udr: bool = False,
    repeats: bool = False,
    matrices: bool = False,
    again: bool = False,
) -> None:
    """Write the report of a study, finished or not: pages that open from disk, with every figure and its numbers.

    A report that is there already is made again only where the study, its results or the code have changed.

    Example: distaff report studies/quick.py

    Args:
        file: a Python file that defines `study = Study(...)`.
        out: the store; by default out/NAME. The report is its folder `report`.
        format: what figures are written as, beside their numbers as CSV and parquet; latex is a table of the numbers.
        udr: with the unsupervised disentanglement ranking of the runs (Duan et al., 2020) among the scores without
            labels: whether the seeds of a setting agree. Every run is encoded for it, once.
        repeats: with how far each metric moves when one run of each data set is asked again: 30 answers a metric, once.
        matrices: with what the codes of three runs of each data set tell of factors: the trees and the independent
            groups of factors.
        again: make it in any case.
    """
    from distaff.reports.manifest import replacing, unchanged
    from distaff.store.store import Store
    from distaff.store.studies import load_study

    study = load_study(file)
    store = Store(out or Path("out") / study.name)
    pages = store.folder / "report"
    origin = {**_origin(study, store, file, format), "udr": udr, "repeats": repeats, "matrices": matrices}
    if not again and unchanged(pages, origin):
        print("nothing to do: the report has all that is there (--again makes it in any case)")
    else:
        from distaff.commands.gallery import illustrate
        from distaff.scoring.table import table, with_udr

        numbers = table(study, store)
        if udr:
            numbers = with_udr(numbers, study.runs, store, log=partial(print, file=sys.stderr))
        illustrate(numbers, store)
        beside: dict[str, pl.DataFrame] = {}
        if repeats:
            beside["repeats"] = _repeats(numbers, study, store)
        if matrices:
            beside["matrices"] = _matrices(numbers, study, store)
        with replacing(pages, {**origin, "pictures": _files(study, store)["pictures"]}) as aside:
            _build(study, store, file, numbers, beside, format, aside)
    print(pages / "index.html")


def _repeats(numbers: pl.DataFrame, study: Study, store: Store) -> pl.DataFrame:
    """Repeated answers of the middle run of each data set, of those that the report shows as pictures."""
    import polars as pl

    from distaff.commands.gallery import chosen
    from distaff.scoring.protocol import protocol_of
    from distaff.scoring.repeats import repeated_scores

    runs = {run.id: run for run in study.runs}
    rows = []
    for (dataset,), part in numbers.group_by("dataset", maintain_order=True):
        for id in chosen(part)[1:2]:
            answers = repeated_scores(store, runs[id], protocol_of(study), log=partial(print, file=sys.stderr))
            rows += [{"dataset": dataset, **row} for row in answers]
    kinds = {"metric": pl.String, "rows": pl.Int64, "draw": pl.Int64, "value": pl.Float64}
    return pl.DataFrame(rows, schema={"dataset": pl.String, **kinds})


def _matrices(numbers: pl.DataFrame, study: Study, store: Store) -> pl.DataFrame:
    """What the codes of the best, the middle and the worst run of each data set tell of factors."""
    import polars as pl

    from distaff.commands.gallery import chosen
    from distaff.scoring.matrices import matrix_rows
    from distaff.scoring.protocol import protocol_of

    runs, rows = {run.id: run for run in study.runs}, []
    for (dataset,), part in numbers.group_by("dataset", maintain_order=True):
        ids = chosen(part)
        for place, id in zip(("best", "middle", "worst"), ids if len(ids) > 1 else (), strict=False):
            name = f"{place}: {runs[id].method}, seed {runs[id].seed}"
            found = matrix_rows(store, runs[id], protocol_of(study), log=partial(print, file=sys.stderr))
            rows += [{"dataset": dataset, "run": name, **row} for row in found]
    kinds = {"matrix": pl.String, "code": pl.Int64, "factor": pl.String, "value": pl.Float64}
    return pl.DataFrame(rows, schema={"dataset": pl.String, "run": pl.String, **kinds})


def _build(
    study: Study,
    store: Store,
    file: Path,
    numbers: pl.DataFrame,
    beside: Mapping[str, pl.DataFrame],
    formats: Sequence[str],
    aside: Path,
) -> None:
    """Write the pages to `aside`, for the place that they will stand in."""
    from distaff.reports.pages.facts import StudyFacts
    from distaff.reports.pages.runs import Details
    from distaff.reports.pages.site import build
    from distaff.scoring.grids import factor_sizes, split_records
    from distaff.scoring.table import baselines_table, runs
    from distaff.store.store import provenance, read_json

    def details(id: str) -> Details:
        folder = store.run_folder(id)
        found = sorted(path for pattern in PICTURES for path in folder.glob(pattern))
        pictures = {
            path.stem.removeprefix("picture-"): os.path.relpath(path, store.folder / "report") for path in found
        }
        return Details(store.curve(id), pictures, read_json(folder / "provenance.json"))

    made = {name: str(value) for name, value in provenance().items()}
    grids = factor_sizes({str(run.dataset) for run in study.runs}, log=partial(print, file=sys.stderr))
    splits = split_records(study, store)
    facts = StudyFacts(study.name, study.purpose, f"distaff study run {file}", len(study.runs), made, grids, splits)
    build(
        facts,
        numbers,
        runs(study, store),
        aside,
        untrained=baselines_table(study, store, log=partial(print, file=sys.stderr)),
        **beside,
        details=details,
        formats=formats,
        workers=os.cpu_count() or 1,
    )


def _origin(study: Study, store: Store, file: Path, formats: Iterable[str]) -> dict[str, Any]:
    """What decides what a report says, each as a hash: the study, what there is of it, and the code that tells it."""
    asked = [study.metrics, study.rows, study.test_rows, study.grid_rows, study.sampling]
    told = [study.name, study.purpose, [run.id for run in study.runs], asked, str(file), sorted(formats)]
    return {"study": content_id(told), "code": _code(), **_files(study, store)}


def _files(study: Study, store: Store) -> dict[str, str]:
    """The results and the pictures that a store has of a study, by names and sizes: files of runs are never edited."""
    from distaff.store.files import digest

    results: list[tuple[str, str, int]] = []
    pictures: list[tuple[str, str, int]] = []
    for run in study.runs:
        folder = store.run_folder(run.id)
        found = sorted(os.scandir(folder), key=lambda entry: entry.name) if folder.is_dir() else []
        for entry in found:
            if not entry.name.startswith("."):  # a file that is being written
                drawn = any(fnmatch(entry.name, pattern) for pattern in PICTURES)
                (pictures if drawn else results).append((run.id, entry.name, entry.stat().st_size))
    failed = [(path.name, digest(path.read_bytes())) for path in sorted((store.folder / "failed").glob("[!.]*.json"))]
    return {"results": content_id([results, failed]), "pictures": content_id(pictures)}


def _code() -> str:
    """All files of the package and of the user's plug-ins, and the versions of the libraries that draw."""
    found = hashlib.sha256(repr([*map(_version, LIBRARIES)]).encode())
    for folder in (PACKAGE, *map(Path, filter(None, os.environ.get(EXTRA_FOLDERS, "").split(os.pathsep)))):
        for path in sorted(path for path in folder.rglob("*") if path.suffix in CODE):
            found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
