"""Whatever is killed at whatever moment, the study ends as if nothing had been: real processes, kill -9."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.faults.failures import failures
from distaff.study.watch import Watch
from real_studies import (
    distaff,
    ends_like_an_undisturbed_one,
    leftovers,
    results,
    start,
    study_file,
    undisturbed,
    wait_for,
)


def family(pid: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *map(int, children)]


def disturb(file: Path, kills: int, rng: np.random.Generator, *options: str) -> tuple[int, int]:
    """Run a study and kill it or one of its workers, evenly over its work; returns how often each was hit."""
    hit, folder = [0, 0], file.parent / "out" / file.stem
    study, words = load_study(file), ("study", "run", file, "--no-rehearsal", "--workers", "2", *options)
    process = start(*words, cwd=file.parent)
    while sum(hit) < kills:
        if rng.random() < 0.5:  # half of the kills come when something was gained, half while everything starts
            due = 0.95 * sum(hit) / kills
            wait_for(functools.partial(gained_or_gone, Watch(study, Store(folder)), due, process))
        time.sleep(rng.uniform(0, 1))
        if process.poll() is not None:
            output = process.communicate()  # and its pipes are closed
            assert process.returncode in (0, 1), output  # 1: a run was hit three times in a row, or it raises
            process = start(*words, cwd=file.parent)
            continue
        pids = family(process.pid)
        victim = pids[int(rng.integers(len(pids)))]
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        hit[victim != process.pid] += 1
        if victim == process.pid:
            process.communicate()
            process = start(*words, cwd=file.parent)
    finish(process)
    return hit[0], hit[1]


def gained_or_gone(watch: Watch, due: float, process: subprocess.Popen[str]) -> bool:
    """Whether that share of the study is trained and scored, or the command has ended."""
    time.sleep(0.1)
    if process.poll() is not None:
        return True
    progress = watch.progress()
    return 0.8 * progress.updates / progress.all_updates + 0.2 * progress.scored / progress.runs >= due


def finish(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_few_kills_change_nothing(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 900)
    disturb(file, 2, np.random.default_rng(0), "--checkpoint-seconds", "0.5")
    ends_like_an_undisturbed_one(file, tmp_path)


@pytest.mark.slow
def test_two_hundred_kills_over_sixty_runs_change_nothing(tmp_path: Path) -> None:
    methods = tuple(
        f"{name}({p}={v})" for name, p in (("beta_vae", "beta"), ("dip_vae_i", "lambda_od")) for v in (1, 2)
    )
    file = study_file(tmp_path, (*methods, "factor_vae", "beta_tc_vae"), 10, 600)
    of_run, of_workers = disturb(file, 200, np.random.default_rng(1), "--checkpoint-seconds", "0.5")
    assert of_run + of_workers == 200
    assert min(of_run, of_workers) > 40, "the command and its workers are both hit"
    ends_like_an_undisturbed_one(file, tmp_path)


def test_power_cuts_at_the_start_of_a_pack_blame_no_run(tmp_path: Path) -> None:
    """The command and its worker are killed at once, three times, before there is a checkpoint."""
    file, folder = study_file(tmp_path, ("beta_vae",), 2, 600), tmp_path / "out" / "small"
    for number in range(3):
        process = start("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path)
        wait_for(lambda number=number: bool(list(folder.glob(f"claims/*.{number}"))))  # type: ignore[misc]
        for pid in family(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.communicate()
    done = distaff("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 runs are trained and scored, 0 failed" in done.stdout
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(folder) == []


RAISES = """
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="https://example.org")
def raises(out: Outputs, *, weight: Hyper = 1.0) -> Terms:
    \"\"\"One that raises at a later update.\"\"\"
    if float(out.step) >= 700:
        raise ValueError("a mistake")
    return {"nll": out.nll, "kl": weight * out.kl}
"""


@pytest.mark.slow
def test_three_hundred_kills_through_study_run_alone_lose_no_healthy_run_and_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default time between checkpoints, packs of 8, three methods of which one raises, scores and pictures."""
    (tmp_path / "plugins" / "methods").mkdir(parents=True)
    (tmp_path / "plugins" / "methods" / "raises.py").write_text(RAISES)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path / "plugins"))
    file = study_file(tmp_path, ("beta_vae(beta=2)", "dip_vae_i", "raises"), 16, 3_000, pack=8)
    healthy = study_file(tmp_path, ("beta_vae(beta=2)", "dip_vae_i"), 16, 3_000, pack=8, name="healthy")
    of_run, of_workers = disturb(file, 300, np.random.default_rng(2))
    assert min(of_run, of_workers) > 40, "the command and its workers are both hit"
    done = distaff("study", "run", file, "--no-rehearsal", "--workers", "2", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    folder, study = tmp_path / "out" / "small", load_study(file)
    whole = undisturbed(healthy, tmp_path / "twin")
    found = results(folder)
    assert {name: found[name] for name in whole} == whole
    failed = failures(study, Store(folder))
    assert {one.run.method.name for one in failed} == {"raises"}
    assert len(failed) == 16
    assert all(one.checkpoint and (folder / one.checkpoint).is_file() for one in failed)


def test_two_commands_on_one_store_share_the_work(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 60, pack=1)
    folder = tmp_path / "out" / "small"
    both = [start("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path) for _ in range(2)]
    for process in both:
        output = process.communicate(timeout=120)
        assert process.returncode == 0, output
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(folder) == []
