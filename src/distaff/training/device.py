"""Which device trains: a GPU where there is one, unless the caller says otherwise."""

from __future__ import annotations

from pathlib import Path

from distaff.errors import DistaffError

DRIVERS = ("nvidia[0-9]*", "kfd", "dxg")  # in /dev: CUDA, ROCm, and CUDA inside Windows
USABLE = 0.8  # the share of a GPU's free memory that models may take; torch and its kernels need the rest


def resolve_device(device: str) -> str:
    """The device that `device` names, `cpu` or `cuda`; `auto` is a GPU where there is one. Raises `DistaffError`."""
    if device not in ("auto", "cpu", "cuda"):
        raise DistaffError(f"--device {device!r}: expected cpu, cuda, or auto (a GPU if there is one)")
    available = device != "cpu" and gpus() > 0
    if device == "cuda" and not available:
        raise DistaffError("--device cuda: torch sees no GPU; leave it out to train on the CPU")
    return "cuda" if available else "cpu"


def gpus() -> int:
    """How many GPUs torch sees; without a driver torch is not imported, which takes a second."""
    if not any(node for pattern in DRIVERS for node in Path("/dev").glob(pattern)):
        return 0
    import torch

    return torch.cuda.device_count()


def slow_precision(precision: str, device: str) -> str:
    """What to know before training in `precision` on `device`, or nothing: bf16 without instructions for it is slow."""
    if precision != "bf16" or device != "cpu" or _has_bf16(_processor()):
        return ""
    return (
        "bf16 takes about ten times as long as fp32 on this processor, which has no instructions for it (avx512_bf16 "
        "or amx_bf16): train in fp32, or on a GPU"
    )


def _has_bf16(processor: str) -> bool:
    """Whether Linux lists instructions for bf16; of other systems nothing is known, and nothing is said."""
    flags = {flag for line in processor.splitlines() if line.startswith(("flags", "Features")) for flag in line.split()}
    return not flags or not flags.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def exact() -> None:
    """Let a GPU's convolutions be fp32 where fp32 is requested, and add in a fixed order: a resumed run is the same."""
    import torch

    torch.backends.cudnn.allow_tf32 = False  # bf16 is the setting that trades digits for speed, and it gains more
    torch.backends.cudnn.deterministic = True


def usable_memory() -> int:
    """Bytes of the GPU that models may take."""
    import torch

    return int(USABLE * torch.cuda.mem_get_info()[0])


def gpu_name(device: str) -> str:
    """The name of the GPU, or nothing for a CPU."""
    import torch

    return "" if device == "cpu" else torch.cuda.get_device_name(device)
