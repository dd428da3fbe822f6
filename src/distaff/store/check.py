"""Whether a store is whole: every file against its checksum, and damaged files are set aside on request."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DistaffError
from distaff.store.files import digest, read_json, unsealed
from distaff.store.store import FORMAT, Store, run_from_record
from distaff.untrusted.regular import check_regular, read_bytes

OPTIONAL = {"model.safetensors"}  # `store prune` drops them


class Damage(NamedTuple):
    """A file that is not what was written, and what is wrong with it."""

    path: Path
    problem: str


def check(store: Store) -> Iterator[Damage]:
    """Every damaged file of `store`; raises `DistaffError` if it is not a store, or one of a later format."""
    if not (store.folder / "runs").is_dir():
        raise DistaffError(f"{store.folder} is not a store: it has no folder `runs`")
    for folder in sorted(path for path in (store.folder / "runs").iterdir() if not path.name.startswith(".")):
        yield from _check_run(folder)
    for place in ("failed", "studies"):
        for path in sorted((store.folder / place).glob("[!.]*.json")):
            yield from _damages(path, read_json)
    for path in sorted((store.folder / "packs").glob("[!.]*.safetensors")):
        yield from _damages(path, _safetensors)


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
    damages = list(_damages(folder / "run.json", lambda path: _check_identity(path, folder.name)))
    yield from damages
    yield from _damages(folder / "provenance.json", read_json)
    try:
        checksums = read_json(folder / "provenance.json").get("files", {})
    except DistaffError:
        checksums = {}
    for name, read in (("curve.parquet", _parquet), ("model.safetensors", _safetensors)):
        path = folder / name
        if not path.exists():
            if name not in OPTIONAL and not damages:
                yield Damage(path, "it is missing")
        elif name in checksums and digest(read_bytes(path)) != checksums[name]:
            yield Damage(path, "its checksum does not match")
        elif name not in checksums:  # format 1 has no checksums: it can be read, or not
            yield from _damages(path, read)
    for path in sorted(folder.glob("scores-*.json")):
        yield from _damages(path, lambda path: read_json(path)["scores"])


def _damages(path: Path, read: Callable[[Path], object]) -> Iterator[Damage]:
    try:
        read(path)
    except (DistaffError, KeyError) as error:
        yield Damage(path, _cause(path, error))


def _cause(path: Path, error: Exception) -> str:
    """What is wrong with the file itself, without the advice that commands give beside it."""
    try:
        if path.suffix == ".json":
            unsealed(read_bytes(path))
    except (OSError, ValueError) as inner:
        return str(inner)
    return str(error)


def _check_identity(path: Path, id: str) -> None:
    record = read_json(path)
    if record.get("format", 1) > FORMAT:
        raise DistaffError(f"it is of format {record['format']}, and this version reads up to {FORMAT}: update distaff")
    if run_from_record(record).id != id:
        raise DistaffError(f"it describes run {record['id']}")


def _safetensors(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    check_regular(path)
    try:
        with safe_open(path, "np") as file:
            file.metadata()
    except (SafetensorError, OSError) as error:
        raise DistaffError(f"it cannot be read: {error}") from error


def _parquet(path: Path) -> None:
    import polars as pl

    try:
        pl.read_parquet(io.BytesIO(read_bytes(path)))
    except pl.exceptions.PolarsError as error:
        raise DistaffError(f"it cannot be read: {error}") from error


def _set_aside(store: Store, victim: Path) -> Path:
    inside = victim.relative_to(store.folder)
    number = 0
    while (target := store.folder / "damaged" / f"{'-'.join(inside.parts)}.{number}").exists():
        number += 1
    target.parent.mkdir(exist_ok=True)
    os.replace(victim, target)
    return target
