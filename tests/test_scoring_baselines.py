"""Untrained networks, noise and a perfect code are protocol what the runs are protocol, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from distaff.data import load
from distaff.data.cache.built import FOLDER
from distaff.metrics.baselines import baselines, expected
from distaff.networks import initial
from distaff.plugins.registry import METRICS, NETWORKS
from distaff.plugins.spec import content_id
from distaff.runs import Study, cross
from distaff.scoring.baselines import evaluate_baselines
from distaff.scoring.protocol import EvaluationProtocol, protocol_of
from distaff.scoring.score import evaluate_run
from distaff.scoring.table import baselines_table
from distaff.store.files import read_json, sealed
from distaff.store.store import Store

SMALL = {"network": "mlp(width=8, latents=3)", "updates": 20}
RUNS = cross(["toy"], ["beta_vae(beta=2)", "dip_vae_i"], range(2), **SMALL)
STUDY = Study("small", RUNS, ("mig", "modularity", "downstream(labels=10)"), rows=600, test_rows=100)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    evaluate_baselines(store, RUNS[0], protocol_of(STUDY), models=2)
    return store


def record(store: Store) -> dict:
    (path,) = store.folder.glob("untrained-*.json")
    return read_json(path)


def test_untrained_networks_are_scored_once_and_stored(store: Store) -> None:
    first, logged = baselines_table(STUDY, store), []
    assert first.filter(pl.col("method") == "untrained")["metric"].value_counts()["count"].to_list() == [20, 20]
    before = record(store)
    assert baselines_table(STUDY, store, logged.append).equals(first)
    assert record(store) == before
    assert not logged


def test_an_untrained_network_has_the_score_of_a_run_with_its_weights(store: Store) -> None:
    vae = NETWORKS.bind(RUNS[0].network)(load("toy").shape)
    protocol = replace(protocol_of(STUDY), metrics=(METRICS.parse("mig"), METRICS.parse("modularity")))
    as_run = [row for row in evaluate_run(RUNS[0], initial(vae, 1), protocol) if row["representation"] == "mean"]
    expected = {row["metric"]: row["value"] for row in as_run if "." not in row["metric"]}
    mine = [row for row in record(store)["scores"] if row["of"] == "untrained" and row["seed"] == 1]
    assert {row["metric"]: row["value"] for row in mine} == expected


def test_noise_and_a_perfect_code_stand_where_theory_and_the_metrics_say(tmp_path: Path) -> None:
    protocol = EvaluationProtocol(protocol_of(STUDY).metrics, 5_000, 100)
    rows = {
        (row["of"], row["metric"]): row["value"]
        for row in evaluate_baselines(Store(tmp_path), RUNS[0], protocol, models=0)
    }
    sizes = load("toy").factors.sizes
    mig, modularity = expected("mig", sizes), expected("modularity", sizes)
    assert mig is not None
    assert modularity is not None
    assert rows["perfect", "mig"] == pytest.approx(mig.perfect, abs=0.01)
    assert rows["noise", "modularity"] == pytest.approx(modularity.noise, abs=0.1)
    grid = load("toy").factors.values(range(768))
    assert rows["perfect", "modularity"] == pytest.approx(baselines("modularity", grid).perfect, abs=0.01)


def test_what_a_file_lacks_is_added_and_what_it_has_is_left(store: Store) -> None:
    (path,) = store.folder.glob("untrained-*.json")
    old = [{"seed": seed, "representation": kind, "metric": "mig", "value": -1.0}
           for seed in range(2) for kind in ("mean", "sampled")]  # fmt: skip
    path.write_bytes(sealed({"network": str(RUNS[0].network), "scores": old}))  # as files were when they held MIG alone
    rows = evaluate_baselines(store, RUNS[0], protocol_of(STUDY), models=3)
    values = {(row.get("of"), row["seed"]): row["value"] for row in rows if row["metric"] == "mig"}
    assert [values[None, seed] for seed in range(2)] == [-1.0, -1.0]
    assert values["untrained", 2] > 0
    more = replace(STUDY, metrics=("mig", "mig(bins=10)"))
    again = evaluate_baselines(store, RUNS[0], protocol_of(more), models=3)
    assert [row for row in again if row in rows] == [row for row in rows if row["metric"] == "mig"]
    assert set(baselines_table(more, store)["metric"]) == set(more.metrics)


def test_baselines_of_other_rows_are_measured_anew(store: Store) -> None:
    before = record(store)["scores"]
    evaluate_baselines(store, RUNS[0], replace(protocol_of(STUDY), rows=300), models=2)
    assert record(store)["scores"] != before


def test_two_networks_of_one_data_set_have_baselines_each(store: Store) -> None:
    mine = record(store)
    other = cross(["toy"], ["dip_vae_i"], [0], network="mlp(width=9, latents=3)", updates=20)[0]
    evaluate_baselines(store, other, protocol_of(STUDY), models=2)
    files = {file["network"]: file for file in map(read_json, store.folder.glob("untrained-*.json"))}
    assert files.keys() == {"mlp(latents=3, width=8)", "mlp(latents=3, width=9)"}
    assert files["mlp(latents=3, width=8)"] == mine


def test_a_file_that_is_named_by_its_data_set_alone_is_still_read(store: Store) -> None:
    (path,) = store.folder.glob("untrained-*.json")
    earlier = store.folder / f"untrained-{content_id(RUNS[0].dataset.identity)}.json"
    path.rename(earlier)
    before = earlier.read_bytes()
    logged: list[str] = []
    assert (
        evaluate_baselines(store, RUNS[0], protocol_of(STUDY), models=2, log=logged.append)
        == read_json(earlier)["scores"]
    )
    assert not logged
    assert earlier.read_bytes() == before


def test_without_the_images_noise_and_a_perfect_code_are_evaluated_and_networks_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "no-images"))
    elsewhere = cross(["cars3d"], ["dip_vae_i"], [0])[0]
    logged: list[str] = []
    rows = evaluate_baselines(Store(tmp_path), elsewhere, protocol_of(STUDY), log=logged.append)
    assert {row["of"] for row in rows} == {"noise", "perfect"}
    assert "distaff data fetch cars3d" in logged[-1]
