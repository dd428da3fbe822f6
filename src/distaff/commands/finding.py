"""How a command finds the run that a person means: a folder, an id, or the first digits of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from distaff.errors import DistaffError

if TYPE_CHECKING:
    from distaff.store.store import Store


def find(run: str, folder: Path) -> tuple[Store, str]:
    """The store and the id of `run`: a run's folder, or an id or its first digits in `folder` or a store inside it.

    Raises `DistaffError` if there is none, or more than one.
    """
    from distaff.store.store import Store

    named = Path(run)
    if (named / "run.json").is_file():
        own = named.resolve()
        if own.parent.name != "runs":
            raise DistaffError(
                f"{own} stands outside a store: put it where STORE/runs/{own.name} is (export takes it as is)"
            )
        return Store(own.parent.parent), own.name
    if not (stores := list_stores(folder)):
        raise DistaffError(f"there is no store in {folder}: name one with --store, or a run's folder instead of an id")
    found = [(store, path.name) for store in stores for path in sorted((store / "runs").glob("[!.]*"))]
    meant = [(store, id) for store, id in found if id.startswith(run)] if run else []
    if len({id for _, id in meant}) > 1:
        some = ", ".join(id for _, id in meant[:4])
        raise DistaffError(f"{len(meant)} runs in {folder} begin with {run!r}, such as {some}: give more digits")
    if not meant:
        some = ", ".join(id for _, id in found[:4]) or "none"
        raise DistaffError(f"there is no run {run!r} among the {len(found)} in {folder}; there is: {some}, ...")
    return Store(meant[0][0]), meant[0][1]


def list_stores(folder: Path) -> list[Path]:
    """`folder` if it is a store, and the stores directly inside it: commands keep theirs under out/."""
    return [path for path in (folder, *sorted(folder.glob("*"))) if (path / "runs").is_dir()]
