"""`distaff score`: a file with names, a quick look, a run."""

import json
import subprocess
import sys

import numpy as np
import pytest


def distaff(*words):
    command = [sys.executable, "-c", "from distaff.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    factors = rng.integers(0, [3, 4, 5], size=(600, 3))
    codes = (factors + 0.3 * rng.normal(size=factors.shape)).astype(np.float32)
    np.savez(tmp_path / "codes.npz", codes=codes, factors=factors, names=["shape", "size", "angle"])
    return tmp_path / "codes.npz"


def test_scores_of_a_file_have_names_an_interval_and_a_share(file, tmp_path):
    out = distaff("score", file, "--metrics", "mig", "mcc", "gaussian_total_correlation", "--json", tmp_path / "s.json")
    assert out.returncode == 0, out.stderr
    record = json.loads((tmp_path / "s.json").read_text())
    assert list(record["mig"]["parts"]) == ["shape", "size", "angle"]
    low, high = record["mig"]["interval"]
    assert low < record["mig"]["value"] < high
    assert record["mig"]["noise"] < 0.1
    assert record["mig"]["perfect"] > 0.9
    assert 0.3 < record["mig"]["share"] < 1
    assert record["gaussian_total_correlation"]["share"] is None
    assert f"{record['mig']['value']:.3f}" in out.stdout
    assert f"{low:.3f} to {high:.3f}" in out.stdout


def test_every_metric_at_a_quick_look(file, tmp_path):
    out = distaff("score", file, "--quick", "--json", tmp_path / "s.json")
    assert out.returncode == 0, out.stderr
    record = json.loads((tmp_path / "s.json").read_text())
    assert len(record) > 15
    assert all(one["value"] is not None for one in record.values())
    assert record["mig"]["perfect"] is None


def test_tasks_are_scored_beside_metrics(file, tmp_path):
    task = "downstream(labels=50)"
    out = distaff("score", file, "--metrics", "mig", task, "--draws", "2", "--json", tmp_path / "s.json")
    assert out.returncode == 0, out.stderr
    record = json.loads((tmp_path / "s.json").read_text())
    assert list(record) == ["mig", task]
    assert record[task]["noise"] < 0.5 < record[task]["value"] < record[task]["perfect"] <= 1
    assert record[task]["parts"].keys() > {"test_shape", "test_size", "test_angle"}
    out = distaff("score", file, "--metrics", "downstraem")
    assert out.returncode == 2
    assert "unknown metric or task" in out.stderr


def test_names_that_do_not_fit_are_refused(file, tmp_path):
    with np.load(file) as stored:
        np.savez(tmp_path / "wrong.npz", codes=stored["codes"], factors=stored["factors"], names=["shape", "size"])
    out = distaff("score", tmp_path / "wrong.npz")
    assert out.returncode == 2
    assert "one for each of 3 factors" in out.stderr


def test_scores_of_a_run_are_those_of_both_representations(tmp_path):
    words = ["train", "toy", "beta_vae", "--network", "mlp(width=16, latents=4)", "--updates", "20", "--out", tmp_path]
    assert distaff(*words).returncode == 0
    (run,) = (tmp_path / "runs").iterdir()
    names = ("mig", "modularity", "downstream(labels=100)")
    out = distaff("score", run, "--metrics", *names, "--rows", "500", "--json", tmp_path / "s.json")
    assert out.returncode == 0, out.stderr
    record = json.loads((tmp_path / "s.json").read_text())
    for kind in ("mean", "sampled"):
        assert 0 <= record["mig"][kind]["value"] <= 1
        assert all(f"{record[name][kind]['value']:.3f}" in out.stdout for name in names)
    out = distaff("score", tmp_path)
    assert out.returncode == 2
    assert "is not a run" in out.stderr


def test_scoring_a_file_imports_no_torch(file):
    code = (
        "import sys; from pathlib import Path; from distaff.commands.score import score;"
        f"score(Path({str(file)!r}), ('mig', 'dci'), quick=True); assert 'torch' not in sys.modules"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
