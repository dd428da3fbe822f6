"""A training that is killed at any moment ends, when it is run again, with the bits of one that never was."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

CODE = """
import sys
from pathlib import Path
from distaff.runs import Optim, run
from distaff.training.fit import fit
checkpoint, updates, device, dataset, network, precision, *methods = sys.argv[1:]
runs = tuple(run(dataset, m, network, "critic(width=16, depth=2)", seed=s, updates=int(updates), optim=Optim(lr=1e-3),
                 precision=precision) for m in methods for s in (0, 1))
for one in fit(runs, checkpoint=Path(checkpoint), device=device, checkpoint_seconds=0.02):
    for name, weights in one.params.items():
        print(one.run.id, name, weights.numpy().tobytes().hex())
    print(one.curve.numpy().tobytes().hex())
"""
METHODS = {"mixed": ["beta_vae(beta=4)", "beta_tc_vae"], "critic": ["factor_vae"], "pairs": ["ada_gvae(beta=2)"]}
SMALL = ("cpu", "toy", "mlp(width=16, latents=4)", "fp32")


def start(
    checkpoint: Path, updates: int, methods: list[str], options: tuple[str, ...] = SMALL
) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", CODE, str(checkpoint), str(updates), *options, *methods]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def digest(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return hashlib.sha256(output.encode()).hexdigest()


def disturbed(folder: Path, updates: int, methods: list[str], kills: int, options: tuple[str, ...] = SMALL) -> str:
    """Kill -9 after a first checkpoint and a while, `kills` times, then let it end."""
    random, checkpoint = np.random.default_rng(len(methods) + kills), folder / "state.safetensors"
    for _ in range(kills):
        process = start(checkpoint, updates, methods, options)
        seen = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        while process.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == seen):
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.1))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert checkpoint.exists()
    return digest(start(checkpoint, updates, methods, options))


QUICK = [pytest.param(methods, id=id, marks=[pytest.mark.slow] * (id != "mixed")) for id, methods in METHODS.items()]


@pytest.mark.parametrize("methods", QUICK)
def test_two_kills_change_no_bit(methods: list[str], tmp_path: Path) -> None:
    whole = digest(start(tmp_path / "whole.safetensors", 400, methods))
    assert disturbed(tmp_path, 400, methods, 2) == whole


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("methods", list(METHODS.values()), ids=list(METHODS))
def test_two_kills_on_a_gpu_change_no_bit_of_convolutions(methods: list[str], precision: str, tmp_path: Path) -> None:
    options = ("cuda", "dsprites", "conv64", precision)
    whole = digest(start(tmp_path / "whole.safetensors", 1000, methods, options))
    assert disturbed(tmp_path, 1000, methods, 2, options) == whole


@pytest.mark.slow
@pytest.mark.parametrize("methods", list(METHODS.values()), ids=list(METHODS))
def test_forty_kills_change_no_bit(methods: list[str], tmp_path: Path) -> None:
    whole = digest(start(tmp_path / "whole.safetensors", 4000, methods))
    assert disturbed(tmp_path, 4000, methods, 40) == whole


def test_ctrl_c_on_a_command_that_trains_loses_nothing(tmp_path: Path) -> None:
    def command(out: str) -> list[str]:
        words = ["train", "toy", "beta_vae(beta=2)", "--network", "mlp(width=16, latents=4)", "--updates", "6000"]
        return [sys.executable, "-c", "from distaff.cli import main; main()", *words, "--out", str(tmp_path / out)]

    subprocess.run(command("whole"), capture_output=True, check=True, timeout=300)
    process = subprocess.Popen(command("stopped"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    caught = Path(f"/proc/{process.pid}/status")
    while process.poll() is None and not int(re.findall(r"SigCgt:\t(\w+)", caught.read_text())[0], 16) >> 14 & 1:
        time.sleep(0.01)  # until it listens to SIGTERM, and so to Ctrl-C
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "goes on from here" in errors
    assert list((tmp_path / "stopped" / "packs").glob("*.safetensors"))
    subprocess.run(command("stopped"), capture_output=True, check=True, timeout=300)
    (one,), (other,) = ((tmp_path / name / "runs").iterdir() for name in ("whole", "stopped"))
    assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    whole, stopped = (pl.read_parquet(folder / "curve.parquet") for folder in (one, other))
    assert whole.drop("milliseconds").equals(stopped.drop("milliseconds"))
    assert 0 < stopped["milliseconds"].null_count() < stopped.height  # those before the interruption


def test_a_full_disk_is_one_clear_error_and_the_last_checkpoint_stays_intact(tmp_path: Path) -> None:
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n" + CODE
    )
    words = [sys.executable, "-c", code, str(tmp_path / "state.safetensors"), "4000", *SMALL, "beta_vae"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode != 0
    assert "cannot be written" in done.stderr
    assert "updates 1 to " in done.stderr, "what is lost is said"
    assert "the same command goes on from update 0" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_memory_of_a_pack_that_writes_checkpoints_is_near_its_estimate(tmp_path: Path) -> None:
    code = """
import re, sys
from pathlib import Path
from distaff.runs import run
from distaff.training.fit import fit
from distaff.training.memory import bytes_of
runs = tuple(run("toy", "beta_vae", "mlp(width=1024, latents=4)", seed=s, updates=5) for s in range(int(sys.argv[1])))
fit(runs, checkpoint=Path(sys.argv[2]), checkpoint_seconds=0.0)
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]  # of this process alone
print(int(peak) * 1024, bytes_of(runs[0]))
"""
    peaks = {}
    for k in (1, 9):
        words = [sys.executable, "-c", code, str(k), str(tmp_path / f"{k}.safetensors")]
        output = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        peaks[k], estimate = map(int, output.split())
    a_model = (peaks[9] - peaks[1]) / 8
    assert 0.5 * estimate < a_model < 1.5 * estimate
