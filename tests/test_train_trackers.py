"""Curves reach each tracker as they are made: the real libraries, offline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from distaff.errors import DistaffError
from distaff.runs import run
from distaff.training.trackers import track

TRAIN = ["train", "toy", "beta_vae", "--network", "mlp(width=8, latents=3)", "--updates", "40"]


def trained(tracker: str, out: Path, **environment: str) -> None:
    """Each in a process of its own, as these libraries keep a session for the process."""
    pytest.importorskip(tracker, reason="its library is optional")
    command = [
        sys.executable,
        "-c",
        "from distaff.cli import main; main()",
        *TRAIN,
        "--log",
        tracker,
        "--out",
        str(out),
    ]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(out), **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_tensorboard_has_every_point_of_the_curve(tmp_path: Path) -> None:
    trained("tensorboard", tmp_path)
    code = (
        "import sys; from tensorboard.backend.event_processing.event_accumulator import EventAccumulator as A;"
        "a = A(sys.argv[1]); a.Reload(); s = a.Scalars('elbo'); print(len(s), s[-1].step)"
    )
    (folder,) = (tmp_path / "tensorboard").iterdir()
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["40", "40"]


@pytest.mark.slow
def test_wandb_keeps_an_offline_run(tmp_path: Path) -> None:
    trained("wandb", tmp_path, WANDB_MODE="offline", WANDB_SILENT="true")
    files = list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 1
    assert files[0].stat().st_size > 1000


def test_mlflow_keeps_the_numbers_in_files(tmp_path: Path) -> None:
    trained("mlflow", tmp_path)
    (numbers,) = (tmp_path / "mlflow").rglob("metrics/elbo")
    assert len(numbers.read_text().splitlines()) == 40


def interrupted(tracker: str, out: Path) -> None:
    """A training of 40 updates that is stopped after 20, with five more of them logged but not saved, and goes on."""
    code = """
import sys
from pathlib import Path
from distaff.runs import run
from distaff.training.fit import fit
from distaff.training.trackers import track

one, out, last = run("toy", "beta_vae", "mlp(width=8, latents=3)", updates=40), Path(sys.argv[2]), int(sys.argv[3])
tracker = track(sys.argv[1], one, out)

def progress(done, _):
    if done == last:
        raise KeyboardInterrupt

try:
    fit((one,), checkpoint=out / "state", progress=progress, log=lambda _, at, values: tracker.log(at, values))
except KeyboardInterrupt:
    for late in range(last + 1, last + 6):
        tracker.log(late, {"elbo": 0.0})
tracker.close()
"""
    pytest.importorskip(tracker, reason="its library is optional")
    for last in ("20", "-1"):
        words = [sys.executable, "-c", code, tracker, str(out), last]
        env = {"PATH": "/usr/bin:/bin", "HOME": str(out)}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr


def test_tensorboard_shows_an_interrupted_training_as_one_curve(tmp_path: Path) -> None:
    interrupted("tensorboard", tmp_path)
    code = (
        "import sys; from tensorboard.backend.event_processing.event_accumulator import EventAccumulator as A;"
        "a = A(sys.argv[1]); a.Reload(); print(*(s.step for s in a.Scalars('elbo') if s.value))"
    )
    (folder,) = (tmp_path / "tensorboard").iterdir()
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(step) for step in range(1, 41)]


@pytest.mark.slow
def test_mlflow_shows_an_interrupted_training_as_one_run(tmp_path: Path) -> None:
    interrupted("mlflow", tmp_path)
    (numbers,) = (tmp_path / "mlflow").rglob("metrics/elbo")
    assert {int(line.split()[2]) for line in numbers.read_text().splitlines()} == set(range(1, 41))


def test_a_tracker_that_refuses_is_one_clear_error(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="its library is optional")
    nowhere = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **nowhere}
    words = [sys.executable, "-c", "from distaff.cli import main; main()", *TRAIN, "--log", "mlflow"]
    done = subprocess.run(
        [*words, "--out", str(tmp_path)], env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert "distaff: --log mlflow: " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_tracker_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DistaffError, match="Did you mean 'tensorboard'"):
        track("tensorbord", run("toy", "beta_vae", "mlp(width=8)"), tmp_path)
