"""What the commands of `distaff study` share: which runs are meant, and what does the work."""

from __future__ import annotations

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Where:
    """Where a study's results stand, and which of its runs are meant."""

    out: Path | None = None
    """The store; by default out/NAME."""
    only: str = ""
    """Conditions on runs, such as "method=beta_vae,dataset=dsprites,seed<5"; parameters of methods as in beta>=4."""


@dataclasses.dataclass(frozen=True)
class How:
    """What does the work."""

    on: str = "local"
    """local (this machine), ray (a Ray cluster) or slurm (array jobs)."""
    workers: int = 0
    """Processes; 0 takes one for each core that has memory (local) or is in the cluster (ray), and 100 (slurm)."""
    memory: str = ""
    """Of each worker, as in 2GB: packs that need more are trained in parts, with the same results; by default an equal
    share of what is free (local), or no bound."""
    device: str = "auto"
    """That trains: cpu, cuda, or auto for a GPU where a worker sees one. Scoring is the processor's."""
    address: str = ""
    """Of a Ray cluster, as in auto; without one, Ray starts on this machine."""
    keep_seconds: float = 30.0
    """Training between two resume points: what a crash can cost."""
    slurm: str = ""
    """Options for sbatch, as in "partition=gpu,time=1440,gres=gpu:1"."""
