"""Stores elsewhere: what is new goes to, and comes from, any place that fsspec knows, in few large files.

The place holds index.json, which lists the files of every run with their sizes, and parts/<sha256>.tar, each with the
new files of some hundred runs: repositories of models count files and commits. The place may be a stranger's: nothing
is fetched beyond what the index announces, and what it announces has to fit on the disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from distaff.errors import DistaffError
from distaff.seal import FORMAT, digest, refuse_newer
from distaff.store.aside import folder_aside
from distaff.store.formats import opened, readable
from distaff.store.listing import listing
from distaff.store.merge import BESIDE_RUNS, OF_A_RUN, PLUGINS, WEIGHTS, Merged, merge
from distaff.store.store import Store
from distaff.untrusted.regular import read_bytes
from distaff.weather import described

RUNS_A_PART = 500
LARGEST_INDEX = 2**28  # bytes: that of a million runs
SPARE = 2**26  # bytes of the disk that a pull leaves free
CHUNK = 2**20
DIGITS = re.compile(r"[0-9a-f]{64}")


class Part(NamedTuple):
    """A part as the index lists it: its files with their sizes, where the index has them, and its own size."""

    name: str
    files: dict[str, int | None]
    size: int | None


def push(store: Store, url: str, weights: bool = True) -> int:
    """Send the files of `store` that `url` does not list yet; returns how many runs they are of."""
    opened(store.folder)
    filesystem, root = _locate(url)
    index = _index(filesystem, root) or {"format": FORMAT, "parts": {}}
    listed = {name for names in index["parts"].values() for name in names}
    fresh = {id: [name for name in _names(store, id, weights) if name not in listed] for id in listing(store).runs}
    ids = sorted(id for id, names in fresh.items() if names)
    for start in range(0, len(ids), RUNS_A_PART):
        _send(filesystem, root, store, [name for id in ids[start : start + RUNS_A_PART] for name in fresh[id]], index)
    if others := [name for name in _files_beside_runs(store) if name not in listed]:
        _send(filesystem, root, store, others, index)
    return len(ids)


def pull(url: str, store: Store) -> Merged:
    """Fetch the parts of `url` that hold a file which `store` lacks; each is checked before it is unpacked.

    Raises `DistaffError` where the disk has no room for what the index announces, and for a part or a file in it that
    is larger than announced.
    """
    readable(store)
    filesystem, root = _locate(url)
    index = _index(filesystem, root)
    if index is None:
        raise DistaffError(f"{url} has no index.json: it was not filled by `distaff store push`")
    lacking = [part for part in _parts(index, url) if not all((store.folder / name).exists() for name in part.files)]
    sizes = {part.name: _announced(filesystem, root, part) for part in lacking}
    with folder_aside(store) as aside:
        needed, free = 2 * sum(sizes.values()) + SPARE, shutil.disk_usage(aside).free
        if needed > free:
            raise DistaffError(
                f"{url} takes {needed:,} bytes while it is fetched, and {store.folder} has {free:,} free"
            )
        fetched = Store(aside / "fetched")
        (fetched.folder / "runs").mkdir(parents=True)
        for part in lacking:
            _fetch(filesystem, f"{root}/parts/{part.name}.tar", part, sizes[part.name], aside / "part.tar", url)
            _unpack(aside / "part.tar", part, fetched.folder, url)
        return merge(_completed(fetched, store), store)


def _parts(index: dict[str, Any], url: str) -> list[Part]:
    """The parts of an index; raises `DistaffError` for one that lists what is no file of a store."""
    try:
        sizes = index.get("sizes", {})
        parts = [
            Part(str(name), {str(file): sizes.get(name, {}).get("files", {}).get(file) for file in files}, None)
            for name, files in index["parts"].items()
        ]
        parts = [part._replace(size=sizes.get(part.name, {}).get("tar")) for part in parts]
    except (KeyError, TypeError, AttributeError) as error:
        raise DistaffError(f"{url}/index.json is not an index that `distaff store push` wrote: {error}") from error
    for part in parts:
        wrong = [name for name in part.files if not _is_of_a_store(name)]
        numbers = [size for size in (part.size, *part.files.values()) if size is not None]
        if not DIGITS.fullmatch(part.name) or wrong or any(type(size) is not int or size < 0 for size in numbers):
            raise DistaffError(f"{url}/index.json lists {(wrong or [part.name])[0]!r}, which is no file of a store")
    return parts


def _is_of_a_store(name: str) -> bool:
    """Whether a name is that of a file which stores hold."""
    folder, _, file = name.rpartition("/")
    if re.fullmatch(r"runs/[0-9a-f]{16}", folder):
        return bool(OF_A_RUN.fullmatch(file))
    if re.fullmatch(r"plugins/[a-z]+", folder):
        return bool(PLUGINS.fullmatch(file))
    pattern = BESIDE_RUNS.get(folder or ".")
    return bool(pattern and pattern.fullmatch(file))


def _announced(filesystem: Any, root: str, part: Part) -> int:
    """The bytes of a part: what the index says, or of earlier versions, whose index says nothing, the place itself."""
    try:
        size = part.size if part.size is not None else filesystem.size(f"{root}/parts/{part.name}.tar")
    except FileNotFoundError as error:
        raise DistaffError(f"{root} has no part {part.name}, which its index lists: push it once more") from error
    if size is None:
        raise DistaffError(f"neither the index nor the place says how large part {part.name} is: push it once more")
    return int(size)


def _fetch(filesystem: Any, path: str, part: Part, size: int, target: Path, url: str) -> None:
    """Fetch a part to the file `target`, and no more than its announced size of it."""
    hasher, have = hashlib.sha256(), 0
    try:
        source = filesystem.open(path, "rb")
    except FileNotFoundError as error:
        raise DistaffError(f"{url} has no part {part.name}, which its index lists: push it once more") from error
    with source, target.open("wb") as file:
        for chunk in _chunks(source, url):
            have += len(chunk)
            if have > size:
                raise DistaffError(f"{url}: part {part.name} is larger than the {size:,} bytes that are announced")
            hasher.update(chunk)
            file.write(chunk)
    if hasher.hexdigest() != part.name:
        raise DistaffError(f"{url}: the checksum of part {part.name} does not match: try again, or push it once more")


def _chunks(source: Any, url: str) -> Iterator[bytes]:
    try:
        while chunk := source.read(CHUNK):
            yield chunk
    except OSError as error:
        raise DistaffError(f"{url} could not be read to its end ({described(error)}): try again") from error


def _unpack(archive: Path, part: Part, folder: Path, url: str) -> None:
    """Unpack the files that the index lists, each of the size that it says, and nothing else."""
    try:
        with tarfile.open(archive, "r:") as tar:
            while member := tar.next():
                size = part.files.get(member.name)
                if not member.isreg() or member.name not in part.files or size not in (None, member.size):
                    raise DistaffError(f"{url}: part {part.name} holds {member.name!r}, not as the index lists it")
                target = folder / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                source = tar.extractfile(member)
                assert source is not None
                with source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, CHUNK)
    except tarfile.TarError as error:
        raise DistaffError(f"{url}: part {part.name} is no archive: {error}") from error


def _completed(fetched: Store, store: Store) -> Store:
    """Runs that came without their training, because only scores were new, get what `store` has of them."""
    for id in listing(fetched).runs & listing(store).runs:
        for path in store.run_folder(id).iterdir():
            target = fetched.run_folder(id) / path.name
            if not target.exists():
                target.write_bytes(path.read_bytes())
    return fetched


def _send(filesystem: Any, root: str, store: Store, names: Iterable[str], index: dict[str, Any]) -> None:
    """Send one part, and then the index that lists it."""
    buffer, sizes = io.BytesIO(), {}
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)  # no owner, no time: the same files make the same part
            content = read_bytes(store.folder / name)
            member.size = sizes[name] = len(content)
            archive.addfile(member, io.BytesIO(content))
    part = digest(buffer.getvalue())
    index["parts"][part] = list(sizes)
    index.setdefault("sizes", {})[part] = {"tar": len(buffer.getvalue()), "files": sizes}
    filesystem.makedirs(f"{root}/parts", exist_ok=True)
    filesystem.pipe_file(f"{root}/parts/{part}.tar", buffer.getvalue())
    filesystem.pipe_file(f"{root}/index.json", json.dumps(index, indent=1).encode())


def _names(store: Store, id: str, weights: bool) -> list[str]:
    names = sorted(path.name for path in store.run_folder(id).iterdir() if OF_A_RUN.fullmatch(path.name))
    return [f"runs/{id}/{name}" for name in names if weights or name != WEIGHTS]


def _files_beside_runs(store: Store) -> list[str]:
    patterns = ("failed/*.json", "studies/*.json", "untrained-*.json", "plugins/*/*.py")
    paths = [path for pattern in patterns for path in store.folder.glob(pattern)]
    return sorted(
        name for name in (path.relative_to(store.folder).as_posix() for path in paths) if _is_of_a_store(name)
    )


def _index(filesystem: Any, root: str) -> dict[str, Any] | None:
    path = f"{root}/index.json"
    try:
        with filesystem.open(path, "rb") as file:
            content = file.read(LARGEST_INDEX + 1)
    except FileNotFoundError:
        return None
    if len(content) > LARGEST_INDEX:
        raise DistaffError(f"{path} has more than {LARGEST_INDEX:,} bytes: it is no index of a store")
    try:
        index = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DistaffError(f"{path} is not an index that `distaff store push` wrote: {error}") from error
    if not isinstance(index, dict) or not isinstance(index.get("parts"), dict):
        raise DistaffError(f"{path} is not an index that `distaff store push` wrote: it lists no parts")
    refuse_newer(index, path)
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
