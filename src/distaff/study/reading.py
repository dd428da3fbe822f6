"""Every score of a study as columns, in seconds for thousands of runs; kept as parquet until the store has more."""

from __future__ import annotations

import contextlib
import hashlib
import os
from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any

from distaff.registry import canonical
from distaff.spec import Study
from distaff.study.asked import Answers, scoring
from distaff.study.files import read_json, write
from distaff.study.plan import listing
from distaff.study.store import Store, ended

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
    import polars as pl

    ids = [run.id for run in study.runs]
    there = listing(store).runs
    files = {id: tuple(sorted(_scores_of(store, id))) for id in ids if id in there}
    path = store.folder / "cache" / f"scores-{_name(study, files)}.parquet"
    if cache and path.exists():
        return pl.read_parquet(path)
    table = _read(study, store, files)
    if cache:
        for old in path.parent.glob("scores-*.parquet"):
            old.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a store that cannot be written to is read anew each time
            write(path, _parquet(table))
    return table


def beside(facts: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """The columns of `facts`, a row a run with its id, repeated beside the `numbers` that `read_scores` gave.

    Texts become enumerations: a number costs some fifty bytes, so that a hundred thousand runs fit into memory.
    """
    import polars as pl

    known = numbers.schema["id"]
    assert isinstance(known, pl.Enum)
    texts = [name for name, kind in facts.schema.items() if kind == pl.String]
    kinds = {name: pl.Enum(facts[name].unique(maintain_order=True).drop_nulls()) for name in texts}
    places = {id: place for place, id in enumerate(facts["id"])}
    of_run = facts.cast(kinds)[[places[id] for id in known.categories]]  # type: ignore[arg-type]
    rest = numbers.select("representation", "metric", "value")
    return pl.concat([of_run[numbers["id"].to_physical()], rest], how="horizontal")


def _read(study: Study, store: Store, files: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    import numpy as np

    answers = Answers(store, scoring(study))
    times = Counter(spec.name for spec in answers.scoring.metrics)
    columns, which = Names(), Names()
    runs, kinds, values = array("i"), array("i"), array("d")
    for id in files:
        number = columns[id]
        before = len(values)
        for row in (*answers.rows(id), *ends(store, id)):
            name = row["metric"]
            head, dot, part = name.partition(".")
            if "spec" in row and (times[head] > 1 or "dims=" in row["spec"]):
                name = row["spec"] + dot + part
            kinds.append(which[row["representation"], name])
            values.append(row["value"] if row["value"] is not None else float("nan"))
        runs.extend([number] * (len(values) - before))
    return _frame(columns, which, *(np.frombuffer(column, dtype=column.typecode) for column in (runs, kinds, values)))


def _frame(
    ids: Names, kinds: Names, of_run: NDArray[np.int32], of_kind: NDArray[np.int32], values: NDArray[np.float64]
) -> pl.DataFrame:
    import numpy as np
    import polars as pl

    representations = list(dict.fromkeys(kind[0] for kind in kinds.numbers))
    metrics = list(dict.fromkeys(kind[1] for kind in kinds.numbers))
    as_representation = np.array([representations.index(kind[0]) for kind in kinds.numbers], dtype=np.int64)
    places = {metric: place for place, metric in enumerate(metrics)}
    as_metric = np.array([places[kind[1]] for kind in kinds.numbers], dtype=np.int64)

    def column(name: str, codes: NDArray[Any], texts: list[str]) -> pl.Series:
        return (
            pl.Series(name, texts, dtype=pl.Enum(texts)).gather(codes)
            if texts
            else pl.Series(name, [], dtype=pl.Enum([]))
        )

    value = pl.Series("value", values, dtype=pl.Float64, nan_to_null=True)
    return pl.DataFrame(
        [
            column("id", of_run, list(ids.numbers)),
            column("representation", as_representation[of_kind], representations),
            column("metric", as_metric[of_kind], metrics),
            value,
        ]
    )


def ends(store: Store, id: str) -> list[dict[str, Any]]:
    """What the training of run `id` ended with, as rows of scores: train.nll, train.kl and train.elbo."""
    told = read_json(store.run_folder(id) / "run.json").get("ended") or ended(store.curve(id))
    return [{"representation": "mean", "metric": f"train.{name}", "value": value} for name, value in told.items()]


def _scores_of(store: Store, id: str) -> list[str]:
    return [name for name in os.listdir(store.run_folder(id)) if name.startswith("scores-")]


def _name(study: Study, files: dict[str, tuple[str, ...]]) -> str:
    asked = scoring(study)
    return hashlib.sha256(canonical([VERSION, asked.id, files]).encode()).hexdigest()[:16]


def _parquet(table: pl.DataFrame) -> bytes:
    import io

    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
