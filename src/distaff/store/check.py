"""Whether a store is whole: every file against its checksum, and damaged files are set aside on request."""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from distaff.errors import DistaffError
from distaff.seal import NewerFormatError, check_picture, digest, is_sealed, unsealed
from distaff.store.files import UnreadableError, content_of
from distaff.store.formats import opened
from distaff.store.records import missing_plugins, run_from_record
from distaff.store.store import Store

OF_TRAINING = ("run.json", "provenance.json", "curve.parquet", "model.safetensors")  # a run is nothing without them
OPTIONAL = {"model.safetensors"}  # `store prune` drops them
RECORDS = ("*.json", "failed/*.json", "studies/*.json", "packs/*.json")  # beside the runs
NAMED_BY_CONTENT = ("plugins/*/*-*.py", "cache/*-*-*.parquet")  # the first digits of their SHA-256 end their names
SHOWN = 3  # ids in a note


class Damage(NamedTuple):
    """A file that is not what was written, and what is wrong with it."""

    path: Path
    problem: str


def check(store: Store) -> Iterator[Damage]:
    """Every damaged file of `store`; raises `DistaffError` if it is not a store, or one of a later format.

    What is not known is not damaged: of a run whose plug-ins are not here, or are of another version, the files are
    checked as those of any other.
    """
    opened(store.folder)
    for folder in sorted((store.folder / "runs").glob("[!.]*")):
        yield from _check_run(folder)
    checks: list[tuple[str, Callable[[bytes], object]]] = [(pattern, unsealed) for pattern in RECORDS]
    for pattern, read in (*checks, ("cache/*.json", _check_sealed), ("packs/*.safetensors", check_checkpoint)):
        for path in _paths(store, pattern):
            yield from _damages(path, read)
    for pattern in NAMED_BY_CONTENT:
        for path in _paths(store, pattern):
            yield from _damages(path, partial(_check_name, path))


def notes(store: Store) -> list[str]:
    """A line for each plug-in that made runs of `store` and is not here, or is of another version here."""
    made: dict[str, list[str]] = defaultdict(list)
    for folder in sorted((store.folder / "runs").glob("[!.]*")):
        try:
            run = store.run(folder.name)
        except DistaffError:  # damaged, which `check` reports
            continue
        for plugin in missing_plugins(run):
            made[plugin].append(run.id)
    return [
        f"{len(ids)} run{'s' if len(ids) > 1 else ''} ({', '.join(ids[:SHOWN])}{', ...' if len(ids) > SHOWN else ''}) "
        f"made by a plug-in that is not here: {plugin}, or that version of it"
        for plugin, ids in sorted(made.items())
    ]


def mend(store: Store, damages: list[Damage]) -> list[Path]:
    """Move what is damaged to damaged/, so that the study computes it again; returns what was moved.

    Where a file of the training is damaged, the run goes as a whole; a file of scores or a picture goes by itself.
    """
    moved: list[Path] = []
    for damage in damages:
        inside = damage.path.relative_to(store.folder)
        whole = inside.parts[0] == "runs" and (len(inside.parts) < 3 or inside.name in OF_TRAINING)
        victim = store.run_folder(inside.parts[1]) if whole else damage.path
        if os.path.lexists(victim):
            moved.append(_set_aside(store, victim))
    return moved


