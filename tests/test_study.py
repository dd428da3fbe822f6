"""A study computes what is missing, once, and its store holds the results."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distaff.cli import main
from distaff.data import load
from distaff.errors import DistaffError
from distaff.runs import Optim, Study, cross, run
from distaff.scoring.grid_codes import OBSERVATIONS, grid_rows_of
from distaff.scoring.table import runs, table
from distaff.store.command import command
from distaff.store.store import Store
from distaff.store.studies import load_study, save_study
from distaff.study.executors.local import run_local
from distaff.study.launch import LaunchRequest
from distaff.study.plan import plan

SMALL = {"network": "mlp(width=8, latents=3)", "critic": "critic(width=8, depth=1)", "updates": 20}


def small(methods: list[str]) -> Study:
    designed = cross(["toy"], methods, range(2), optim=Optim(lr=1e-3), **SMALL)
    return Study("small", designed, ("mig", "gaussian_total_correlation"), rows=200, test_rows=100, pack=3)


def finish(study: Study, folder: Path) -> None:
    save_study(folder, study)
    run_local(LaunchRequest(folder, study.name, workers=1))


def test_a_study_is_trained_and_scored_and_then_there_is_nothing_to_do(tmp_path: Path) -> None:
    study = small(["beta_vae(beta=2)", "factor_vae", "beta_vae(beta=1e39)"])
    assert sum(len(pack.runs) for pack in plan(study, Store(tmp_path)).packs) == 6
    finish(study, tmp_path)
    after = plan(study, Store(tmp_path))
    assert (after.packs, after.unscored, after.done, after.failed) == ((), (), 4, 2)
    numbers = table(study, Store(tmp_path))
    assert set(numbers["metric"]) >= {"mig", "gaussian_total_correlation", "train.nll", "train.kl", "train.elbo"}
    assert set(numbers.filter(numbers["metric"] == "mig")["representation"]) == {"mean", "sampled"}
    listed = runs(study, Store(tmp_path))
    assert listed["status"].to_list().count("failed") == 2
    assert "not finite at update 1" in listed["reason"].drop_nulls().to_list()


def test_seeds_that_are_added_later_leave_what_was_there_untouched(tmp_path: Path) -> None:
    first = small(["beta_vae(beta=2)"])
    finish(first, tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    more = small(["beta_vae(beta=2)", "dip_vae_i"])
    assert sum(len(pack.runs) for pack in plan(more, Store(tmp_path)).packs) == 2
    finish(more, tmp_path)
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_run_that_was_edited_by_hand_is_not_silently_used(tmp_path: Path) -> None:
    study = small(["beta_vae(beta=2)"])
    finish(study, tmp_path)
    store, one = Store(tmp_path), study.runs[0].id
    path = store.run_folder(one) / "run.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(DistaffError, match="was edited"):
        store.run(one)
    (store.run_folder(one) / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(DistaffError, match="is damaged"):
        store.params(one)


def test_the_command_of_a_run_names_all_that_makes_it() -> None:
    one = run("toy", "factor_vae(gamma=5)", seed=3, optim=Optim(lr=1e-3), **SMALL)  # type: ignore[arg-type]
    assert command(one) == (
        'distaff train toy "factor_vae(gamma=5)" --network "mlp(latents=3, width=8)" '
        '--critic "critic(width=8, depth=1)" --seed 3 --updates 20 --lr 0.001'
    )


@pytest.mark.parametrize(
    "rest",
    [
        {"precision": "bf16", "batch": 32},
        {"optim": Optim(1.2345678e-3, 0.8, 0.99, 1e-6, "cosine", 3)},
        {"critic_optim": Optim(lr=2e-4, schedule="linear", warmup=1)},
    ],
)
@pytest.mark.parametrize("method", ["beta_vae(beta=2)", "factor_vae(gamma=5)"])
def test_a_shell_that_is_given_the_command_of_a_run_trains_it(
    method: str, rest: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = run("correlated(dataset='toy', pairs=(('posX', 'posY'),), sigma=0.2)", method, **SMALL, **rest)
    printed = subprocess.run(["sh", "-c", f'printf "%s\\n" {command(one)}'], capture_output=True, text=True, check=True)
    monkeypatch.setattr(sys, "argv", printed.stdout.splitlines())
    monkeypatch.chdir(tmp_path)
    main()
    assert Store(tmp_path / "out").has(one.id)


def test_the_longest_packs_are_trained_first_by_the_cost_of_their_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks").mkdir()
    dear = '@network(paper="", cost=1000)\ndef dear(shape, *, latents: int = 3):\n    """Dear."""\n'
    (tmp_path / "networks" / "dear.py").write_text(f"from distaff.networks import network\n\n\n{dear}")
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))
    runs = [
        run(dataset, "beta_vae", network, updates=updates)
        for dataset, network, updates in [
            ("toy", "mlp(width=8)", 900), ("dsprites", "conv64", 100), ("toy", "dear", 20),
            ("toy", "mlp(width=9)", 10_001),
        ]
    ]  # fmt: skip
    packs = plan(Study("costs", tuple(runs), metrics=()), Store(tmp_path / "store")).packs
    assert [pack.runs[0].network.name for pack in packs] == ["dear", "mlp", "conv64", "mlp"]
    assert [pack.runs[0].updates for pack in packs] == [20, 10_001, 100, 900]


def test_ids_of_runs_are_golden() -> None:
    assert run("toy", "beta_vae(beta=4)", "mlp(width=64)", seed=1).id == "c093ed08152541ac"
    plain = run("toy", "beta_vae", "mlp(width=64)", "critic(width=3)", seed=1)
    assert plain.id == "c093ed08152541ac", "a method without a critic does not depend on one"


def test_the_quick_study_has_the_design_of_its_docstring() -> None:
    study = load_study(Path(__file__).parent.parent / "studies" / "quick.py")
    assert len(study.runs) == 91
    assert len({str(one.method) for one in study.runs if str(one.dataset) == "toy"}) == 18
    with pytest.raises(DistaffError, match="there is no study"):
        load_study(Path("nowhere.py"))


def test_a_small_stochastic_data_set_is_encoded_several_times_a_row() -> None:
    assert len(grid_rows_of(load("toy_color"), 100_000)) == OBSERVATIONS * len(load("toy_color"))
    assert len(grid_rows_of(load("toy_color"), 2_000)) == 2 * 768
    assert len(grid_rows_of(load("toy"), 100_000)) == 768
    drawn = grid_rows_of(load("dsprites"), 1_000)
    assert len(np.unique(drawn)) == 1_000
