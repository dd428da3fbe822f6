"""Untrained networks, noise and a perfect code are asked what the runs are asked, once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from distaff.analysis.reach import reach
from distaff.data import load
from distaff.data.cache.built import FOLDER
from distaff.metrics.reliability import reach as measured
from distaff.networks import initial
from distaff.plugins.registry import METRICS, NETWORKS
from distaff.runs import Study, cross
from distaff.scoring.baselines import floors
from distaff.scoring.protocol import Scoring, scoring
from distaff.scoring.score import answers
from distaff.scoring.table import floor
from distaff.store.files import read_json, sealed
from distaff.store.store import Store

SMALL = {"network": "mlp(width=8, latents=3)", "updates": 20}
RUNS = cross(["toy"], ["beta_vae(beta=2)", "dip_vae_i"], range(2), **SMALL)
STUDY = Study("small", RUNS, ("mig", "modularity", "downstream(labels=10)"), rows=600, test_rows=100)


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    floors(store, RUNS[0], scoring(STUDY), models=2)
    return store


def told(store: Store) -> dict:
    (path,) = store.folder.glob("untrained-*.json")
    return read_json(path)


def test_untrained_networks_are_scored_once_and_kept(kept: Store) -> None:
    first, heard = floor(STUDY, kept), []
    assert first.filter(pl.col("method") == "untrained")["metric"].value_counts()["count"].to_list() == [20, 20]
    before = told(kept)
    assert floor(STUDY, kept, heard.append).equals(first)
    assert told(kept) == before
    assert not heard


def test_an_untrained_network_has_the_score_of_a_run_with_its_weights(kept: Store) -> None:
    vae = NETWORKS.bind(RUNS[0].network)(load("toy").shape)
    asked = replace(scoring(STUDY), metrics=(METRICS.parse("mig"), METRICS.parse("modularity")))
    as_run = [row for row in answers(RUNS[0], initial(vae, 1), asked) if row["representation"] == "mean"]
    expected = {row["metric"]: row["value"] for row in as_run if "." not in row["metric"]}
    mine = [row for row in told(kept)["scores"] if row["of"] == "untrained" and row["seed"] == 1]
    assert {row["metric"]: row["value"] for row in mine} == expected


def test_noise_and_a_perfect_code_stand_where_theory_and_the_metrics_say(tmp_path: Path) -> None:
    asked = Scoring(scoring(STUDY).metrics, 5_000, 100)
    found = {(row["of"], row["metric"]): row["value"] for row in floors(Store(tmp_path), RUNS[0], asked, models=0)}
    sizes = load("toy").factors.sizes
    mig, modularity = reach("mig", sizes), reach("modularity", sizes)
    assert mig is not None
    assert modularity is not None
    assert found["perfect", "mig"] == pytest.approx(mig.ceiling, abs=0.01)
    assert found["noise", "modularity"] == pytest.approx(modularity.floor, abs=0.1)
    grid = load("toy").factors.values(range(768))
    assert found["perfect", "modularity"] == pytest.approx(measured("modularity", grid).perfect, abs=0.01)


def test_what_a_file_lacks_is_added_and_what_it_has_is_left(kept: Store) -> None:
    (path,) = kept.folder.glob("untrained-*.json")
    old = [{"seed": seed, "representation": kind, "metric": "mig", "value": -1.0}
           for seed in range(2) for kind in ("mean", "sampled")]  # fmt: skip
    path.write_bytes(sealed({"network": str(RUNS[0].network), "scores": old}))  # as files were when they held MIG alone
    found = floors(kept, RUNS[0], scoring(STUDY), models=3)
    values = {(row.get("of"), row["seed"]): row["value"] for row in found if row["metric"] == "mig"}
    assert [values[None, seed] for seed in range(2)] == [-1.0, -1.0]
    assert values["untrained", 2] > 0
    more = replace(STUDY, metrics=("mig", "mig(bins=10)"))
    again = floors(kept, RUNS[0], scoring(more), models=3)
    assert [row for row in again if row in found] == [row for row in found if row["metric"] == "mig"]
    assert set(floor(more, kept)["metric"]) == set(more.metrics)


def test_scores_of_another_network_or_of_other_rows_are_asked_anew(kept: Store) -> None:
    before = told(kept)["scores"]
    floors(kept, RUNS[0], replace(scoring(STUDY), rows=300), models=2)
    assert told(kept)["scores"] != before
    other = cross(["toy"], ["dip_vae_i"], [0], network="mlp(width=9, latents=3)", updates=20)[0]
    floors(kept, other, scoring(STUDY), models=2)
    assert told(kept)["network"] == "mlp(latents=3, width=9)"


def test_without_the_images_noise_and_a_perfect_code_are_asked_and_networks_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "no-images"))
    elsewhere = cross(["cars3d"], ["dip_vae_i"], [0])[0]
    heard: list[str] = []
    found = floors(Store(tmp_path), elsewhere, scoring(STUDY), tell=heard.append)
    assert {row["of"] for row in found} == {"noise", "perfect"}
    assert "distaff data fetch cars3d" in heard[-1]
