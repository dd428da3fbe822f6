"""The requested device is the one that trains, or the command explains why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from distaff.errors import DistaffError
from distaff.runs import Study, cross, run
from distaff.study.run import run_study
from distaff.training import device
from distaff.training.fit import fit


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_auto_is_the_cpu_and_cuda_an_error() -> None:
    assert device.resolve_device("auto") == device.resolve_device("cpu") == "cpu"
    with pytest.raises(DistaffError, match="torch sees no GPU; leave it out"):
        device.resolve_device("cuda")


def test_with_a_gpu_auto_takes_it_and_cpu_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "gpus", lambda: 2)
    assert [device.resolve_device(name) for name in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]


def test_a_gpu_that_trains_is_held_to_fp32_and_to_one_order_of_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    fit((run("toy", "beta_vae", "mlp(width=8, latents=2)", updates=1),))
    assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.deterministic


def test_an_unknown_device_is_refused_with_the_available_ones() -> None:
    with pytest.raises(DistaffError, match="expected cpu, cuda, or auto"):
        device.resolve_device("tpu")


@pytest.mark.parametrize(("flags", "slow"), [
    ("flags\t\t: fpu avx2 avx512f", True),
    ("flags\t\t: fpu avx2 avx512_bf16", False),
    ("flags\t\t: fpu amx_tile amx_bf16", False),
    ("Features\t: fp asimd", True),
    ("Features\t: fp asimd bf16", False),
    ("", False),
])  # fmt: skip
def test_half_precision_without_instructions_for_it_is_warned_about(
    flags: str, slow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "_processor", lambda: f"processor\t: 0\n{flags}\n")
    assert ("ten times as long" in device.slow_precision("bf16", "cpu")) == slow
    assert device.slow_precision("bf16", "cuda") == device.slow_precision("fp32", "cpu") == ""


def test_a_study_says_once_that_its_precision_is_slow_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_processor", lambda: "flags\t: fpu\n")
    runs = cross(["toy"], ["beta_vae"], range(2), network="mlp(width=8, latents=2)", updates=2, precision="bf16")
    said: list[str] = []
    run_study(Study("slow", runs, ("mig",)), tmp_path, workers=1, device="cpu", rehearsal=False, log=said.append)
    assert len(said) == 1
    assert "bf16 takes about ten times as long" in said[0]
