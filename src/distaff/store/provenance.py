"""What made a result, beside what is hashed: versions, machine, commit, command, seconds, joules."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

COMMAND = "DISTAFF_COMMAND"  # environment variable: the command line of the user, for the workers that it started
RAPL = Path("/sys/class/powercap")


def provenance() -> dict[str, Any]:
    """Versions, machine, commit and command."""
    import numpy
    import torch

    return {
        "distaff": package_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "python": platform.python_version(),
        "host": platform.node(),
        "device": processor(),
        "threads": torch.get_num_threads(),
        **commit(),
        "command": os.environ.get(COMMAND),
    }


def package_version() -> str:
    """The version of distaff; that of its source where no metadata is installed, as in a source tree."""
    import distaff

    try:
        return version("distaff")
    except PackageNotFoundError:
        return distaff.__version__


@functools.lru_cache(maxsize=1)
def processor() -> str:
    """The name of the processor, as far as the machine reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


@functools.lru_cache(maxsize=1)
def commit() -> dict[str, Any]:
    """The commit of the code that runs and whether it was changed since; both None outside a checkout of git."""
    here = Path(__file__)
    if _git(here.parent, "ls-files", "--error-unmatch", here.name) is None:  # installed, perhaps inside another project
        return {"commit": None, "dirty": None}
    changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no", "--", ":/")
    return {"commit": _git(here.parent, "rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def joules(folder: Path = RAPL) -> tuple[float, float] | None:
    """Joules counted so far by the processors (Linux, RAPL), and where the count wraps; None if there is no counter."""
    packages = sorted(folder.glob("intel-rapl:[0-9]")) + sorted(folder.glob("intel-rapl:[0-9][0-9]"))
    try:
        now = [int((package / "energy_uj").read_text()) for package in packages]
        most = [int((package / "max_energy_range_uj").read_text()) for package in packages]
    except (OSError, ValueError):
        return None
    return (sum(now) / 1e6, sum(most) / 1e6) if now else None


def spent(before: tuple[float, float] | None, after: tuple[float, float] | None) -> float | None:
    """Joules of the whole machine between two counts."""
    if before is None or after is None:
        return None
    used = after[0] - before[0]
    return round(used if used >= 0 else used + before[1], 1)
