"""What takes more than one evaluation: UDR of the seeds of a setting, and repeated scores of one run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from distaff.analysis.scores import unsupervised
from distaff.analysis.selection import selection
from distaff.commands.claims import claims
from distaff.data import load
from distaff.errors import DistaffError
from distaff.metrics.between import udr
from distaff.metrics.latents import kl
from distaff.plugins.registry import METRICS
from distaff.runs import Optim, Study, cross
from distaff.scoring.matrices import matrix_rows
from distaff.scoring.protocol import EvaluationProtocol
from distaff.scoring.repeats import repeated_scores
from distaff.scoring.score import score_run
from distaff.scoring.table import table, with_udr
from distaff.scoring.udr import udr_of_runs
from distaff.store.store import Store
from distaff.training.fit import fit

RUNS = cross(["toy"], ["beta_vae(beta=6)", "beta_vae(beta=1)"], range(3), network="mlp(width=16, latents=3)",
             updates=200, optim=Optim(lr=3e-3))  # fmt: skip
STUDY = Study("small", RUNS, ("mig",), rows=500, test_rows=100)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    found = Store(tmp_path_factory.mktemp("between"))
    for trained in fit(RUNS):
        found.put(trained, 1.0)
        score_run(found, trained.run.id, EvaluationProtocol((METRICS.parse("mig"),), 500, 100))
    return found


def test_the_udr_of_a_run_is_that_of_its_setting(store: Store) -> None:
    codes = [store.model(run.id).encode(np.arange(768)) for run in RUNS[3:]]
    by_hand = udr([one.mean for one in codes], [kl(*one) for one in codes]).scores
    found = udr_of_runs(RUNS, store)
    assert [found[run.id] for run in RUNS[3:]] == pytest.approx(by_hand.tolist(), rel=1e-4)
    assert max(found.values()) > 0


def test_udr_is_evaluated_once_and_again_only_with_another_seed(store: Store) -> None:
    udr_of_runs(RUNS, store)
    logged: list[str] = []
    fewer = RUNS[1:]
    found = udr_of_runs(fewer, store, logged.append)
    assert len(logged) == 1
    assert "2 seeds of beta_vae(beta=6)" in logged[0]
    assert udr_of_runs(fewer, store, logged.append) == found
    assert len(logged) == 1
    assert found.keys() == {run.id for run in RUNS[1:]}
    assert udr_of_runs(RUNS[:1], store) == {}


def test_it_is_judged_beside_the_other_scores_without_labels(store: Store) -> None:
    numbers = with_udr(table(STUDY, store), RUNS, store)
    here = numbers.filter(pl.col("metric") == "udr")
    assert dict(here.select("id", "value").rows()) == udr_of_runs(RUNS, store)
    assert here.select("seed", "strength").rows() == [(run.seed, run.strength[1]) for run in RUNS if run.strength]
    assert "udr" in unsupervised(numbers)
    assert "udr" in selection(numbers, resamples=10)["selector"].to_list()


def test_claims_of_a_store_ask_for_it_and_those_of_a_table_say_why_not(store: Store, tmp_path: Path) -> None:
    best = []
    for protocol in (False, True):
        claims(store.folder, json=tmp_path / "card.json", resamples=10, udr=protocol)
        card = pl.read_json(tmp_path / "card.json").filter(pl.col("statement").str.contains("without labels"))
        best.append(card["value"][0])
    assert best[0] != best[1]  # it is one choice more, and the best of them counts
    table(STUDY, store).write_csv(tmp_path / "scores.csv")
    with pytest.raises(DistaffError, match="name the store"):
        claims(tmp_path / "scores.csv", udr=True)


def test_repeated_evaluations_are_on_other_rows(store: Store) -> None:
    protocol, logged = EvaluationProtocol(tuple(map(METRICS.parse, ("mig", "irs", "factor_vae_score"))), 640, 100), []
    found = pl.DataFrame(repeated_scores(store, RUNS[0], protocol, logged.append))
    assert found.select("metric", "rows").unique().sort("metric", "rows").rows()[-3:] == [
        ("mig", n) for n in (40, 160, 640)
    ]
    assert "factor_vae_score" not in found["metric"]
    mig = found.filter((pl.col("metric") == "mig") & (pl.col("rows") == 640))["value"]
    assert mig.n_unique() == 10
    as_scored = table(STUDY, store).filter((pl.col("id") == RUNS[0].id) & (pl.col("metric") == "mig"))
    assert mig.mean() == pytest.approx(as_scored.filter(pl.col("representation") == "mean")["value"][0], abs=0.05)
    assert pl.DataFrame(repeated_scores(store, RUNS[0], protocol, logged.append)).equals(found)
    assert len(logged) == 1


def test_the_matrices_of_a_run_are_those_that_its_unified_scores_reduce(store: Store) -> None:
    protocol, logged = EvaluationProtocol((METRICS.parse("unified_scores"),), 640, 100), []
    found = pl.DataFrame(matrix_rows(store, RUNS[0], protocol, logged.append))
    assert found["matrix"].unique(maintain_order=True).to_list() == ["importance", "information", "accuracy"]
    of_trees = found.filter(pl.col("matrix") == "importance")
    names = list(load("toy").factors.names)
    assert of_trees["factor"].to_list() == names * 3
    assert of_trees.group_by("factor").agg(pl.col("value").sum())["value"].to_list() == pytest.approx(
        [1.0] * len(names)
    )
    assert pl.DataFrame(matrix_rows(store, RUNS[0], protocol, logged.append)).equals(found)
    assert len(logged) == 1
