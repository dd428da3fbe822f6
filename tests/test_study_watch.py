"""Counts, rate and time left are right, for resumed work as well; the plan shows what is missing and what it costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from distaff.commands.study import app
from distaff.commands.study_progress import duration
from distaff.runs import Study
from distaff.store.store import Store
from distaff.store.studies import load_study, save_study
from distaff.study import watch as watching
from distaff.study.leases import leases_of
from distaff.study.pace import Pace, measured_pace, run_kind
from distaff.study.plan import plan
from distaff.study.progress import write_progress
from distaff.study.watch import Watch
from distaff.study.work import work
from real_studies import study_file


class Stopwatch:
    """Stands for the time module where a test sets the time."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    fake = Stopwatch()
    monkeypatch.setattr(watching, "time", fake)
    return fake


def begun(tmp_path: Path) -> tuple[Study, Store, str]:
    """A study of one pack of two models, 1,000 updates each, at update 600 after 30 seconds."""
    study = load_study(study_file(tmp_path, ("beta_vae",), 2, 1_000))
    store = Store(tmp_path / "store")
    save_study(store.folder, study)
    (pack,) = plan(study, store).packs
    write_progress(store.folder / "packs" / f"{pack.name}.progress", {"updates": 600, "models": 2, "seconds": 30.0})
    return study, store, pack.name


def test_what_was_done_before_is_progress_but_no_speed(tmp_path: Path, stopwatch: Stopwatch) -> None:
    study, store, name = begun(tmp_path)
    watch = Watch(study, store)
    lease = leases_of(store.folder).acquire(name)
    assert lease is not None
    first = watch.progress()
    assert (first.updates, first.all_updates, first.rate) == (1_200, 2_000, 0.0)
    assert first.active == ["trains 2 models of beta_vae on toy: 60%"]
    stopwatch.now += 4
    write_progress(store.folder / "packs" / f"{name}.progress", {"updates": 700, "models": 2, "seconds": 35.0})
    later = watch.progress()
    assert later.updates == 1_400
    assert later.rate == pytest.approx(200 / 4)
    assert not later.left.whole, "scoring was never timed"
    assert later.left.seconds == pytest.approx(600 * 35 / 1_400)
    lease.release()
    assert watch.progress().active == []


def test_a_pack_that_falls_back_to_its_checkpoint_does_not_run_backwards(tmp_path: Path, stopwatch: Stopwatch) -> None:
    study, store, name = begun(tmp_path)
    watch = Watch(study, store)
    watch.progress()
    stopwatch.now += 1
    write_progress(store.folder / "packs" / f"{name}.progress", {"updates": 500, "models": 2, "seconds": 31.0})
    assert watch.progress().rate == 0
    stopwatch.now += 1
    write_progress(store.folder / "packs" / f"{name}.progress", {"updates": 550, "models": 2, "seconds": 32.0})
    assert watch.progress().rate == pytest.approx(100 / 2)


def test_a_finished_study_is_all_done_and_nothing_is_left(tmp_path: Path) -> None:
    study = load_study(study_file(tmp_path, ("beta_vae", "beta_vae(beta=1e39)"), 1, 20))
    store = Store(tmp_path / "store")
    work(store, study)
    progress = Watch(study, store).progress()
    assert (progress.updates, progress.all_updates, progress.scored, progress.runs, progress.failed) == (
        20,
        20,
        1,
        2,
        1,
    )
    assert progress.left == (0, True)


def test_time_left_adds_training_and_scoring_of_each_kind(tmp_path: Path) -> None:
    study = load_study(study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 100))
    todo = plan(study, Store(tmp_path / "store"))
    plain, with_critic = sorted({run_kind(pack.runs[0]) for pack in todo.packs})
    assert (plain[2], with_critic[2]) == ("", str(study.runs[-1].critic))
    known = Pace({plain: 0.01, with_critic: 0.02}, {"toy": 3.0})
    assert known.estimate(todo) == (200 * 0.01 + 200 * 0.02 + 4 * 3.0, True)
    assert Pace({plain: 0.01}, {}).estimate(todo) == (2.0, False)


def test_the_pace_of_this_machine_is_measured_kind_by_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distaff.study.pace.TRIAL_SECONDS", 0.05)
    study = load_study(study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 100_000))
    pace = measured_pace(study, plan(study, Store(tmp_path / "store")))
    assert len(pace.update) == 2
    assert all(1e-5 < seconds < 1 for seconds in pace.update.values())
    assert pace.score["toy"] > 0


def test_plan_status_and_dry_run_print_what_is_missing_and_do_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 100), tmp_path / "store"

    def output(word: str, *options: str) -> str:
        app.cli(prog="distaff study", args=[word, str(file), "--out", str(out), *options])
        return capsys.readouterr().out

    printed = output("plan")
    assert "small: 0 of 4 runs are trained and scored, 0 failed; to train 4, to score 4" in printed
    assert "--measure" in printed
    assert "to train 1, to score 1" in output("run", "--dry-run", "--only", "method=factor_vae,seed<1")
    assert "0 of 4 runs trained and scored" in output("status")
    assert not out.exists()


@pytest.mark.parametrize(
    ("seconds", "text"), [(4, "4 s"), (119, "119 s"), (150, "2 min"), (7_300, "2.0 h"), (864_000, "10.0 days")]
)
def test_durations_are_written_in_the_unit_that_people_use(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_run_that_is_finished_while_one_looks_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, store, _ = begun(tmp_path)
    before = plan(study, store)
    work(store, study)
    monkeypatch.setattr(watching, "plan", lambda *_: before)
    progress = Watch(study, store).progress()
    assert (progress.updates, progress.all_updates) == (2_000, 2_000)
