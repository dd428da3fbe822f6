"""Every score of a study, or of a store, as columns: seconds for thousands of runs, and kept as parquet."""

from __future__ import annotations

import contextlib
import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from distaff.plugins.registry import canonical
from distaff.runs import Study
from distaff.scoring.names import naming
from distaff.scoring.protocol import Answers, scores, scoring
from distaff.store.files import read_json, write
from distaff.store.store import Store, ended
from distaff.study.plan import listing

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

VERSION = 1  # of the table's columns: part of the name of its cache


class Names:
    """Numbers for texts, in order of appearance."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __getitem__(self, key: Any) -> int:
        return self.numbers.setdefault(key, len(self.numbers))


def read_scores(study: Study, store: Store, cache: bool = True) -> pl.DataFrame:
    """A row a number: id, representation, metric, value, for every run of `study` that is there.

    Ids, representations and metrics are enumerations. A metric goes by its name, or by its specification where the
    study asks two of one name or a part of the latents; train.nll, train.kl and train.elbo are what training ended
    with. The table is kept in cache/, under a name that changes with the files that are there. Raises `DistaffError`
    for a damaged file.
    """
    files = _files(store, [run.id for run in study.runs])
    answers = Answers(store, scoring(study))
    name = naming((spec.name, str(spec)) for spec in answers.scoring.metrics)

    def numbers(id: str) -> Iterator[tuple[tuple[str, str], float | None]]:
        for row in (*answers.rows(id), *ends(store, id)):
            yield (row["representation"], name(row["metric"], row.get("spec"))), row["value"]

    def make() -> pl.DataFrame:
        return _frame(*_read(files, numbers))

    return _kept(store, "scores", [answers.scoring.id, files], make) if cache else make()


def read_every(store: Store, ids: Sequence[str], cache: bool = True) -> pl.DataFrame:
    """As `read_scores`, of the runs `ids`, for whatever was asked of them; what was asked twice of a run counts once.

    A metric goes by its name, or by its specification where there is more than one of its name.
    """
    files = _files(store, ids)

    def numbers(id: str) -> Iterator[tuple[tuple[str, str, str | None], float | None]]:
        rows = (*scores(store, id), *ends(store, id))
        return iter({(row["representation"], row["metric"], row.get("spec")): row["value"] for row in rows}.items())

    def make() -> pl.DataFrame:
        ids, kinds, *codes = _read(files, numbers)
        name = naming(kind[1:] for kind in kinds)
        return _frame(ids, [(kind[0], name(*kind[1:])) for kind in kinds], *codes)

    return _kept(store, "every", [files], make) if cache else make()


def _files(store: Store, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The files of scores of each of `ids` that is there."""
    there = listing(store).runs
    return {id: tuple(sorted(_scores_of(store, id))) for id in ids if id in there}


def _kept(store: Store, what: str, of: list[Any], make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """What `make` makes, or made when `of` was the same."""
    import polars as pl

    name = hashlib.sha256(canonical([VERSION, *of]).encode()).hexdigest()[:16]
    path = store.folder / "cache" / f"{what}-{name}.parquet"
    if path.exists():
        return pl.read_parquet(path)
    table = make()
    with contextlib.suppress(OSError):  # a store that cannot be written to is read anew each time
        for old in path.parent.glob(f"{what}-*.parquet"):
            old.unlink(missing_ok=True)
        write(path, _parquet(table))
    return table


def _read(ids: Iterable[str], numbers: Callable[[str], Iterable[tuple[Any, float | None]]]) -> tuple[Any, ...]:
    """The runs and the kinds of numbers, as lists, and for each number its run, its kind and its value."""
    import numpy as np

    columns, which = Names(), Names()
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


def ends(store: Store, id: str) -> list[dict[str, Any]]:
    """What the training of run `id` ended with, as rows of scores: train.nll, train.kl and train.elbo."""
    told = read_json(store.run_folder(id) / "run.json").get("ended") or ended(store.curve(id))
    return [{"representation": "mean", "metric": f"train.{name}", "value": value} for name, value in told.items()]


def _scores_of(store: Store, id: str) -> list[str]:
    return [name for name in os.listdir(store.run_folder(id)) if name.startswith("scores-")]


def _parquet(table: pl.DataFrame) -> bytes:
    import io

    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
