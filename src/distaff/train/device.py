"""Which device trains: a GPU where there is one, unless the caller says otherwise."""

from __future__ import annotations

from pathlib import Path

from distaff.errors import DistaffError

DRIVERS = ("nvidia[0-9]*", "kfd", "dxg")  # in /dev: CUDA, ROCm, and CUDA inside Windows
ROOM = 0.8  # the share of a GPU's free memory that models may take; torch and its kernels need the rest


def chosen(device: str) -> str:
    """`cpu` or `cuda` for what was asked, with `auto` for a GPU where there is one; raises `DistaffError`."""
    if device not in ("auto", "cpu", "cuda"):
        raise DistaffError(f"--device {device!r}: it is cpu, cuda, or auto for a GPU where there is one")
    there = device != "cpu" and gpus() > 0
    if device == "cuda" and not there:
        raise DistaffError("--device cuda: torch sees no GPU; leave it out to train on the CPU")
    return "cuda" if there else "cpu"


def gpus() -> int:
    """How many GPUs torch sees; without a driver it need not be asked, which takes a second."""
    if not any(found for pattern in DRIVERS for found in Path("/dev").glob(pattern)):
        return 0
    import torch

    return torch.cuda.device_count()


def exact() -> None:
    """Let a GPU's convolutions be fp32 where fp32 is asked for, and add in a fixed order: a resumed run is the same."""
    import torch

    torch.backends.cudnn.allow_tf32 = False  # who wants speed for digits asks for bf16, and gets more
    torch.backends.cudnn.deterministic = True


def room() -> int:
    """Bytes of the GPU that models may take."""
    import torch

    return int(ROOM * torch.cuda.mem_get_info()[0])


def title(device: str) -> str:
    """The name of the GPU, or nothing for a CPU."""
    import torch

    return "" if device == "cpu" else torch.cuda.get_device_name(device)
