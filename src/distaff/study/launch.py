"""A request to an executor: which study of which store to work on, how, and the command that starts a worker."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DistaffError
from distaff.study.leases import PATIENCE

CHECKPOINT_SECONDS = 30.0
UNITS = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}


class LaunchRequest(NamedTuple):
    """Work for any number of workers on one store."""

    folder: Path
    study: str  # its name: studies/<name>.json of the store has the rest
    only: str = ""
    workers: int = 0  # 0 leaves it to the executor
    checkpoint_seconds: float = CHECKPOINT_SECONDS  # of training between checkpoints: what a crash can cost
    patience: float = PATIENCE  # seconds without a heartbeat after which a worker counts as dead
    address: str = ""  # of a Ray cluster
    options: str = ""  # for sbatch, as in partition=gpu,time=1440
    memory: int = 0  # bytes of a worker; 0 leaves it to the executor
    device: str = "auto"  # that trains: cpu, cuda, or a GPU where a worker sees one

    def command(self, kinds: str = "train,score") -> list[str]:
        """The command that starts a worker; the worker ends when its stdin does."""
        worker = [sys.executable, "-m", "distaff.study.worker", str(self.folder.absolute()), self.study, "--attached"]
        limits = [f"--checkpoint-seconds={self.checkpoint_seconds}", f"--patience={self.patience}"]
        limits += [f"--memory={self.memory}", f"--device={self.device}"]
        return [*worker, f"--kinds={kinds}", f"--only={self.only}", *limits]


def bytes_in(text: str) -> int:
    """The bytes that `text` writes, such as 2GB, 1.5 GiB or 800MB; 0 for an empty one. Raises `DistaffError`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([MG]i?B)\s*|\s*", text, re.IGNORECASE)
    if match is None:
        raise DistaffError(f"--memory {text!r}: write it as 2GB, 1.5GiB or 800MB")
    return int(float(match[1]) * UNITS[match[2].upper()]) if match[1] else 0
