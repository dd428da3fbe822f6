"""Every score of a study, or of a store, as columns: seconds for thousands of runs, and cached as parquet."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from distaff.errors import DistaffError
from distaff.plugins.recorded import version_of
from distaff.plugins.registry import metric_or_task
from distaff.plugins.spec import canonical
from distaff.runs import Study
from distaff.sampling import SAMPLINGS
from distaff.scoring.metric_names import metric_naming
from distaff.scoring.protocol import (
    Evaluation,
    ScoreFiles,
    evaluations_of,
    loss_rows,
    newest,
    protocol_of,
    score_file_names,
    spec_text,
)
from distaff.seal import digest
from distaff.store.cache import cached_table
from distaff.store.files import read_json
from distaff.store.listing import listing
from distaff.store.store import Store, curve_end_means

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

VERSION = 3  # of the table's columns and of how it is read: part of the name of its cache


class Numbering:
    """Numbers for texts, in order of appearance."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __getitem__(self, key: Any) -> int:
        return self.numbers.setdefault(key, len(self.numbers))


def read_scores(study: Study, store: Store, cache: bool = True) -> pl.DataFrame:
    """A row a number: id, representation, metric, value, for every run of `study` that is there.

    Ids, representations and metrics are enumerations. A metric goes by its name, or by its specification where the
    study evaluates two of one name or a part of the latents; train.nll, train.kl and train.elbo are the losses of the
    final model, train.curve_nll ... means over the end of its curve. The table is stored in cache/, under a name that
    changes with the files that are there. Raises `DistaffError` for a damaged file.
    """
    files = _files(store, [run.id for run in study.runs])
    score_files = ScoreFiles(store, protocol_of(study, store))
    name = metric_naming((spec.name, str(spec)) for spec in score_files.protocol.metrics)

    def numbers(id: str) -> Iterator[tuple[tuple[str, str], float | None]]:
        for row in (*score_files.rows(id), *curve_end_rows(store, id)):
            yield (row["representation"], name(row["metric"], row.get("spec"))), row["value"]

    def make() -> pl.DataFrame:
        return _frame(*_read(files, numbers))

    return _cached(store, "scores", [score_files.protocol.id, files], make) if cache else make()


def read_all_scores(store: Store, ids: Sequence[str], cache: bool = True) -> pl.DataFrame:
    """As `read_scores`, of the runs `ids`, by whatever protocol; what was evaluated twice of a run counts once.

    A metric goes by its name, or by its specification where there is more than one of its name. Scores of rows that
    were drawn in another way do not compare: the table has those of the sampling by which most runs have scores, of two
    as common those whose test rows are disjoint. Nor do those of two versions of a metric: it has those of the version
    that is here, or else of the highest; and of several sizes of one evaluation the largest.
    """
    files = _files(store, ids)
    evaluations = evaluations_of(store, files)
    sampling = _commonest(files, evaluations)
    chosen = chosen_identities(evaluations, sampling)

    def numbers(id: str) -> Iterator[tuple[tuple[str, str, str | None], float | None]]:
        rows = [*_rows(store, id, files[id], evaluations, sampling, chosen), *curve_end_rows(store, id)]
        return iter({(row["representation"], row["metric"], row.get("spec")): row["value"] for row in rows}.items())

    def make() -> pl.DataFrame:
        ids, kinds, *codes = _read(files, numbers)
        name = metric_naming(kind[1:] for kind in kinds)
        return _frame(ids, [(kind[0], name(*kind[1:])) for kind in kinds], *codes)

    return _cached(store, "every", [files, sorted(chosen.items())], make) if cache else make()


def left_out(store: Store, ids: Sequence[str]) -> list[str]:
    """A line for each version of a metric whose scores `read_all_scores` leaves out, as another is in the table."""
    files = _files(store, ids)
    evaluations = evaluations_of(store, files)
    sampling = _commonest(files, evaluations)
    chosen = chosen_identities(evaluations, sampling)
    runs: dict[tuple[str, str], set[str]] = defaultdict(set)
    for id, names in files.items():
        for evaluation in (evaluations[name] for name in names):
            for text, identity in evaluation.metrics.items() if evaluation.sampling == sampling else ():
                if identity != chosen[text]:
                    runs[text, identity].add(id)
    return [
        f"scores of {text} of {_version(identity)} ({len(of)} run{'s' if len(of) > 1 else ''}) are left out: "
        f"the table has those of {_version(chosen[text], identity)}"
        for (text, identity), of in sorted(runs.items())
    ]


def chosen_identities(evaluations: Mapping[str, Evaluation], sampling: str) -> dict[str, str]:
    """For each metric, by its text, the identity whose scores stand in a table: that which is here, or the newest."""
    found: dict[str, set[str]] = defaultdict(set)
    for evaluation in evaluations.values():
        for text, identity in evaluation.metrics.items() if evaluation.sampling == sampling else ():
            found[text].add(identity)
    return {text: _here_or_newest(text, identities) for text, identities in found.items()}


