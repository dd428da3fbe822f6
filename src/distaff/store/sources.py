"""What runs were made of beside the package: the texts of one's own plug-ins, and files of one's own data.

Ids hash names, parameters and versions, not texts. So the text of a plug-in and the content of data files are recorded
beside each result; `changes` says where they are no longer the same.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from distaff.atomic import write
from distaff.plugins.recorded import recorded
from distaff.plugins.registry import DATASETS, registry_of
from distaff.plugins.source import Source, imported_source, is_packaged
from distaff.plugins.spec import Spec
from distaff.seal import digest
from distaff.weather import is_there

FOLDER = "plugins"  # of a store: the files of plug-ins that are not the package's, by kind


class DataFile(NamedTuple):
    """A file of one's own data, or a folder of them, as it was: its checksum, its size and when it was changed."""

    sha256: str
    bytes: int
    modified: int


def sources(specs: Iterable[Spec]) -> dict[str, Any]:
    """What is recorded of the texts of plug-ins that are not the package's, and of the data files that specs name."""
    specs = list(specs)
    texts = {f"{spec.kind} {spec.name}": found[0].sha256 for spec in specs if (found := _imported(spec))}
    files: dict[str, dict[str, Any]] = {}
    for path in (path for spec in specs for path in data_files(spec)):
        with contextlib.suppress(FileNotFoundError):  # moved away since it was trained on
            files[str(path)] = _data_file(path)._asdict()
    return {key: value for key, value in (("plugins", texts), ("data", files)) if value}


def keep_plugins(folder: Path, specs: Iterable[Spec]) -> None:
    """Copy the files of plug-ins that are not the package's into the store `folder`, named by their checksums."""
    for spec in specs:
        if found := _imported(spec):
            source, content = found
            path = kept_at(folder, spec, source.sha256)
            if not is_there(path):
                write(path, content)


def kept_at(folder: Path, spec: Spec, sha256: str) -> Path:
    """Where a store keeps the text of a plug-in."""
    return folder / FOLDER / registry_of(spec).plural / f"{spec.name}-{sha256[:16]}.py"


def _imported(spec: Spec) -> tuple[Source, bytes] | None:
    registry = registry_of(spec)
    return None if is_packaged(registry, spec.name) else imported_source(registry, spec.name)


def data_files(spec: Spec) -> list[Path]:
    """The files and folders that the parameters of a data set name, and those of a data set that it is made of."""
    if spec.kind != DATASETS.kind:
        return []
    found: list[Path] = []
    for text in _texts(value for _, value in spec.values):
        if text.partition("(")[0] in DATASETS.names():
            found += data_files(recorded(DATASETS.kind, text))
            continue
        candidates = (Path(part).expanduser() for part in (text, text.rpartition(":")[0]) if part)
        found += [path for path in candidates if path.is_file() or path.is_dir()][:1]
    return list(dict.fromkeys(found))


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, tuple):
            yield from _texts(value)
        elif isinstance(value, str) and value:
            yield value


def is_same(path: Path, known: Mapping[str, Any]) -> bool:
    """Whether a file has the recorded content: it is read only where its size or its time differ."""
    size, modified = _stamp(path)
    if (size, modified) == (known.get("bytes"), known.get("modified")):
        return True
    return size == known.get("bytes") and _digest(path, size, modified) == known.get("sha256")


def _data_file(path: Path) -> DataFile:
    size, modified = _stamp(path)
    return DataFile(_digest(path, size, modified), size, modified)


def _stamp(path: Path) -> tuple[int, int]:
    """The size and the time of the last change, of a file or of all files in a folder."""
    status = [one.stat() for one in _inside(path)]
    return sum(one.st_size for one in status), max((one.st_mtime_ns for one in status), default=0)


def _inside(path: Path) -> list[Path]:
    return sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]


@functools.lru_cache(maxsize=256)
def _digest(path: Path, size: int, modified: int) -> str:
    """SHA-256 of a file; of a folder, of the names in it with the checksums of their contents."""
    del size, modified  # part of the key: it is read again when it changes
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = [f"{one.relative_to(path).as_posix()} {_digest(one, *_stamp(one))}\n" for one in _inside(path)]
    return digest("".join(lines).encode())
