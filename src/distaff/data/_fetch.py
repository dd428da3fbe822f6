"""Fetching a published set: its files from their host, a mirror or a folder, then the one conversion."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from distaff.data import load, published
from distaff.data._download import download, mismatch
from distaff.data._files import alone, built_folder, cache_folder
from distaff.data._published import File, Published
from distaff.errors import DistaffError

RECORDED = "checksums.json"  # of files of which nobody has published one, as they were at the first download


def fetch(name: str, given: str | None = None, *, unchecked: bool = False, tell: Callable[[str], None] = print) -> Path:
    """Bring the data set `name` into the cache and say its terms; the folder of the converted images comes back.

    `given` is a URL (of the file, or of a folder of the files) or a path (likewise) to take instead of the authors'
    host; `unchecked` takes files of another checksum than the published one. Downloads are deleted once they are
    converted; files of your own are left. Raises `DistaffError` if the set is none that is published, if a file cannot
    be had, or if it is not what it should be.
    """
    how = published(name)
    if how is None:
        raise DistaffError(f"{name} is no published set, there is nothing to fetch")
    folder = built_folder(how.kept)
    if folder.exists():
        tell(f"{name} is here already: {folder}")
    else:
        tell(f"{name}: {len(load(name)):,} images; licence: {how.terms}")
        if given is None or given.startswith(("http://", "https://")):
            _from_the_net(name, how, given, unchecked, tell)
        else:
            how.convert(_found(how, Path(given).expanduser(), unchecked, tell))
        tell(f"converted: {folder}")
    if how.report is not None:
        tell(how.report())
    return folder


def _from_the_net(name: str, how: Published, mirror: str | None, unchecked: bool, tell: Callable[[str], None]) -> None:
    folder = cache_folder() / "downloads" / name
    with _writable(folder), alone(folder):  # two at once would write one file
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for file in how.files:
            known = file._replace(checksum=None if unchecked else file.checksum or _recorded().get(file.name))
            paths[file.name] = download(known, _url(how, file, mirror), folder)
        try:
            how.convert(paths)
        except DistaffError:
            if unchecked or any(file.checksum is None for file in how.files):
                shutil.rmtree(folder)  # what may be the wrong file is not to be found again
            raise
        for file in how.files:
            if file.checksum is None and file.name not in _recorded():
                tell(f"nobody has published a checksum of {file.name}: {_record(file, paths[file.name])} is recorded")
        shutil.rmtree(folder)


def _url(how: Published, file: File, mirror: str | None) -> str:
    if mirror is None:
        return file.url
    whole = len(how.files) == 1 and mirror.split("?")[0].endswith(Path(file.name).suffix)
    return mirror if whole else f"{mirror.rstrip('/')}/{file.name}"


def _found(how: Published, place: Path, unchecked: bool, tell: Callable[[str], None]) -> dict[str, Path]:
    """The files at `place`: a folder that holds them, or the file itself where there is one."""
    paths = {}
    for file in how.files:
        names = [file.name, file.name.removesuffix(".gz"), *(other.name for other in how.instead)]
        held = [place / name for name in names if (place / name).is_file()]
        if place.is_file() and len(how.files) == 1:
            held = [place]
        if not held:
            raise DistaffError(f"{place} does not hold {' or '.join(dict.fromkeys(names))}")
        paths[file.name] = held[0]
        for known in (file, *how.instead):
            if not unchecked and known.name == held[0].name and (wrong := mismatch(known, held[0])):
                raise DistaffError(
                    f"{held[0]} has the checksum {wrong}, not the published {known.checksum}: "
                    "it is another file (--unchecked takes it all the same)"
                )
    tell(f"from {', '.join(str(path) for path in paths.values())}")
    return paths


def _recorded() -> dict[str, str]:
    path = cache_folder() / RECORDED
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _record(file: File, path: Path) -> str:
    import pooch

    checksum = f"sha256:{pooch.file_hash(str(path))}"
    place = cache_folder() / RECORDED
    aside = place.with_name(f".{RECORDED}.{os.getpid()}")
    aside.write_text(json.dumps(_recorded() | {file.name: checksum}, indent=1), encoding="utf-8")
    aside.replace(place)
    return checksum


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DistaffError(f"{folder} cannot be written ({error.strerror}): make room or set DISTAFF_DATA") from error
