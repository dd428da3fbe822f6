"""Whether a store is whole: every file against its checksum, and what is not is set aside on request."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DistaffError
from distaff.store.files import digest, opened, read_json
from distaff.store.store import FORMAT, Store, recognise

OPTIONAL = {"model.safetensors"}  # `store prune` drops them


class Damage(NamedTuple):
    """A file that is not what was written, and what is wrong with it."""

    path: Path
    what: str


def check(store: Store) -> Iterator[Damage]:
    """Every damaged file of `store`; raises `DistaffError` if it is no store, or one of a later format."""
    if not (store.folder / "runs").is_dir():
        raise DistaffError(f"{store.folder} is no store: it has no folder `runs`")
    for folder in sorted(path for path in (store.folder / "runs").iterdir() if not path.name.startswith(".")):
        yield from _check_run(folder)
    for place in ("failed", "studies"):
        for path in sorted((store.folder / place).glob("[!.]*.json")):
            yield from _sound(path, read_json)
    for path in sorted((store.folder / "packs").glob("[!.]*.safetensors")):
        yield from _sound(path, _safetensors)


def mend(store: Store, damages: list[Damage]) -> list[Path]:
    """Move what is damaged to damaged/, so that the study computes it again; returns what was moved.

    A file of scores is moved by itself; where a file of the training is damaged, the run goes as a whole.
    """
    moved: list[Path] = []
    for damage in damages:
        inside = damage.path.relative_to(store.folder)
        whole = inside.parts[0] == "runs" and not inside.name.startswith("scores-")
        victim = store.run_folder(inside.parts[1]) if whole else damage.path
        if victim.exists():
            moved.append(_set_aside(store, victim))
    return moved


def _check_run(folder: Path) -> Iterator[Damage]:
    problem = list(_sound(folder / "run.json", lambda path: _recognised(path, folder.name)))
    yield from problem
    yield from _sound(folder / "provenance.json", read_json)
    try:
        told = read_json(folder / "provenance.json").get("files", {})
    except DistaffError:
        told = {}
    for name, read in (("curve.parquet", _parquet), ("model.safetensors", _safetensors)):
        path = folder / name
        if not path.exists():
            if name not in OPTIONAL and not problem:
                yield Damage(path, "it is missing")
        elif name in told and digest(path.read_bytes()) != told[name]:
            yield Damage(path, "its checksum does not fit")
        elif name not in told:  # format 1 has no checksums: it can be read, or not
            yield from _sound(path, read)
    for path in sorted(folder.glob("scores-*.json")):
        yield from _sound(path, lambda path: read_json(path)["scores"])


def _sound(path: Path, read: Callable[[Path], object]) -> Iterator[Damage]:
    try:
        read(path)
    except (DistaffError, KeyError) as error:
        yield Damage(path, _cause(path, error))


def _cause(path: Path, error: Exception) -> str:
    """What is wrong with the file itself, without the advice that commands give beside it."""
    try:
        opened(path.read_bytes()) if path.suffix == ".json" else None
    except (OSError, ValueError) as inner:
        return str(inner)
    return str(error)


def _recognised(path: Path, id: str) -> None:
    told = read_json(path)
    if told.get("format", 1) > FORMAT:
        raise DistaffError(f"it is of format {told['format']}, and this version reads up to {FORMAT}: update distaff")
    if recognise(told).id != id:
        raise DistaffError(f"it tells of run {told['id']}")


def _safetensors(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            file.metadata()
    except (SafetensorError, OSError) as error:
        raise DistaffError(f"it cannot be read: {error}") from error


def _parquet(path: Path) -> None:
    import polars as pl

    try:
        pl.read_parquet(io.BytesIO(path.read_bytes()))
    except pl.exceptions.PolarsError as error:
        raise DistaffError(f"it cannot be read: {error}") from error


def _set_aside(store: Store, victim: Path) -> Path:
    inside = victim.relative_to(store.folder)
    number = 0
    while (goal := store.folder / "damaged" / f"{'-'.join(inside.parts)}.{number}").exists():
        number += 1
    goal.parent.mkdir(exist_ok=True)
    os.replace(victim, goal)
    return goal
