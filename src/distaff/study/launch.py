"""What an executor is told: which study of which store, how, and the words that start one of its workers."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DistaffError
from distaff.study.leases import PATIENCE

KEEP_SECONDS = 30.0
UNITS = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}


class Order(NamedTuple):
    """Work to be done by any number of workers on one store."""

    folder: Path
    study: str  # its name: studies/<name>.json of the store tells the rest
    only: str = ""
    workers: int = 0  # 0 leaves it to the executor
    keep_seconds: float = KEEP_SECONDS  # of training between resume points: what a crash can cost
    patience: float = PATIENCE  # seconds without a heartbeat after which a worker counts as dead
    address: str = ""  # of a Ray cluster
    options: str = ""  # for sbatch, as in partition=gpu,time=1440
    memory: int = 0  # bytes of a worker; 0 leaves it to the executor
    device: str = "auto"  # that trains: cpu, cuda, or a GPU where a worker sees one

    def command(self, kinds: str = "train,score") -> list[str]:
        """The words that start a worker; it ends when its stdin does."""
        words = [sys.executable, "-m", "distaff.study.worker", str(self.folder.absolute()), self.study, "--attached"]
        sizes = [f"--keep-seconds={self.keep_seconds}", f"--patience={self.patience}", f"--memory={self.memory}"]
        sizes.append(f"--device={self.device}")
        return [*words, f"--kinds={kinds}", f"--only={self.only}", *sizes]


def bytes_in(text: str) -> int:
    """The bytes that `text` writes, such as 2GB, 1.5 GiB or 800MB; 0 for an empty one. Raises `DistaffError`."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([MG]i?B)\s*|\s*", text, re.IGNORECASE)
    if found is None:
        raise DistaffError(f"--memory {text!r}: write it as 2GB, 1.5GiB or 800MB")
    return int(float(found[1]) * UNITS[found[2].upper()]) if found[1] else 0
