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

from distaff.store.check import check
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.watch import Watch
from real_studies import distaff, leftovers, results, start, study_file, undisturbed, wait_for


def family(pid: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *map(int, children)]


def disturb(file: Path, kills: int, rng: np.random.Generator) -> tuple[int, int]:
    """Run a study and kill it or one of its workers, evenly over its work; returns how often each was hit."""
    hit, folder = [0, 0], file.parent / "out" / file.stem
    study = load_study(file)
    process = start("study", "retry", file, "--workers", "2", "--keep-seconds", "0.5", cwd=file.parent)
    while sum(hit) < kills:
        if rng.random() < 0.5:  # half of the kills come when something was gained, half while everything starts
            due = 0.95 * sum(hit) / kills
            wait_for(functools.partial(gained_or_gone, Watch(study, Store(folder)), due, process))
        time.sleep(rng.uniform(0, 1))
        if process.poll() is not None:
            told = process.communicate()  # and its pipes are closed
            assert process.returncode == 0, told
            # a job may have been hit three times in a row, and counts as one that kills its workers: try it again
            process = start("study", "retry", file, "--workers", "2", "--keep-seconds", "0.5", cwd=file.parent)
            continue
        people = family(process.pid)
        victim = people[int(rng.integers(len(people)))]
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
        hit[victim != process.pid] += 1
        if victim == process.pid:
            process.communicate()
            process = start("study", "retry", file, "--workers", "2", "--keep-seconds", "0.5", cwd=file.parent)
    finish(process)
    return hit[0], hit[1]


def gained_or_gone(watch: Watch, due: float, process: subprocess.Popen[str]) -> bool:
    """Whether that share of the study is trained and scored, or the command has ended."""
    time.sleep(0.1)
    if process.poll() is not None:
        return True
    seen = watch.look()
    return 0.8 * seen.updates / seen.all_updates + 0.2 * seen.scored / seen.runs >= due


def finish(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()


def ends_like_an_undisturbed_one(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out" / file.stem
    done = distaff("study", "retry", file, "--workers", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(folder) == []
    assert list(check(Store(folder))) == []


def test_a_few_kills_change_nothing(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 900)
    disturb(file, 2, np.random.default_rng(0))
    ends_like_an_undisturbed_one(file, tmp_path)


@pytest.mark.slow
def test_two_hundred_kills_over_sixty_runs_change_nothing(tmp_path: Path) -> None:
    methods = tuple(
        f"{name}({p}={v})" for name, p in (("beta_vae", "beta"), ("dip_vae_i", "lambda_od")) for v in (1, 2)
    )
    file = study_file(tmp_path, (*methods, "factor_vae", "beta_tc_vae"), 10, 600)
    of_run, of_workers = disturb(file, 200, np.random.default_rng(1))
    assert of_run + of_workers == 200
    assert min(of_run, of_workers) > 40, "the command and its workers are both hit"
    ends_like_an_undisturbed_one(file, tmp_path)


def test_two_commands_on_one_store_share_the_work(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 60, pack=1)
    folder = tmp_path / "out" / "small"
    both = [start("study", "run", file, "--workers", "1", cwd=tmp_path) for _ in range(2)]
    for process in both:
        said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(folder) == []
