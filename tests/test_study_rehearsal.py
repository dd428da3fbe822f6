"""What is wrong with a study or the machine is found before training; what one plug-in raises stops nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from distaff import Optim, Study, cross, run_study
from distaff.errors import DistaffError
from distaff.plugins.registry import METHODS, METRICS, TASKS
from distaff.runs import side_by_side, structure
from distaff.store.store import Store
from distaff.study.plan import plan
from distaff.study.rehearsal import Attempts, rehearse, rehearse_here, sample

TINY = {
    "network": "mlp(latents=3, width=16)",
    "critic": "critic(depth=1, width=8)",
    "optim": Optim(lr=1e-3),
    "updates": 5,
}
MODEL = "toy with mlp(latents=3, width=16)"
RAISES = '''
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="https://example.org")
def raising(out: Outputs, *, weight: Hyper = 1.0) -> Terms:
    """One that raises."""
    raise ZeroDivisionError("a mistake of mine")
'''
WAITS = RAISES.replace("raise ZeroDivisionError(", "import time; time.sleep(3600); raise ValueError(")
KILLS = RAISES.replace("raise ZeroDivisionError(", "import os; os.kill(os.getpid(), 9); raise ValueError(")
LACKS = '''
import a_library_that_is_missing
from distaff.metrics import Score, metric

@metric(paper="https://example.org", rows=100, range=(0, 1))
def lacking(codes, factors) -> Score:
    """One whose file cannot be imported."""
    return Score(0.5)
'''
METRIC = '''
from distaff.metrics import Score, metric

@metric(paper="https://example.org", rows=100, range=(0, 1))
def breaking(codes, factors) -> Score:
    """One that raises."""
    return Score(1 / 0)
'''


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "plugins"
    for kind, name, text in (
        ("methods", "raising", RAISES), ("methods", "killing", KILLS.replace("raising", "killing")),
        ("methods", "waiting", WAITS.replace("raising", "waiting")),
        ("metrics", "lacking", LACKS), ("metrics", "breaking", METRIC),
    ):  # fmt: skip
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("DISTAFF_PLUGINS", str(folder))
    return folder


def study_of(methods: list[str], metrics: tuple[str, ...] = ("mig",), dataset: str = "toy", **rest: object) -> Study:
    return Study("tiny", cross([dataset], methods, range(2), **{**TINY, **rest}), metrics, pictures=0)


def attempted(study: Study, scratch: Path) -> list[tuple[str, str]]:
    """The lines of a rehearsal in this process, without those of what is tried."""
    lines: list[tuple[str, str]] = []
    short = sample(study, plan(study, Store(scratch / "none")))
    rehearse_here(short, scratch / "scratch", Attempts(lambda kind, text: lines.append((kind, text))))
    return [line for line in lines if line[0] != "trying"]


def test_a_sample_has_one_run_of_each_kind_and_one_update_of_each(tmp_path: Path) -> None:
    methods = ["beta_vae(beta=1)", "beta_vae(beta=4)", "dip_vae_i", "factor_vae(gamma=1)", "factor_vae(gamma=2)"]
    study = study_of(methods)
    short = sample(study, plan(study, Store(tmp_path)))
    assert [run.method.name for run in short.runs] == ["beta_vae", "dip_vae_i", "factor_vae"] or len(short.runs) == 3
    assert {run.updates for run in short.runs} == {1}
    kinds = {(side_by_side(run)[:3], structure(run)) for run in study.runs}
    assert {(side_by_side(run)[:3], structure(run)) for run in short.runs} == kinds


def test_everything_of_the_package_passes_a_rehearsal(tmp_path: Path) -> None:
    """Every method, metric and task, on fewer rows than most of them take by default."""
    short = {"nk": "nk(steps=20)", "strong_downstream": "strong_downstream(learner='logistic')"}
    metrics = [short.get(name, name) for name in (*METRICS.packaged(), *TASKS.packaged())]
    study = study_of(METHODS.packaged(), tuple(metrics))
    assert attempted(study, tmp_path) == []
    assert list((tmp_path / "scratch" / "runs").iterdir()), "the models are stored in the scratch folder"


@pytest.mark.parametrize(
    ("study", "said"),
    [
        (study_of(["beta_vae"], network="conv64"), "conv64"),
        (study_of(["beta_vae"], dataset="cars3d"), "cars3d"),
    ],
)
def test_a_mistake_of_the_study_is_found_before_training(
    study: Study, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISTAFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DISTAFF_OFFLINE", "1")
    lines = attempted(study, tmp_path)
    assert len(lines) == 1
    assert lines[0][0] == "mistake"
    assert said in lines[0][1]


def test_a_plugin_that_raises_is_a_warning_and_the_others_go_on(plugins: Path, tmp_path: Path) -> None:
    lines = attempted(study_of(["beta_vae", "raising", "dip_vae_i"], ("mig", "breaking")), tmp_path)
    assert [kind for kind, _ in lines] == ["warning", "warning"], lines
    assert lines[0][1].startswith(f"raising(weight=1) on {MODEL}: method raising (")
    assert "a mistake of mine" in lines[0][1]
    assert lines[1][1].startswith("metric breaking (")
    assert len(list((tmp_path / "scratch" / "runs").iterdir())) == 2


def test_a_plugin_that_cannot_be_imported_stops_the_study_with_its_reason(plugins: Path, tmp_path: Path) -> None:
    ((kind, text),) = attempted(study_of(["beta_vae"], ("mig", "lacking")), tmp_path)
    assert kind == "mistake"
    assert "lacking" in text
    assert "a_library_that_is_missing" in text


def test_what_kills_or_stops_the_rehearsal_is_named(
    plugins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of(["beta_vae", "killing"])
    (line,) = rehearse(study, plan(study, Store(tmp_path / "none")))
    assert line == f"killing(weight=1) on {MODEL} ended the process with signal 9; the rest is not rehearsed"
    monkeypatch.setattr("distaff.study.rehearsal.PATIENCE", 4.0)
    study = study_of(["waiting"])
    (line,) = rehearse(study, plan(study, Store(tmp_path / "none")))
    assert (
        line == "waiting(weight=1) on toy with mlp(latents=3, width=16) did not end in 4 s; the rest is not rehearsed"
    )


@pytest.mark.parametrize("metric", ["mig(bins=-3)", "beta_vae_score(train=0)", "downstream(labels=0)"])
def test_impossible_options_are_refused_before_training(metric: str, tmp_path: Path) -> None:
    with pytest.raises(DistaffError, match="is outside its range"):
        run_study(study_of(["beta_vae"], (metric,)), tmp_path / "store", workers=1)
    assert not (tmp_path / "store").exists()


def test_a_study_that_cannot_run_writes_nothing(plugins: Path, tmp_path: Path) -> None:
    with pytest.raises(DistaffError, match=r"study tiny cannot run: .*a_library_that_is_missing"):
        run_study(study_of(["beta_vae"], ("lacking",)), tmp_path / "store", workers=1)
    assert not (tmp_path / "store").exists()


def test_a_finished_study_is_not_rehearsed(tmp_path: Path) -> None:
    study = study_of(["beta_vae"])
    done = plan(study, Store(tmp_path))._replace(packs=(), unscored=())
    assert rehearse(study, done, log=pytest.fail) == []