def _here_or_newest(text: str, identities: set[str]) -> str:
    if len(identities) == 1:
        return next(iter(identities))
    try:
        here = metric_or_task(text).identity
    except (DistaffError, SyntaxError):
        here = ""
    return here if here in identities else max(identities, key=newest)


def _version(identity: str, other: str | None = None) -> str:
    number = version_of(identity)
    same = other is not None and version_of(other) == number
    return f"version {number}, with other defaults" if same else f"version {number}"


def _rows(
    store: Store,
    id: str,
    names: Iterable[str],
    evaluations: Mapping[str, Evaluation],
    sampling: str,
    chosen: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """The scores of a run that stand in a table, those of larger sizes last, and its final losses."""
    losses: list[dict[str, Any]] = []
    for name in sorted(names, key=lambda name: (evaluations[name].sizes, name)):
        content, evaluation = read_json(store.run_folder(id) / name), evaluations[name]
        losses = losses or loss_rows(content)
        if evaluation.sampling == sampling:
            whole = all(chosen[text] == identity for text, identity in evaluation.metrics.items())
            if whole and evaluation.metrics:
                yield from content["scores"]
            else:
                yield from (row for row in content["scores"] if _is_chosen(spec_text(row), evaluation, chosen))
    yield from losses


def _is_chosen(text: str, evaluation: Evaluation, chosen: Mapping[str, str]) -> bool:
    """Whether a file's scores of a metric are of the chosen version; files of format 1 are of the first."""
    if text not in chosen:
        return True
    if not evaluation.metrics:
        return version_of(chosen[text]) == 1
    return evaluation.metrics.get(text) == chosen[text]


def _commonest(files: Mapping[str, Sequence[str]], evaluations: Mapping[str, Evaluation]) -> str:
    """The sampling by which most runs were scored."""
    counts = dict.fromkeys(SAMPLINGS, 0)
    for names in files.values():
        for sampling in {evaluations[name].sampling for name in names}:
            counts[sampling] += 1
    return max(counts, key=lambda sampling: counts[sampling])


def _files(store: Store, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The files of scores of each of `ids` that is there."""
    there = listing(store).runs
    return {id: tuple(score_file_names(store, id)) for id in ids if id in there}


def _cached(store: Store, what: str, of: list[Any], make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """What `make` makes, or made when `of` was the same."""
    key = digest(canonical([VERSION, *of]).encode())[:16]
    return cached_table(store.folder / "cache", what, key, make)


def _read(ids: Iterable[str], numbers: Callable[[str], Iterable[tuple[Any, float | None]]]) -> tuple[Any, ...]:
    """The runs and the kinds of numbers, as lists, and for each number its run, its kind and its value."""
    import numpy as np

    columns, which = Numbering(), Numbering()
    runs, kinds, values = array("i"), array("i"), array("d")
    for id in ids:
        run, before = columns[id], len(values)
        for kind, value in numbers(id):
            kinds.append(which[kind])
            values.append(value if value is not None else float("nan"))
        runs.extend([run] * (len(values) - before))
    codes = (np.frombuffer(column, dtype=column.typecode) for column in (runs, kinds, values))
    return [*columns.numbers], [*which.numbers], *codes


def _frame(
    ids: list[str],
    kinds: list[tuple[str, str]],
    of_run: NDArray[np.int32],
    of_kind: NDArray[np.int32],
    values: NDArray[np.float64],
) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    def column(name: str, texts: Iterable[str], codes: NDArray[Any]) -> pl.Series:
        known = list(dict.fromkeys(texts))
        return pl.Series(name, known, dtype=pl.Enum(known)).gather(codes)

    def part(name: str, place: int) -> pl.Series:
        texts = [kind[place] for kind in kinds]
        known = {text: code for code, text in enumerate(dict.fromkeys(texts))}
        return column(name, texts, np.array([known[text] for text in texts], dtype=np.int64)[of_kind])

    value = pl.Series("value", values, dtype=pl.Float64, nan_to_null=True)
    return pl.DataFrame([column("id", ids, of_run), part("representation", 0), part("metric", 1), value])


def curve_end_rows(store: Store, id: str) -> list[dict[str, Any]]:
    """Means over the last tenth of the curve of run `id`, as rows: train.curve_nll, train.curve_kl, train.curve_elbo.

    They are of a model that still learned, nats above the final one, whose losses are train.nll, train.kl, train.elbo.
    """
    means = read_json(store.run_folder(id) / "run.json").get("ended") or curve_end_means(store.curve(id))
    return [
        {"representation": "mean", "metric": f"train.curve_{name}", "value": value} for name, value in means.items()
    ]
