"""The cache of built data sets: one folder each, with the array and a record of its checksum, whole or not there.

A set is built aside, in a folder of its own, written to the disk and then renamed into place, so that a process
killed at any moment leaves the cache as it was. A lock that dies with its holder lets a second process wait for the
first one's work instead of repeating it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from jaxtyping import Int, Shaped

from distaff.atomic import publish_folder, write
from distaff.data._rows import checked_rows
from distaff.errors import DistaffError
from distaff.untrusted.bounds import size_text

FOLDER = "DISTAFF_DATA"  # environment variable: where data sets are stored
ARRAY, RECORD = "images.npy", "record.json"
RowBlock: TypeAlias = "Shaped[np.ndarray, '...'] | tuple[Int[np.ndarray, 'b'], Shaped[np.ndarray, '...']]"


def cache_folder() -> Path:
    """Where data sets are stored: `$DISTAFF_DATA` if set, else the `distaff` folder of the platform's user cache."""
    return _folder(os.environ.get(FOLDER), os.environ.get("XDG_CACHE_HOME"))


@functools.lru_cache(maxsize=8)
def _folder(configured: str | None, cache: str | None) -> Path:
    if configured:
        return Path(configured).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "distaff"
    return Path(cache or Path.home() / ".cache") / "distaff"


def open_or_build(
    name: str, shape: tuple[int, ...], dtype: str, blocks: Iterable[RowBlock], version: int = 1
) -> Shaped[np.ndarray, "..."]:
    """The array of the set `name`, memory-mapped; if absent, it is first built from `blocks`.

    A block is the next run of the first axis, or a pair of rows and what belongs there, where a file has another order.
    `version` is raised when the content changes, so that an older build is not mistaken for it. Raises `DistaffError`
    if the array is damaged, if the cache cannot be written, or if `blocks` do not fill `shape`.
    """
    folder = built_folder(name, version)
    if not folder.exists():
        try:
            with locked(folder):
                if not folder.exists():  # another process may have built it while this one waited
                    _build(folder, name, shape, np.dtype(dtype), blocks)
        except OSError as error:
            raise DistaffError(
                f"{folder} cannot be written ({error.strerror}): free space or set {FOLDER} to another folder"
            ) from error
    return _open(folder, shape, np.dtype(dtype))


def built_folder(name: str, version: int = 1) -> Path:
    """The folder that holds the set `name` once it is built."""
    return cache_folder() / f"{name}-v{version}"


def gather(array: Shaped[np.ndarray, "n ..."], rows: Int[np.ndarray, "b"]) -> Shaped[np.ndarray, "b ..."]:
    """A copy of `rows` of a mapped array; raises `IndexError` outside it."""
    return np.asarray(array[checked_rows(rows, len(array))])


def verify(folder: Path) -> None:
    """Read the whole array in `folder` and compare it with its record; raises `DistaffError` if they differ."""
    record = record_of(folder)
    with (folder / ARRAY).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != record["sha256"]:
        raise _damaged(folder, f"its SHA-256 is {digest}, where the record has {record['sha256']}")


def _open(folder: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Shaped[np.ndarray, "..."]:
    """Map the array, after the checks that take no reading: the record, the length of the file, shape and type."""
    record = record_of(folder)
    path = folder / ARRAY
    size = path.stat().st_size if path.exists() else 0
    if size != record["bytes"]:
        raise _damaged(folder, f"{ARRAY} has {size} bytes, where the record has {record['bytes']}")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise _damaged(folder, str(error)) from error
    if array.shape != shape or array.dtype != dtype:
        raise _damaged(folder, f"it holds {array.dtype} {array.shape} where {dtype} {shape} belongs")
    return np.asarray(array)


def record_of(folder: Path) -> dict[str, Any]:
    """The record of the array in `folder`; raises `DistaffError` if that is damaged."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, f"{RECORD} cannot be read ({error})") from error
    if not isinstance(record, dict) or not {"bytes", "sha256", "shape"} <= set(record):
        raise _damaged(folder, f"{RECORD} lacks bytes, sha256 or shape")
    return record


def _damaged(folder: Path, what: str) -> DistaffError:
    return DistaffError(
        f"{folder} is damaged: {what}. Delete that folder: it is rebuilt at its next use, or fetched again"
    )


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`; the system frees it when its holder ends, however it ends."""
    import fcntl

    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(folder: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[RowBlock]) -> None:
    """Write array and record aside and rename them into place; only the holder of the lock comes here."""
    needed, free = math.prod(shape) * dtype.itemsize, shutil.disk_usage(folder.parent).free
    if needed > free:
        raise DistaffError(
            f"{name} takes {size_text(needed)} in {folder.parent}, where {size_text(free)} are free: "
            f"free space or set {FOLDER} to another folder"
        )
    prefix = f".{folder.name}.building-"
    for leftover in folder.parent.glob(f"{prefix}*"):  # of a process that was killed: no other process holds the lock
        shutil.rmtree(leftover)
    aside = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        digest = _write_array(aside / ARRAY, name, shape, dtype, blocks)
        size = (aside / ARRAY).stat().st_size
        record = {"name": name, "bytes": size, "sha256": digest, "shape": list(shape), "dtype": dtype.str}
        write(aside / RECORD, f"{json.dumps(record, indent=1)}\n".encode())
        aside.chmod(0o755)
        publish_folder(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _write_array(
    path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[RowBlock]
) -> str:
    """Write `blocks` where they belong in an .npy file; returns the SHA-256 of the file. Memory: one block."""
    digest = ""

    def fill(file: BinaryIO) -> None:
        nonlocal digest
        _fill(file, name, shape, dtype, blocks)
        file.seek(0)
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    write(path, fill)
    return digest


def _fill(file: BinaryIO, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], blocks: Iterable[RowBlock]) -> None:
    written = np.zeros(shape[0], dtype=bool)
    with progress_line(f"building {name}", shape[0]) as update:
        np.lib.format.write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": shape})
        start, filled = file.tell(), 0
        for block in blocks:
            rows, data = block if isinstance(block, tuple) else (np.arange(filled, filled + len(block)), block)
            if data.shape != (len(rows), *shape[1:]) or rows.max(initial=-1) >= shape[0]:
                raise DistaffError(f"{name}: a block of shape {data.shape} does not fit {shape} after row {filled}")
            if written[rows].any() or len(np.unique(rows)) != len(rows):
                raise DistaffError(f"{name}: the source holds a row twice, one of {rows[:8].tolist()}")
            _write_rows(file, start, rows, np.ascontiguousarray(data, dtype=dtype))
            written[rows] = True
            filled += len(rows)
            update(filled)
        if filled != shape[0]:
            raise DistaffError(f"{name}: the source holds {filled} rows where {shape[0]} belong")


def _write_rows(file: BinaryIO, start: int, rows: Int[np.ndarray, "b"], data: Shaped[np.ndarray, "b ..."]) -> None:
    """Write each run of consecutive rows at once."""
    for run in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(rows) != 1) + 1):
        if len(run):
            file.seek(start + int(rows[run[0]]) * data[0].nbytes)
            file.write(data[run[0] : run[-1] + 1].data)


@contextlib.contextmanager
def progress_line(doing: str, total: int | None) -> Iterator[Any]:
    """A progress line on standard error where that is a terminal; yields a function of how much is done."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as line:
        task = line.add_task(doing, total=total)
        yield lambda done: line.update(task, completed=done)
