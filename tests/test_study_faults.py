"""Jobs that die, raise or hang, and folders that cannot be written to: each is reported, and the rest goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from real_studies import DISTAFF, distaff, leftovers, results, start, study_file, undisturbed, wait_for

METHOD = """
import os, time
import numpy as np
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="https://example.org")
def {name}(out: Outputs, *, weight: Hyper = 1.0) -> Terms:
    \"\"\"One that fails.\"\"\"
    {action}
    return {{"nll": out.nll, "kl": weight * out.kl}}
"""
ACTIONS = {"deadly": "os.kill(os.getpid(), 9)", "greedy": "np.ones(1 << 50)", "hung": "time.sleep(3600)"}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "plugins" / "methods"
    folder.mkdir(parents=True)
    for name, action in ACTIONS.items():
        (folder / f"{name}.py").write_text(METHOD.format(name=name, action=action))
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path / "plugins"))
    return folder


def reasons(folder: Path) -> set[str]:
    return {json.loads(path.read_text())["reason"] for path in (folder / "failed").glob("*.json")}


@pytest.mark.usefixtures("plugins")
def test_runs_that_kill_their_worker_or_request_too_much_memory_fail_alone(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("greedy", "deadly", "beta_vae"), 1, 30, pack=1)
    folder = tmp_path / "out" / "small"
    done = distaff("study", "run", file, "--workers", "1", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "1 of 3 runs are trained and scored, 2 failed" in done.stdout
    assert "1 failed (died), first deadly(weight=1) on toy, seed 0: 3 workers in a row died at it" in done.stdout
    assert "1 failed (memory), first greedy(weight=1) on toy, seed 0" in done.stdout
    sorted_reasons = sorted(reasons(folder))
    assert "3 workers in a row died at it without progress (killed by SIGKILL" in sorted_reasons[0]
    assert "Unable to allocate" in sorted_reasons[1]
    status = distaff("study", "status", file, cwd=tmp_path).stdout
    assert "failed: deadly(weight=1) on toy, seed 0: 3 workers in a row died" in status
    assert leftovers(folder) == []


@pytest.mark.slow
@pytest.mark.usefixtures("plugins")
def test_a_run_that_hangs_is_given_up_and_the_rest_goes_on(tmp_path: Path) -> None:
    from distaff.store.studies import load_study, save_study
    from distaff.study.executors.local import run_local
    from distaff.study.launch import LaunchRequest

    file = study_file(tmp_path, ("hung", "beta_vae"), 1, 30, pack=1)
    save_study(tmp_path / "store", load_study(file))
    run_local(LaunchRequest(tmp_path / "store", "small", workers=1, patience=2.0))
    (reason,) = reasons(tmp_path / "store")
    assert reason.startswith("3 workers in a row died at it without progress (its heart stood still")
    assert len(list((tmp_path / "store" / "runs").iterdir())) == 1


def test_a_worker_that_is_stopped_by_the_machine_loses_its_job_to_another(tmp_path: Path) -> None:
    from distaff.store.studies import load_study, save_study
    from distaff.study.executors.local import run_local
    from distaff.study.launch import LaunchRequest

    file = study_file(tmp_path, ("beta_vae",), 2, 200, pack=2)
    folder = tmp_path / "store"
    study = load_study(file)
    save_study(folder, study)
    request = LaunchRequest(folder, "small", workers=1, patience=1.5)
    first = subprocess.Popen(request.command(), stdin=subprocess.PIPE)
    wait_for(lambda: list(folder.glob("claims/*")) != [])
    os.kill(first.pid, 19)
    run_local(request)
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    first.kill()
    first.communicate()


def test_a_full_disk_is_one_line_and_costs_nothing(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae",), 2, 60)
    limited = ["bash", "-c", 'ulimit -f 4; exec "$@"', "-", *DISTAFF]  # no file beyond 4 KiB: what a full disk does
    command = [*limited, "study", "run", str(file), "--workers", "1", "--no-rehearsal"]
    full = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert full.returncode == 2
    assert "cannot be read or written to (File too large): no run is to blame, nothing is lost" in full.stderr
    assert len(full.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out" / "small" / "failed").exists(), "no run is to blame"
    assert undisturbed(file, tmp_path / "out" / "small") == undisturbed(file, tmp_path / "twin")


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    file = study_file(tmp_path)
    done = distaff("study", "run", file, "--out", "/sys/distaff", cwd=tmp_path)
    assert done.returncode == 2
    assert "/sys/distaff cannot be written to" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_slow_folder_changes_nothing_but_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    file = study_file(tmp_path, ("beta_vae",), 1, 30)
    twin = undisturbed(file, tmp_path / "twin")
    slow = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (time.sleep(0.1), slow(handle))[1])
    assert undisturbed(file, tmp_path / "slow") == twin


def test_a_torn_checkpoint_is_set_aside_and_its_pack_begun_anew(tmp_path: Path) -> None:
    from distaff.store.store import Store
    from distaff.store.studies import load_study
    from distaff.study.plan import plan

    file = study_file(tmp_path, ("beta_vae",), 2, 30)
    folder = tmp_path / "store"
    (pack,) = plan(load_study(file), Store(folder)).packs
    (folder / "packs").mkdir(parents=True)
    (folder / "packs" / f"{pack.name}.safetensors").write_bytes(b"torn")
    assert undisturbed(file, folder) == undisturbed(file, tmp_path / "twin")
    assert (folder / "damaged" / f"{pack.name}.safetensors").read_bytes() == b"torn"


def test_a_run_whose_drawing_was_broken_off_is_drawn_whole(tmp_path: Path) -> None:
    file, folder = study_file(tmp_path, ("beta_vae",), 1, 30), tmp_path / "store"
    whole = undisturbed(file, folder)
    (run,) = (folder / "runs").iterdir()
    for name in ("picture-factors.png", "picture-latents.gif", *(path.name for path in run.glob("scores-*.json"))):
        (run / name).unlink()
    assert undisturbed(file, folder) == whole


def test_a_worker_that_cannot_go_on_reports_it_in_one_line(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "distaff.study.worker", str(tmp_path), "nothing"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_executor_of_the_command_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    process = start("study", "run", study_file(tmp_path), "--on", "locl", cwd=tmp_path)
    assert "Did you mean 'local'?" in process.communicate()[1]
    assert process.returncode == 2
