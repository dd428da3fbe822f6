"""Options that the commands of `distaff study` share: the selection of runs, and how the work is executed."""

from __future__ import annotations

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Selection:
    """The store of a study, and the runs of it to work on."""

    out: Path | None = None
    """The store; by default out/NAME."""
    only: str = ""
    """Conditions on runs, such as "method=beta_vae,dataset=dsprites,seed<5"; parameters of methods as in beta>=4."""


@dataclasses.dataclass(frozen=True)
class Execution:
    """What does the work, and within which bounds."""

    on: str = "local"
    """local (this machine), ray (a Ray cluster) or slurm (array jobs)."""
    workers: int = 0
    """Processes; 0 takes one for each core that has memory (local) or is in the cluster (ray), and 100 (slurm)."""
    memory: str = ""
    """Of each worker, as in 2GB: packs that need more are trained in sub-packs, with the same results; by default an
    equal share of what is free (local), or no bound."""
    device: str = "auto"
    """That trains: cpu, cuda, or auto for a GPU where a worker sees one. A GPU also encodes what it has trained; scores
    are computed on the processor."""
    address: str = ""
    """Of a Ray cluster, as in auto; without one, Ray starts on this machine."""
    checkpoint_seconds: float = 30.0
    """Seconds of training between two checkpoints: what a crash can cost."""
    slurm: str = ""
    """Options for sbatch, as in "partition=gpu,time=1440,gres=gpu:1"."""
    rehearsal: bool = True
    """Before training, try each kind of run for one update: store, evaluate and draw it in a scratch folder."""
