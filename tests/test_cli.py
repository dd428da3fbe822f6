"""Commands do what their help says; a mistake is one line with the fix, and exit status 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


def distaff(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from distaff.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_training_twice_trains_once_and_names_the_same_folder(tmp_path: Path) -> None:
    words = [
        "train",
        "toy",
        "factor_vae",
        "--network",
        "mlp(width=16, latents=4)",
        "--critic",
        "critic(width=8, depth=1)",
    ]
    first = distaff(*words, "--updates", "30", "--out", str(tmp_path))
    assert first.returncode == 0, first.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "run.json",
        "curve.parquet",
        "model.safetensors",
        "provenance.json",
    }
    again = distaff(*words, "--updates", "30", "--out", str(tmp_path))
    assert f"already trained: {folder}" in again.stdout.replace("\n", "")
    assert not list((tmp_path / "packs").glob("*"))


def test_codes_of_ones_own_are_scored_from_a_file(tmp_path: Path) -> None:
    factors = np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), 1)
    np.savez(tmp_path / "codes.npz", codes=factors.astype(np.float32), factors=factors)
    out = distaff(
        "score", str(tmp_path / "codes.npz"), "--metrics", "mig", "modularity", "--json", str(tmp_path / "s.json")
    )
    assert out.returncode == 0, out.stderr
    assert json.loads((tmp_path / "s.json").read_text())["mig"]["value"] > 0.99


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["train", "toy", "beta_vea"], "Did you mean 'beta_vae'?"),
        (["train", "toy", "beta_vae(beta=4)"], "take mlp for other sizes"),
        (["train", "toi", "beta_vae"], "Did you mean 'toy'?"),
        (["train", "toy", "beta_vae", "--lr", "nan"], "lr and eps are above 0"),
        (["train", "toy", "beta_vae(beta=1e400)"], "expected a finite number"),
        (
            ["train", "toy", "beta_vae", "--network", "mlp(width=0)"],
            "mlp: width=0 is outside its range, which is [1, inf)",
        ),
        (["train", "toy", "beta_vae", "--network", "critic(width=8)"], "unknown network 'critic'"),
        (["train", "toy", "factor_vae", "--network", "mlp(width=8)", "--critic", "mlp"], "unknown critic 'mlp'"),
        (["score", "/nowhere/codes.npz"], "cannot be read"),
        (["list", "metods"], "Did you mean 'methods'?"),
    ],
)
def test_a_mistake_is_one_line_with_the_fix(words: list[str], part: str, tmp_path: Path) -> None:
    out = distaff(*words, *(["--out", str(tmp_path)] if words[0] == "train" else []))
    assert out.returncode == 2
    assert part in out.stderr
    assert len(out.stderr.strip().splitlines()) == 1
    assert "Traceback" not in out.stderr


def test_a_store_that_cannot_be_written_to_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("/dev/null", str(tmp_path / "file")):
        out = distaff("train", "toy", "beta_vae", "--network", "mlp(width=8)", "--updates", "100000000", "--out", place)
        assert out.returncode == 2
        assert f"{place} cannot be written to" in out.stderr
        assert len(out.stderr.strip().splitlines()) == 1


def test_a_reader_who_has_seen_enough_ends_the_command_without_a_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from distaff.cli import main; main()", "list", "metrics"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert ended.returncode
    assert not ended.stderr
