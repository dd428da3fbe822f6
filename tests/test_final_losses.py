"""The losses of a final model: its own, not those on the way, from draws that depend on the seed alone."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from distaff import rng
from distaff.plugins.registry import METRICS
from distaff.runs import Optim, run
from distaff.scoring.final_losses import final_losses
from distaff.scoring.protocol import EvaluationProtocol, ScoreFiles
from distaff.scoring.score import score_run
from distaff.scoring.table import read
from distaff.seal import sealed
from distaff.store.store import Store
from distaff.study.prune import compact
from distaff.trained import Model
from distaff.training.fit import Trained, fit

MIG = EvaluationProtocol((METRICS.parse("mig"),), 200, 100)
MODULARITY = EvaluationProtocol((METRICS.parse("modularity"),), 200, 100)


def trained(dataset: str = "toy", updates: int = 400, batch: int = 64, network: str = "mlp(width=32, latents=4)"):  # type: ignore[no-untyped-def]
    return fit((run(dataset, "beta_vae(beta=1)", network, updates=updates, batch=batch, optim=Optim(lr=3e-3)),))[0]


@pytest.fixture(scope="module")
def one() -> Trained:
    return trained()  # type: ignore[no-any-return]


@pytest.fixture
def store(one: Trained, tmp_path: Path) -> Store:
    found = Store(tmp_path)
    found.put(one, 1.0)
    return found


def slowly(model: Model, batches: int) -> tuple[float, float]:
    """The losses by their formulas in double precision, an image at a time."""
    dataset, losses = model.dataset, []
    for t in range(batches):
        rows = dataset.draw_rows(model.run.seed, 3 * t, model.run.batch, "losses")
        noise = rng.normal(model.run.seed, "losses", 3 * t + 1, (model.run.batch, model.latents)).double()
        shape = (model.run.batch, *dataset.nuisance)
        u = rng.uniform(model.run.seed, "losses", 3 * t + 2, shape) if dataset.nuisance else None
        for x, e in zip(dataset.batch(rows, u), noise, strict=True):
            mean, logvar = (part[0].double() for part in model.network.encode(x[None]))
            p = model.network.picture((mean + (0.5 * logvar).exp() * e)[None].float())[0].double()
            nll = -(x * p.log() + (1 - x) * (1 - p).log()).sum()
            q = torch.distributions.Normal(mean, (0.5 * logvar).exp())
            kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum()
            losses.append((float(nll), float(kl)))
    return tuple(np.mean(losses, axis=0).tolist())


CORRELATED = "correlated(dataset='toy', pairs=(('posX', 'posY'),), sigma=0.2)"


@pytest.mark.parametrize(("dataset", "batch"), [("toy", 64), ("toy_color", 24), (CORRELATED, 16)])
def test_losses_are_those_of_the_formulas_on_the_draws_of_the_stream(dataset: str, batch: int) -> None:
    model = trained(dataset, 30, batch).model
    found = final_losses(model, 12)
    nll, kl = slowly(model, 12)
    assert found["nll"] == pytest.approx(nll, rel=1e-4)
    assert found["kl"] == pytest.approx(kl, rel=1e-4)
    assert found["elbo"] == -(found["nll"] + found["kl"])


def test_how_many_batches_go_through_at_once_changes_nothing(one: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = final_losses(one.model, 37)
    monkeypatch.setattr("distaff.scoring.final_losses.PIXELS", 1)
    assert final_losses(one.model, 37) == pytest.approx(whole, rel=1e-5)


def test_1000_batches_know_the_loss_of_every_image_to_a_tenth_of_a_nat(one: Trained) -> None:
    model, rows = one.model, np.arange(768)
    x, (mean, logvar) = model.dataset.batch(rows), model.network.encode(model.dataset.batch(rows))
    draws = [model.network(x, torch.randn(768, 4, generator=torch.Generator().manual_seed(i)))[0] for i in range(50)]
    found = final_losses(model)
    assert found["nll"] == pytest.approx(float(torch.stack(draws).mean()), abs=0.1)
    assert found["kl"] == pytest.approx(float(0.5 * (mean**2 + logvar.exp() - logvar - 1).sum(1).mean()), abs=0.02)


def test_the_stream_is_none_that_training_or_another_evaluation_reads() -> None:
    assert len(set(rng.STREAMS.values())) == len(rng.STREAMS)
    others = [rng.bits(0, stream, 0, 8) for stream in rng.STREAMS if stream != "losses"]
    assert not any((rng.bits(0, "losses", 0, 8) == bits).any() for bits in others)


def losses_of(store: Store) -> dict[str, float]:
    found = read(store.folder).filter(pl.col("metric").str.starts_with("train."))
    assert found["metric"].is_unique().all()
    return dict(found.select("metric", "value").rows())


def test_the_table_never_calls_the_mean_of_a_curve_the_loss_of_the_model(store: Store, one: Trained) -> None:
    column = {name: one.curve[:, i] for i, name in enumerate(one.columns)}
    assert set(losses_of(store)) == {"train.curve_nll", "train.curve_kl", "train.curve_elbo"}
    assert losses_of(store)["train.curve_nll"] == pytest.approx(float(column["term.nll"][-20:].mean()), rel=1e-5)
    score_run(store, one.run.id, MIG)
    found, final = losses_of(store), final_losses(one.model)
    assert {name: found[f"train.{name}"] for name in final} == final
    assert found["train.nll"] < found["train.curve_nll"], "the model still learned"
    (path,) = store.run_folder(one.run.id).glob("scores-*.json")
    assert json.loads(path.read_text())["losses"] == {"batches": 1000, **final}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_that_was_written_before_losses_were_evaluated_is_read_as_what_it_holds(
    store: Store, one: Trained, tmp_path: Path, kind: str
) -> None:
    def written(table: pl.DataFrame) -> dict[str, float]:
        path = tmp_path / f"scores.{kind}"
        table.write_csv(path) if kind == "csv" else table.write_parquet(path)
        found = read(path).filter(pl.col("metric").str.starts_with("train."))
        return dict(found.select("metric", "value").rows())

    old = read(store.folder).with_columns(pl.col("metric").str.replace("train.curve_", "train."))
    assert written(old) == pytest.approx(losses_of(store))
    score_run(store, one.run.id, MIG)
    assert written(read(store.folder)) == pytest.approx(losses_of(store))


def test_losses_are_evaluated_once_a_run_whatever_is_evaluated_later_and_outlive_compaction(
    store: Store, one: Trained
) -> None:
    score_run(store, one.run.id, MIG)
    before = losses_of(store)
    score_run(store, one.run.id, MODULARITY)
    files = [json.loads(path.read_text()) for path in store.run_folder(one.run.id).glob("scores-*.json")]
    assert sum("losses" in content for content in files) == 1
    assert losses_of(store) == before
    both = EvaluationProtocol((*MIG.metrics, *MODULARITY.metrics), 200, 100)
    for protocol in (MIG, MODULARITY, both):  # a part of a file, too
        names = [row["metric"] for row in ScoreFiles(store, protocol).rows(one.run.id)]
        assert [name for name in names if name.startswith("train.")] == ["train.nll", "train.kl", "train.elbo"]
    assert compact(store) == 1
    assert losses_of(store) == before


def test_a_store_that_was_scored_before_gains_them_when_it_is_scored_next(store: Store, one: Trained) -> None:
    score_run(store, one.run.id, MIG)
    (path,) = store.run_folder(one.run.id).glob("scores-*.json")
    content = json.loads(path.read_text())
    path.write_bytes(sealed({key: part for key, part in content.items() if key not in ("sha256", "losses")}))
    assert "train.nll" not in losses_of(store)
    score_run(store, one.run.id, MODULARITY)
    assert losses_of(store)["train.nll"] == final_losses(one.model)["nll"]


def test_a_loss_that_is_not_finite_is_null(store: Store, one: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distaff.scoring.score.final_losses", lambda _: {"nll": math.inf, "kl": 1.0, "elbo": -math.inf})
    score_run(store, one.run.id, MIG)
    assert losses_of(store)["train.nll"] is None
    assert losses_of(store)["train.kl"] == 1.0
