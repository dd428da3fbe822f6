"""The tidy table of a study: one row a number, read from the store, which stays the truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from distaff.analysis.marks import marks
from distaff.analysis.scores import is_headline
from distaff.analysis.settings import ASPECTS, IDS, MEANING, Kind, complete, with_about
from distaff.errors import DistaffError
from distaff.plugins.spec import content_id
from distaff.runs import Run, Setting, Study
from distaff.scoring.metric_names import metric_naming
from distaff.scoring.notices import notices_of_store, notices_of_study
from distaff.scoring.protocol import protocol_of
from distaff.scoring.score_columns import read_all_scores, read_scores
from distaff.store.command import command
from distaff.store.files import read_json
from distaff.store.formats import opened, readable
from distaff.store.store import Store
from distaff.store.studies import read_study, studies_of
from distaff.untrusted.columns import read_frame
from distaff.untrusted.names import check_own
from distaff.untrusted.reading import reading

SCORES: dict[str, Kind] = {
    "id": pl.String,
    "dataset": pl.String,
    "method": pl.String,
    "strength": pl.Float64,
    "strength_index": pl.Int64,
    "spec": pl.String,
    **IDS,
    **ASPECTS,
    "seed": pl.Int64,
    "representation": pl.String,
    "metric": pl.String,
    "about": MEANING,
    "value": pl.Float64,
}
NUMBER = ("representation", "metric", "about", "value")
OF_RUN = {name: kind for name, kind in SCORES.items() if name not in NUMBER}
RUNS = {**OF_RUN, "status": pl.String, "seconds": pl.Float64, "command": pl.String, "reason": pl.String}
LATER = {*IDS, *ASPECTS, "about"}  # columns that tables of earlier versions lack


def table(study: Study, store: Store, *, parts: bool = True) -> pl.DataFrame:
    """Every score of every run of `study` that is in `store`, its final losses as `train.nll`, `.kl`, `.elbo`.

    The scores are those of the study's protocol, cached as parquet until the store has more; of a study without
    metrics, all that are in the store.
    """
    readable(store)
    if study.metrics:
        numbers = read_scores(study, store)
    else:
        numbers = read_all_scores(store, [run.id for run in study.runs if store.has(run.id)])
    return _with_facts(numbers if parts else _headlines(numbers), study.runs)


def _with_facts(numbers: pl.DataFrame, runs: Sequence[Run], planned: Sequence[Run] = ()) -> pl.DataFrame:
    """Each of `numbers` with the facts of its run beside it; a text is stored once, not once a row."""
    facts_of = {row["id"]: row for row in _facts(runs, planned)}
    of_run = pl.DataFrame([facts_of[id] for id in _texts(numbers["id"])], schema=OF_RUN)
    place = numbers["id"].to_physical()
    facts = [of_run[name].gather(place) for name in OF_RUN]
    representation, metric = (_texts(numbers[name]) for name in ("representation", "metric"))
    about = pl.Series("about", [marks(name).about for name in metric], dtype=MEANING)
    kind = numbers["metric"].to_physical()
    of_number = [
        representation.gather(numbers["representation"].to_physical()),
        metric.gather(kind),
        about.gather(kind),
    ]
    return pl.DataFrame([*facts, *of_number, numbers["value"]])


def _texts(column: pl.Series) -> pl.Series:
    """The texts of an enumeration, in the order of their codes."""
    assert isinstance(column.dtype, pl.Enum)
    return pl.Series(column.name, column.dtype.categories)


def with_udr(
    numbers: pl.DataFrame, runs: Sequence[Run], store: Store, log: Callable[[str], None] = lambda _: None
) -> pl.DataFrame:
    """The table of scores with `udr` of mean codes of each of `runs` that has another seed to be compared with.

    `log` hears of each setting whose codes are compared now, as the store does not hold its scores yet.
    """
    from distaff.scoring.udr import udr_of_runs  # it needs torch, which a table does not

    of_runs = udr_of_runs(runs, store, log)
    scores = pl.DataFrame(list(of_runs.items()), schema={"id": pl.String, "value": pl.Float64}, orient="row")
    of_run = numbers.unique("id", maintain_order=True).drop(NUMBER, strict=False)
    about = pl.lit(marks("udr").about, dtype=MEANING)
    named = of_run.join(scores, "id", maintain_order="left").with_columns(
        representation=pl.lit("mean"), metric=pl.lit("udr"), about=about
    )
    return pl.concat([numbers, named.select(numbers.columns)])


def table_of(
    source: Study | pl.DataFrame | str | Path,
    store: Store | str | Path | None = None,
    *,
    parts: bool = True,
    log: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """The table of scores of a study, of a store, or of a file that was written as CSV or parquet.

    Args:
        source: a study, whose store is `store` or else out/NAME; the folder of a store; a file; or a table that was
            read before, which is completed.
        store: the folder of the study's results.
        parts: whether to include the parts of scores, such as `mig.factor_0`, which are most of the numbers.
        log: hears of scores that are left out, as those of two versions of a metric do not compare, and of settings
            whose runs were made by several texts of a plug-in.

    One row is one number, with the columns `SCORES`; `.to_pandas()` is one call away. Raises `DistaffError` where
    `source` is none of these.
    """
    if isinstance(source, Study):
        place = store if isinstance(store, Store) else Store(Path(store or Path("out") / source.name))
        return _logged(table(source, place, parts=parts), notices_of_study(source, place), log)
    if isinstance(source, pl.DataFrame):
        return complete(source)
    if not (Path(source) / "runs").is_dir():
        return read(source)
    of_store = opened(source)
    known = every_run(of_store)
    return _logged(_of_store(of_store, known, parts), notices_of_store(of_store, known), log)


def _logged(scores: pl.DataFrame, lines: Sequence[str], log: Callable[[str], None]) -> pl.DataFrame:
    for line in lines:
        log(line)
    return scores


def read(path: str | Path) -> pl.DataFrame:
    """The table of scores of all runs of a store, or one that was written as CSV or parquet.

    The columns are `SCORES`; `.to_pandas()` is one call away. A table that an earlier version wrote lacks some of
    them, which `complete` derives, and called means of the ends of curves train.nll, .kl and .elbo; they are read as
    train.curve_nll ... Of a store, strengths are ranked among the runs that its studies plan. Raises `DistaffError`
    where there is neither.
    """
    path = Path(path)
    if not path.is_dir():
        stored = read_frame(path, SCORES)
        if lacking := SCORES.keys() - LATER - set(stored.columns):
            raise DistaffError(f"{path} is not a table of scores: it lacks {', '.join(sorted(lacking))}")
        with reading(path, "is not a table of scores"):
            named = complete(_curves_named(stored))
            return named.select(pl.col(name).cast(kind) for name, kind in SCORES.items())
    if not (path / "runs").is_dir():
        raise DistaffError(f"{path} is neither a store, with a folder runs, nor a table of scores")
    check_own(path / "cache")
    store = opened(path)
    return _of_store(store, every_run(store))


def _of_store(store: Store, known: Sequence[Run], parts: bool = True) -> pl.DataFrame:
    numbers = read_all_scores(store, [run.id for run in known])
    return _with_facts(numbers if parts else _headlines(numbers), known, _planned(store))


def _headlines(numbers: pl.DataFrame) -> pl.DataFrame:
    """Numbers without the parts of scores: dropped here, before a row has twenty columns."""
    known = [name for name in _texts(numbers["metric"]) if is_headline(name)]
    return numbers.filter(pl.col("metric").is_in(known))


def _curves_named(table: pl.DataFrame) -> pl.DataFrame:
    """The table with means of curves under their own name: one that has none of it was written when they were train.*.

    The losses of a final model are never without those of its curve.
    """
    if table["metric"].str.starts_with("train.curve_").any():
        return table
    return table.with_columns(pl.col("metric").str.replace(r"^train\.", "train.curve_"))


def every_run(store: Store) -> list[Run]:
    """The runs that are in `store`, of whatever study."""
    return [store.run(folder.name) for folder in sorted((store.folder / "runs").glob("[!.]*"))]


def _planned(store: Store) -> list[Run]:
    """The runs that the studies of a store plan, whether or not they are there."""
    return [run for path in studies_of(store.folder) for run in read_study(path).runs]


def runs(study: Study, store: Store) -> pl.DataFrame:
    """Every run of `study`: done, failed with its reason, or missing, and the command that makes it."""
    rows = []
    for run, facts in zip(study.runs, _facts(study.runs), strict=True):
        reason = store.failure(run.id)
        done = store.has(run.id)
        seconds = read_json(store.run_folder(run.id) / "provenance.json").get("seconds") if done else None
        status = "done" if done else "failed" if reason else "missing"
        rows.append({**facts, "status": status, "seconds": seconds, "command": command(run), "reason": reason})
    return pl.DataFrame(rows, schema=RUNS)


def _facts(runs: Sequence[Run], planned: Sequence[Run] = ()) -> list[dict[str, Any]]:
    """The columns of the table that describe each run, beside its numbers.

    Strengths are ranked within a data set and a method, among `runs` and those that are `planned`: the rank of a
    strength does not change when more of a study is there.
    """
    strengths: dict[tuple[str, str], set[float]] = defaultdict(set)
    for run in (*runs, *planned):
        strengths[str(run.dataset), run.method.name].add(_strength(run))
    ranks = {key: {value: rank for rank, value in enumerate(sorted(values))} for key, values in strengths.items()}
    of = {setting: _of_setting(setting) for setting in dict.fromkeys(run.setting for run in runs)}
    return [
        {
            "id": run.id,
            "strength": _strength(run),
            "strength_index": ranks[str(run.dataset), run.method.name][_strength(run)],
            "seed": run.seed,
            **of[run.setting],
        }
        for run in runs
    ]


def _of_setting(setting: Setting) -> dict[str, Any]:
    """The columns of the table that describe a setting."""
    return {
        "dataset": str(setting.dataset),
        "method": setting.method.name,
        "spec": str(setting.method),
        "setting": setting.id,
        "configuration": setting.configuration,
        "network": str(setting.network),
        "critic": str(setting.critic) if setting.critic else None,
        "optim": setting.optimiser,
        "batch": setting.batch,
        "updates": setting.updates,
        "precision": setting.precision,
    }


def _strength(run: Run) -> float:
    return run.strength[1] if run.strength else 0.0


def baselines_table(study: Study, store: Store, log: Callable[[str], None] = lambda _: None) -> pl.DataFrame:
    """The scores of `untrained` networks, of `noise` and of a `perfect` code (the method), in the columns of `table`.

    A set for each data set of `study` that has settings to compare; `log` hears of what is not in the store yet.
    """
    from distaff.scoring.baselines import evaluate_baselines  # it needs torch, which a table does not

    facts = {"strength": 0.0, "strength_index": 0}
    rows = []
    for dataset in dict.fromkeys(str(run.dataset) for run in study.runs):
        of_set = [run for run in study.runs if str(run.dataset) == dataset]
        if len({run.setting for run in of_set}) > 1:  # one setting alone has no figure
            for network, run in {str(run.network): run for run in reversed(of_set)}.items():
                for row in evaluate_baselines(store, run, protocol_of(study, store), log=log):
                    of = row.get("of", "untrained")
                    named = {
                        "id": f"{of}-{row['seed']}",
                        "dataset": dataset,
                        "method": of,
                        "spec": of,
                        "network": network,
                    }
                    setting = content_id([dataset, of, network])
                    of_metric = {"metric_spec": row.get("spec")}
                    named |= {"network": network, "setting": setting, "configuration": setting}
                    rows.append({**row, **facts, **named, **of_metric})
    name = metric_naming((row["metric"], row["metric_spec"]) for row in rows)
    named_rows = [{**row, "metric": name(row["metric"], row["metric_spec"])} for row in rows]
    return with_about(pl.DataFrame(named_rows, schema={k: v for k, v in SCORES.items() if k != "about"})).select(
        SCORES.keys()
    )
