"""The run that an argument of a command names: a folder, an id, or the first digits of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from distaff.errors import DistaffError

if TYPE_CHECKING:
    from distaff.store.store import Store


def find_run(run: str, folder: Path) -> tuple[Store, str]:
    """The store and the id of `run`: a run's folder, or an id or its first digits in `folder` or a store inside it.

    Raises `DistaffError` if there is none, or more than one.
    """
    from distaff.store.store import Store

    named = Path(run)
    if (named / "run.json").is_file():
        path = named.resolve()
        if path.parent.name != "runs":
            raise DistaffError(
                f"{path} is outside a store: move it to STORE/runs/{path.name} (`distaff export` takes it as it is)"
            )
        return Store(path.parent.parent), path.name
    if not (stores := list_stores(folder)):
        raise DistaffError(
            f"there is no store in {folder}: name one with --store, or give a run's folder instead of an id"
        )
    runs = [(store, path.name) for store in stores for path in sorted((store / "runs").glob("[!.]*"))]
    matches = [(store, id) for store, id in runs if id.startswith(run)] if run else []
    if len({id for _, id in matches}) > 1:
        some = ", ".join(id for _, id in matches[:4])
        raise DistaffError(f"{len(matches)} runs in {folder} begin with {run!r}, such as {some}: give more digits")
    if not matches:
        some = ", ".join(id for _, id in runs[:4]) or "none"
        raise DistaffError(f"there is no run {run!r} among the {len(runs)} in {folder}; available: {some}, ...")
    return Store(matches[0][0]), matches[0][1]


def list_stores(folder: Path) -> list[Path]:
    """`folder` if it is a store, and the stores directly inside it: commands keep theirs under out/."""
    return [path for path in (folder, *sorted(folder.glob("*"))) if (path / "runs").is_dir()]
