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

from distaff.study.check import check
from distaff.study.store import Store
from real_studies import distaff, leftovers, results, start, study_file, undisturbed, wait_for


def family(pid: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *map(int, children)]


def disturb(file: Path, kills: int, rng: np.random.Generator, longest: float) -> tuple[int, int]:
    """Run a study and kill it or one of its workers again and again; returns how often each was hit."""
    hit, folder = [0, 0], file.parent / "out" / file.stem
    process = start("study", "run", file, "--workers", "2", "--keep-seconds", "0.5", cwd=file.parent)
    while sum(hit) < kills:
        if rng.random() < 0.8:  # most kills come when something was gained, some while everything starts
            wait_for(functools.partial(gained_or_gone, folder, traces(folder), process))
        time.sleep(rng.uniform(0, longest))
        if process.poll() is not None:
            if process.returncode == 0:
                break  # done before all kills were spent
            process = start("study", "run", file, "--workers", "2", "--keep-seconds", "0.5", cwd=file.parent)
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
    finish(process)
    return hit[0], hit[1]


def traces(folder: Path) -> set[tuple[str, bytes]]:
    """What tells that a study goes on: resume points and results."""
    points = {(path.name, path.read_bytes()[-64:]) for path in folder.glob("packs/[!.]*.progress")}
    return points | {(path.name, b"") for path in folder.glob("runs/[!.]*")}


def gained_or_gone(folder: Path, before: set[tuple[str, bytes]], process: subprocess.Popen[str]) -> bool:
    """Whether the study goes on, or the command has ended."""
    return process.poll() is not None or bool(traces(folder) - before)


def finish(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.communicate()


def ends_like_an_undisturbed_one(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out" / file.stem
    # a job may have been hit three times in a row, and counts as one that kills its workers
    done = distaff("study", "retry", file, "--workers", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(folder) == []
    assert list(check(Store(folder))) == []


def test_a_few_kills_change_nothing(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 900)
    disturb(file, 2, np.random.default_rng(0), 2.0)
    ends_like_an_undisturbed_one(file, tmp_path)


@pytest.mark.slow
def test_two_hundred_kills_over_sixty_runs_change_nothing(tmp_path: Path) -> None:
    methods = tuple(
        f"{name}({p}={v})" for name, p in (("beta_vae", "beta"), ("dip_vae_i", "lambda_od")) for v in (1, 2)
    )
    file = study_file(tmp_path, (*methods, "factor_vae", "beta_tc_vae"), 10, 3_000)
    of_run, of_workers = disturb(file, 200, np.random.default_rng(1), 1.5)
    assert of_run + of_workers == 200, f"{of_run} of the command, {of_workers} of workers: give it more updates"
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
