"""Codes and losses that a GPU computed beside training give the scores that the processor's give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distaff.codes import BATCH, ON_A_GPU, encode_rows, input_batches
from distaff.data import Dataset, load
from distaff.plugins.registry import metric_or_task
from distaff.runs import Optim, run
from distaff.scoring import encoded as encoding
from distaff.scoring.encoded import encode_trained, encoded_path, read_encoded
from distaff.scoring.final_losses import final_losses
from distaff.scoring.grid_codes import encode_grid
from distaff.scoring.protocol import EvaluationProtocol, ScoreFiles
from distaff.scoring.score import evaluate_codes, score_run
from distaff.store.files import read_json
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study import train_pack
from distaff.study.prune import remove_leftovers
from distaff.study.work import work
from distaff.training import fit as training
from distaff.training.fit import Trained, fit
from real_studies import results, study_file

METRICS = tuple(map(metric_or_task, ("mig", "factor_vae_score(train=300, test=200)", "gaussian_total_correlation")))
PROTOCOL = EvaluationProtocol(METRICS, 400, 200, 700)
LINES = EvaluationProtocol((*METRICS[:1], metric_or_task("fairness")), 400, 200, 300)  # a task that needs whole lines
ELSEWHERE = "cpu:0"  # what is not "cpu" takes the path of a GPU


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A device by another name than cpu, whose memory needs no pages of its own."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    monkeypatch.setattr(encoding, "gpu_name", lambda device: f"a GPU called {device}")
    return ELSEWHERE


def trained(dataset: str = "toy", seed: int = 0) -> Trained:
    network = "mlp(width=16, latents=4)"
    (one,) = fit((run(dataset, "beta_vae(beta=1)", network, updates=60, optim=Optim(lr=3e-3), seed=seed),))
    return one


def stored(folder: Path, one: Trained) -> Store:
    store = Store(folder)
    store.put(one, 1.0)
    return store


def scores(store: Store, id: str, protocol: EvaluationProtocol) -> dict[tuple[str, str], Any]:
    rows = ScoreFiles(store, protocol).rows(id)
    return {(row["metric"], row["representation"]): row["value"] for row in rows}


@pytest.mark.parametrize(("dataset", "protocol"), [("toy", PROTOCOL), ("toy_color", PROTOCOL), ("toy", LINES)])
def test_scores_of_codes_that_are_there_are_those_that_are_computed(
    dataset: str, protocol: EvaluationProtocol, elsewhere: str, tmp_path: Path
) -> None:
    one = trained(dataset)
    there, alone = stored(tmp_path / "there", one), stored(tmp_path / "alone", one)
    encode_trained(there, [one.model], protocol, elsewhere)
    for store in (there, alone):
        score_run(store, one.run.id, protocol)
    found, expected = (scores(store, one.run.id, protocol) for store in (there, alone))
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(value, abs=1e-4) for key, value in expected.items())
    made = [read_json(store.run_folder(one.run.id) / protocol.file)["made"] for store in (there, alone)]
    assert made[0]["encoded_on"] == "a GPU called cpu:0"
    assert "encoded_on" not in made[1]
    assert not encoded_path(there, one.run.id).exists()


def test_the_network_is_not_run_where_codes_are_there(
    elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = trained()
    store = stored(tmp_path, one)
    encode_trained(store, [one.model], PROTOCOL, elsewhere)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the network was run")

    monkeypatch.setattr("distaff.networks.VAE.encode", never)
    score_run(store, one.run.id, PROTOCOL)
    assert ("train.nll", "mean") in scores(store, one.run.id, PROTOCOL)


def test_a_large_batch_draws_what_many_small_ones_draw() -> None:
    class Uniforms(Dataset):
        def batch(self, rows: Any, uniforms: Any = None, device: str = "cpu") -> Any:
            del rows, device
            return uniforms

    seen = Uniforms(**vars(load("toy_color")))
    rows = np.arange(ON_A_GPU * BATCH + 2 * BATCH + 7)
    few, many = (list(input_batches(seen, rows, 5, device)) for device in (ELSEWHERE, "cpu"))
    assert [len(u) for u in few] == [ON_A_GPU * BATCH, 2 * BATCH + 7]
    assert torch.equal(torch.cat(few), torch.cat(many))


@pytest.mark.parametrize("dataset", ["toy", "toy_color"])
def test_losses_on_another_device_are_the_same(dataset: str, elsewhere: str) -> None:
    model = trained(dataset).model
    assert final_losses(model, 70, elsewhere) == pytest.approx(final_losses(model, 70), rel=1e-5)


def test_codes_of_other_weights_or_rows_and_torn_files_are_not_taken(elsewhere: str, tmp_path: Path) -> None:
    one, other = trained(), trained(seed=1)
    store = stored(tmp_path, one)
    encode_trained(store, [one.model], PROTOCOL, elsewhere)
    assert read_encoded(store, one.model, PROTOCOL) is not None
    assert read_encoded(store, one.model, replace(PROTOCOL, grid_rows=300)) is None
    path, content = encoded_path(store, one.run.id), encoded_path(store, one.run.id).read_bytes()
    encoded_path(store, other.run.id).write_bytes(content)
    assert read_encoded(store, other.model, PROTOCOL) is None
    for torn in (content[:-1], content[:5], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], b""):
        path.write_bytes(torn)
        assert read_encoded(store, one.model, PROTOCOL) is None
    path.unlink()
    assert read_encoded(store, one.model, PROTOCOL) is None


def test_a_gpu_without_room_leaves_the_encoding_to_whoever_scores(
    elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = trained()
    store = stored(tmp_path, one)

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(encoding, "encode_rows", full)
    encode_trained(store, [one.model], PROTOCOL, elsewhere)
    assert not encoded_path(store, one.run.id).exists()
    score_run(store, one.run.id, PROTOCOL)
    assert scores(store, one.run.id, PROTOCOL)


def test_codes_that_nobody_scored_are_leftovers(elsewhere: str, tmp_path: Path) -> None:
    one = trained()
    store = stored(tmp_path, one)
    encode_trained(store, [one.model], PROTOCOL, elsewhere)
    assert encoded_path(store, one.run.id).exists()
    remove_leftovers(store, [])
    assert not encoded_path(store, one.run.id).exists()
    assert store.has(one.run.id)


def test_a_study_on_a_gpu_encodes_before_a_run_is_there_to_be_scored(
    elsewhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = load_study(study_file(tmp_path, methods=("beta_vae(beta=2)",)))
    work(Store(tmp_path / "cpu"), study)
    monkeypatch.setattr("distaff.study.work.resolve_device", lambda _: elsewhere)
    monkeypatch.setattr(train_pack, "usable_memory", lambda: 10**12)
    monkeypatch.setattr(training, "fit", lambda runs, **options: fit(runs, **{**options, "device": "cpu"}))
    put, seen = Store.put, []

    def watched(self: Store, one: Trained, *rest: Any) -> None:
        seen.append(encoded_path(self, one.run.id).exists())
        put(self, one, *rest)

    monkeypatch.setattr(Store, "put", watched)
    store = Store(tmp_path / "gpu")
    work(store, study, device="cuda")
    assert seen == [True, True]
    assert not list((store.folder / "packs").glob("*.codes"))
    files = [path for path in results(store.folder) if "scores" in path]
    assert len(files) == 2
    assert [read_json(store.folder / path)["made"]["encoded_on"] for path in files] == ["a GPU called cpu:0"] * 2
    assert results(store.folder).keys() == results(tmp_path / "cpu").keys()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_codes_and_the_losses_of_the_processor_and_the_same_scores() -> None:
    (one,) = fit((run("dsprites", "beta_vae(beta=2)", updates=100, optim=Optim(lr=5e-4)),), device="cuda")
    model = one.model
    network = model.network_on("cuda")
    here = encode_grid(model, 5_000, METRICS)
    there = encode_grid(model, 5_000, METRICS, lambda rows: encode_rows(network, model.dataset, rows, device="cuda"))
    for a, b in zip(here.codes, there.codes, strict=True):
        assert np.abs(a - b).max() < 1e-5 * a.std()
    protocol = replace(PROTOCOL, grid_rows=5_000)
    rows = [evaluate_codes(codes, protocol) for codes in (here, there)]
    for a, b in zip(*rows, strict=True):
        assert a["value"] == pytest.approx(b["value"], rel=1e-4, abs=1e-4)
    assert final_losses(model, 70, "cuda") == pytest.approx(final_losses(model, 70), rel=1e-5)
