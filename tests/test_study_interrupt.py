"""Ctrl-C and SIGTERM stop a study within seconds, and what was done is kept: real processes, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from real_studies import distaff, leftovers, results, start, study_file, undisturbed, wait_for


def progress(folder: Path) -> int:
    updates = [json.loads(path.read_text())["updates"] for path in folder.glob("packs/*.progress")]
    return min(updates, default=0)


def stop_in_the_middle(file: Path, how: str) -> tuple[float, str]:
    """Start a study, send a signal when it trains; returns the seconds until it was gone, and its messages."""
    folder = file.parent / "out" / "small"
    process = start("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=file.parent)
    wait_for(lambda: progress(folder) > 100)
    began = time.monotonic()
    if how == "ctrl-c":
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    else:
        os.kill(process.pid, signal.SIGTERM)
    messages = process.communicate(timeout=60)[1]
    return time.monotonic() - began, messages


@pytest.mark.parametrize("how", ["ctrl-c", pytest.param("sigterm", marks=pytest.mark.slow)])
def test_a_signal_stops_a_study_soon_and_it_goes_on_as_if_nothing_had_been(how: str, tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae",), 2, 1_000)
    folder = tmp_path / "out" / "small"
    seconds, messages = stop_in_the_middle(file, how)
    assert seconds < 20, "the workers keep their state and stop"  # a few, on a machine that is not overloaded
    assert "interrupted; the same command goes on from here" in messages
    assert "Traceback" not in messages
    reached = progress(folder)
    assert reached > 100
    assert list(folder.glob("packs/*.safetensors")), "a checkpoint of that moment"
    assert not list(folder.glob("claims/*")), "the next worker need not wait"
    again = distaff("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(folder) == []


def test_workers_do_not_outlive_a_run_that_was_killed(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae",), 2, 100_000)
    folder = tmp_path / "out" / "small"
    process = start("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path)
    wait_for(lambda: progress(folder) > 0)
    (lease,) = folder.glob("claims/*")
    worker = json.loads(lease.read_text().splitlines()[0])["pid"]
    process.kill()
    process.communicate()
    wait_for(lambda: not Path(f"/proc/{worker}").exists() or zombie(worker))
    assert list(folder.glob("packs/*.safetensors")), "it kept its state when it saw that it was alone"


def zombie(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.startswith("Z") or not state.strip()


def test_running_a_finished_study_again_prints_so_and_does_nothing(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae",), 1)
    assert distaff("study", "run", file, "--no-rehearsal", "--workers", "1", cwd=tmp_path).returncode == 0
    before = results(tmp_path / "out" / "small")
    again = distaff("study", "run", file, "--no-rehearsal", cwd=tmp_path)
    assert again.stdout.startswith("nothing to do: 1 of 1 runs")
    assert results(tmp_path / "out" / "small") == before
