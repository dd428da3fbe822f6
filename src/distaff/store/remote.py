"""Stores elsewhere: what is new goes to, and comes from, any place that fsspec knows, in few large files.

The place holds index.json, which lists the files of every run, and parts/<sha256>.tar, each with the new files of some
hundred runs: repositories of models count files and commits.
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.store.files import digest
from distaff.store.listing import listing
from distaff.store.merge import WEIGHTS, Merged, merge
from distaff.store.store import FORMAT, Store
from distaff.untrusted.regular import read_bytes

RUNS_A_PART = 500


def push(store: Store, url: str, weights: bool = True) -> int:
    """Send the files of `store` that `url` does not list yet; returns how many runs they are of."""
    filesystem, root = _locate(url)
    index = _index(filesystem, root) or {"format": FORMAT, "parts": {}}
    listed = {name for names in index["parts"].values() for name in names}
    fresh = {id: [name for name in _names(store, id, weights) if name not in listed] for id in listing(store).runs}
    ids = sorted(id for id, names in fresh.items() if names)
    for start in range(0, len(ids), RUNS_A_PART):
        _send(filesystem, root, store, [name for id in ids[start : start + RUNS_A_PART] for name in fresh[id]], index)
    shared = sorted(path.relative_to(store.folder).as_posix() for path in _files_beside_runs(store))
    if others := [name for name in shared if name not in listed]:
        _send(filesystem, root, store, others, index)
    return len(ids)


def pull(url: str, store: Store) -> Merged:
    """Fetch the parts of `url` that hold a file which `store` lacks; each is checked before it is unpacked."""
    filesystem, root = _locate(url)
    index = _index(filesystem, root)
    if index is None:
        raise DistaffError(f"{url} has no index.json: it was not filled by `distaff store push`")
    with tempfile.TemporaryDirectory(dir=store.folder) as folder:
        for part, names in index["parts"].items():
            if all((store.folder / name).exists() for name in names):
                continue
            content = filesystem.cat_file(f"{root}/parts/{part}.tar")
            if digest(content) != part:
                raise DistaffError(
                    f"{url}: the checksum of part {part} does not match: try again, or push it once more"
                )
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(folder, filter="data")
        (Path(folder) / "runs").mkdir(exist_ok=True)
        return merge(_completed(Store(Path(folder)), store), store)


def _completed(fetched: Store, store: Store) -> Store:
    """Runs that came without their training, because only scores were new, get what `store` has of them."""
    for id in listing(fetched).runs & listing(store).runs:
        for path in store.run_folder(id).iterdir():
            target = fetched.run_folder(id) / path.name
            if not target.exists():
                target.write_bytes(read_bytes(path))
    return fetched


def _send(filesystem: Any, root: str, store: Store, names: Iterable[str], index: dict[str, Any]) -> None:
    """Send one part, and then the index that lists it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)  # no owner, no time: the same files make the same part
            content = read_bytes(store.folder / name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    part = digest(buffer.getvalue())
    index["parts"][part] = list(names)
    filesystem.makedirs(f"{root}/parts", exist_ok=True)
    filesystem.pipe_file(f"{root}/parts/{part}.tar", buffer.getvalue())
    filesystem.pipe_file(f"{root}/index.json", json.dumps(index, indent=1).encode())


def _names(store: Store, id: str, weights: bool) -> list[str]:
    names = sorted(path.name for path in store.run_folder(id).iterdir())
    return [f"runs/{id}/{name}" for name in names if weights or name != WEIGHTS]


def _files_beside_runs(store: Store) -> list[Path]:
    patterns = ("failed/[!.]*.json", "studies/[!.]*.json", "untrained-*.json")
    return [path for pattern in patterns for path in store.folder.glob(pattern)]


def _index(filesystem: Any, root: str) -> dict[str, Any] | None:
    try:
        index: dict[str, Any] = json.loads(filesystem.cat_file(f"{root}/index.json"))
    except FileNotFoundError:
        return None
    if index["format"] > FORMAT:
        raise DistaffError(f"{root} is of format {index['format']}, and this version reads up to {FORMAT}")
    return index


def _locate(url: str) -> tuple[Any, str]:
    try:
        import fsspec  # type: ignore[import-untyped]
    except ImportError as error:
        raise DistaffError("stores elsewhere need fsspec: pip install 'distaff[hub]'") from error
    try:
        filesystem, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise DistaffError(f"{url} cannot be reached: {error}") from error
    return filesystem, root