def run_damages(id: str, contents: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """The names of the damaged files of run `id`, whose contents are given, each with what is wrong with it."""
    record, problem = _record(contents, "run.json")
    if problem is None:
        problem = _problem(lambda: _check_identity(record, id))
    if problem is not None:
        yield "run.json", problem
    made, lacking = _record(contents, "provenance.json")
    if lacking is not None:
        yield "provenance.json", lacking
    files = made.get("files")
    checksums: Mapping[str, Any] = files if isinstance(files, dict) else {}
    reported = {name for name, wrong in (("run.json", problem), ("provenance.json", lacking)) if wrong is not None}
    for name, content in sorted(contents.items()):
        read = _reader(name, id) if name not in checksums else partial(_check_digest, checksums[name])
        wrong = _problem(partial(read, content)) if read else None
        if wrong is None and name.endswith(".json") and record.get("format", 1) > 1 and not is_sealed(content):
            wrong = "it has no checksum: another program has written it again"
        if wrong is not None and name not in reported:
            yield name, wrong
    if problem is None and "curve.parquet" not in contents:
        yield "curve.parquet", "it is missing"


def _reader(name: str, id: str) -> Callable[[bytes], object] | None:
    """How a file of run `id` is checked of which no checksum is recorded beside it."""
    if name.startswith("scores-"):
        return partial(_check_scores, id)
    if name.startswith("picture-"):
        return check_picture
    return {"curve.parquet": check_parquet, "model.safetensors": check_safetensors}.get(name)


def _check_run(folder: Path) -> Iterator[Damage]:
    if not folder.is_dir():
        yield Damage(folder, "it is not the folder of a run")
        return
    contents: dict[str, bytes] = {}
    unread: dict[str, str] = {}
    for path in sorted(folder.glob("[!.]*")):
        try:
            contents[path.name] = content_of(path)
        except FileNotFoundError:  # merged into another file meanwhile
            continue
        except UnreadableError as error:
            unread[path.name] = str(error)
    for name, problem in (*unread.items(), *run_damages(folder.name, contents)):
        if name not in unread or problem == unread[name]:
            yield Damage(folder / name, problem)


def _record(contents: Mapping[str, bytes], name: str) -> tuple[dict[str, Any], str | None]:
    """A record, or what is wrong with it."""
    if name not in contents:
        return {}, "it is missing"
    found: dict[str, Any] = {}
    problem = _problem(lambda: found.update(unsealed(contents[name])))
    return found, problem


def _check_identity(record: Mapping[str, Any], id: str) -> None:
    if run_from_record(record).id != id:
        raise DistaffError(f"it describes run {record['id']}")


def _check_sealed(content: bytes) -> None:
    unsealed(content)
    if not is_sealed(content):
        raise DistaffError("it has no checksum: another program has written it again")


def _check_digest(known: object, content: bytes) -> None:
    if digest(content) != known:
        raise DistaffError("its checksum does not match")


def _check_scores(id: str, content: bytes) -> None:
    record = unsealed(content)
    if record.get("run", id) != id:
        raise DistaffError(f"it holds the scores of run {record['run']}")
    for row in record["scores"]:
        row["representation"], row["metric"], row["value"]


def _check_name(path: Path, content: bytes) -> None:
    if not digest(content).startswith(path.stem.rpartition("-")[2]):
        raise DistaffError("its checksum does not match")


def check_safetensors(content: bytes) -> None:
    """Raise `DistaffError` for bytes that are no safetensors file."""
    from safetensors import SafetensorError, deserialize

    try:
        deserialize(content)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise DistaffError(f"it cannot be read: {error}") from error


def check_checkpoint(content: bytes) -> None:
    """Raise `DistaffError` for bytes that are no checkpoint, or not what was written."""
    from distaff.training.seal import check_seal

    check_safetensors(content)
    check_seal(content)


def check_parquet(content: bytes) -> None:
    """Raise `DistaffError` for bytes that are no parquet file."""
    import polars as pl

    try:
        pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise DistaffError(f"it cannot be read: {error}") from error


def _paths(store: Store, pattern: str) -> list[Path]:
    return sorted(path for path in store.folder.glob(pattern) if not path.name.startswith("."))


def _damages(path: Path, read: Callable[[bytes], object]) -> Iterator[Damage]:
    try:
        content = content_of(path)
    except FileNotFoundError:  # its worker finished meanwhile
        return
    except UnreadableError as error:
        yield Damage(path, str(error))
        return
    if problem := _problem(lambda: read(content)):
        yield Damage(path, problem)


def _problem(read: Callable[[], object]) -> str | None:
    """What is wrong with a file that `read` reads; a file of a later format is not wrong."""
    try:
        read()
    except NewerFormatError:
        raise
    except KeyError as error:
        return f"it lacks {error}"
    except (ValueError, TypeError, AttributeError) as error:
        return str(error)
    return None


def _set_aside(store: Store, victim: Path) -> Path:
    inside = victim.relative_to(store.folder)
    number = 0
    while os.path.lexists(target := store.folder / "damaged" / f"{'-'.join(inside.parts)}.{number}"):
        number += 1
    target.parent.mkdir(exist_ok=True)
    os.replace(victim, target)
    return target
