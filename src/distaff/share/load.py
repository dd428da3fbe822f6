"""A trained run from its folder, wherever that stands."""

from __future__ import annotations

from pathlib import Path

from distaff.errors import DistaffError
from distaff.store.store import model_in
from distaff.trained import Model


def load(run: str | Path) -> Model:
    """The model of the run in folder `run`, such as out/quick/runs/1f0c..., ready to use.

    `encode(rows)` and `decode(codes)` work on arrays, `modules()` gives ordinary PyTorch modules. Raises `DistaffError`
    if there is no run in the folder or its weights are damaged.
    """
    folder = Path(run).resolve()
    if not (folder / "run.json").is_file():
        raise DistaffError(f"{folder} is not a run: name a folder that holds run.json, such as out/quick/runs/1f0c...")
    return model_in(folder)
