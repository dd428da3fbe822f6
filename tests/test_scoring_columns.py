"""The fast reader gives what the files say, and its cache what the reader gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from distaff.errors import DistaffError
from distaff.runs import Study
from distaff.scoring.protocol import scores_of_run
from distaff.scoring.score_columns import read_scores
from distaff.scoring.table import read, table
from distaff.store import cache
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.work import work
from real_studies import study_file


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Store]:
    folder = tmp_path_factory.mktemp("reading")
    study = load_study(study_file(folder, ("beta_vae(beta=2)", "dip_vae_i"), 2, 20))
    store = Store(folder / "store")
    work(store, replace(study, metrics=(*study.metrics, "mig(bins=5)")))
    return replace(study, metrics=(*study.metrics, "mig(bins=5)")), store


def test_every_number_of_every_file_is_there(finished: tuple[Study, Store]) -> None:
    study, store = finished
    found = read_scores(study, store, cache=False)
    for run in study.runs:
        of_run = found.filter(pl.col("id") == run.id).filter(
            ~pl.col("metric").cast(pl.String).str.starts_with("train.curve_")
        )
        assert of_run["value"].to_list() == [row["value"] for row in scores_of_run(store, run.id)]
    assert {"mig", "mig(bins=5)", "mig(bins=5).posY", "train.elbo"} <= set(found["metric"].cast(pl.String))


def test_the_table_of_the_report_is_that_of_the_files(finished: tuple[Study, Store]) -> None:
    study, store = finished
    slow = read(store.folder).sort("id", "representation", "metric")
    for _ in ("cold", "cached"):
        assert_frame_equal(table(study, store).sort("id", "representation", "metric"), slow, check_exact=True)
    assert table(study, store)["id"].unique(maintain_order=True).to_list() == [run.id for run in study.runs]


def test_a_store_that_cannot_be_written_to_has_its_table(
    finished: tuple[Study, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, store = finished
    whole = read_scores(study, store)
    (cached,) = (store.folder / "cache").glob("scores-*")
    cached.rename(cached.with_name("scores-of-before.parquet"))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(cache, "write", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert_frame_equal(read_scores(study, store), whole)


def test_the_cache_is_the_table_and_goes_when_the_store_has_more(finished: tuple[Study, Store]) -> None:
    study, store = finished
    first = read_scores(study, store)
    (cached,) = (store.folder / "cache").glob("scores-*")
    assert_frame_equal(read_scores(study, store), first)
    more = replace(study, metrics=(*study.metrics, "modularity"))
    work(store, more)
    assert read_scores(more, store).height > first.height
    assert [path for path in (store.folder / "cache").iterdir() if path == cached] == []


def test_a_damaged_file_stops_the_table(finished: tuple[Study, Store]) -> None:
    study, store = finished
    (path, *_) = store.run_folder(study.runs[0].id).glob("scores-*.json")
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(DistaffError, match="is damaged or was edited"):
        read_scores(study, store, cache=False)
    path.write_bytes(whole)


def test_a_study_without_results_has_an_empty_table(tmp_path: Path, finished: tuple[Study, Store]) -> None:
    assert read_scores(finished[0], Store(tmp_path)).height == 0
