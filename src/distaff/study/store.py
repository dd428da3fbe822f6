"""The store: a folder with a folder for each run, written whole or not at all, never edited; tables are its caches."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from distaff.errors import DistaffError
from distaff.registry import DATASETS, METHODS, NETWORKS
from distaff.spec import Optim, Run
from distaff.train.fit import Trained
from distaff.types import Params

FORMAT = 1


@dataclass(frozen=True)
class Store:
    """The results of a study under `folder`: runs/<id>/, failed/<id>.json, and packs/ for what is in progress."""

    folder: Path

    def run_folder(self, id: str) -> Path:
        """Where the results of run `id` stand."""
        return self.folder / "runs" / id

    def has(self, id: str) -> bool:
        """Whether run `id` is complete: a folder appears only when all its files are there."""
        return self.run_folder(id).is_dir()

    def failure(self, id: str) -> str | None:
        """Why run `id` failed, or None."""
        path = self.folder / "failed" / f"{id}.json"
        return str(read_json(path)["reason"]) if path.exists() else None

    def put(self, trained: Trained, seconds: float) -> None:
        """Keep what training gave: as a run, or as a failure with the update at which it stopped being finite."""
        run = trained.run
        if trained.diverged is not None:
            reason = f"not finite from update {trained.diverged} on"
            write(self.folder / "failed" / f"{run.id}.json", _json({"run": describe(run), "reason": reason}))
            return
        curve = pl.DataFrame(trained.curve.numpy(), schema=list(trained.columns))
        aside = self.folder / "runs" / f".{run.id}.{os.getpid()}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        write(aside / "run.json", _json({"format": FORMAT, **describe(run)}))
        write(aside / "provenance.json", _json({**provenance(), "seconds": round(seconds, 3)}))
        write(aside / "model.safetensors", save(trained.params, {"run": run.id}))
        curve.write_parquet(aside / "curve.parquet")
        if self.has(run.id):  # another process was first, with the same numbers
            shutil.rmtree(aside)
            return
        aside.replace(self.run_folder(run.id))

    def run(self, id: str) -> Run:
        """The run that `id` names, from its run.json."""
        return recognise(read_json(self._existing(id) / "run.json"))

    def params(self, id: str) -> Params:
        """The weights of run `id`; raises `DistaffError` if the file is damaged."""
        path = self._existing(id) / "model.safetensors"
        try:
            return load(path.read_bytes())
        except (SafetensorError, OSError) as error:
            raise DistaffError(f"{path} is damaged ({error}): delete {path.parent} and run the study again") from error

    def curve(self, id: str) -> pl.DataFrame:
        """The training curve of run `id`."""
        return pl.read_parquet(self._existing(id) / "curve.parquet")

    def _existing(self, id: str) -> Path:
        folder = self.run_folder(id)
        if not folder.is_dir():
            raise DistaffError(f"there is no run {id!r} in {self.folder}; `distaff study status` lists what there is")
        return folder


def describe(run: Run) -> dict[str, Any]:
    """The run as JSON: texts of its plug-ins, and numbers."""
    return {
        "id": run.id,
        "dataset": str(run.dataset),
        "method": str(run.method),
        "network": str(run.network),
        "critic": str(run.critic) if run.critic else None,
        "optim": asdict(run.optim),
        "critic_optim": asdict(run.critic_optim),
        **{name: getattr(run, name) for name in ("batch", "updates", "precision", "seed")},
    }


def recognise(told: Mapping[str, Any]) -> Run:
    """The run that `describe` told of; raises `DistaffError` if it no longer has the id that it had."""
    run = Run(
        DATASETS.parse(told["dataset"]),
        METHODS.parse(told["method"]),
        NETWORKS.parse(told["network"]),
        NETWORKS.parse(told["critic"]) if told["critic"] else None,
        Optim(**told["optim"]),
        Optim(**told["critic_optim"]),
        **{name: told[name] for name in ("batch", "updates", "precision", "seed")},
    )
    if run.id != told["id"]:
        raise DistaffError(f"run {told['id']} was edited, or made by another version of its method: it is now {run.id}")
    return run


def provenance() -> dict[str, Any]:
    """What made a result, beside what is hashed: versions, device, engine."""
    return {
        "distaff": version("distaff"),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": platform.processor() or platform.machine(),
    }


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`; raises `DistaffError` if it is missing or damaged."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DistaffError(f"{path} cannot be read ({error}): delete {path.parent} and run the study again") from error
    return found


def write(path: Path, content: bytes) -> None:
    """Write a file whole: aside, to the disk, then under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, allow_nan=False).encode()
