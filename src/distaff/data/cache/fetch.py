"""Fetching a published set: its files from their host, a mirror or a folder, then the one conversion."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from distaff.data import load, published
from distaff.data.cache.built import alone, built_folder, cache_folder
from distaff.data.cache.download import another, download, mismatch
from distaff.data.cache.published import File, Published, opened
from distaff.errors import DistaffError
from distaff.plugins.registry import DATASETS

RECORDED = "checksums.json"  # of files of which nobody has published one, as they were at the first download


def fetch(name: str, given: str | None = None, *, unchecked: bool = False, tell: Callable[[str], None] = print) -> Path:
    """Bring the data set `name` into the cache and say its terms; the folder of the converted images comes back.

    `given` is a URL (of the file, or of a folder of the files) or a path (likewise) to take instead of the authors'
    host; `unchecked` takes files of another checksum than the published one. Downloads are deleted once they are
    converted; files of your own are left. Raises `DistaffError` if the set is none that is published, if a file cannot
    be had, or if it is not what it should be.
    """
    name = DATASETS.parse(name).name
    how = published(name)
    if how is None:
        raise DistaffError(f"{name} is drawn here or made of files of yours: there is nothing to fetch")
    folder, taken = built_folder(how.kept), f"{name}({how.taken})" if how.taken else name
    if folder.exists():
        kept = load(taken).kept
        assert kept is not None
        opened(kept, cache_folder(), name)  # or it is damaged, which is said
        tell(f"{name} is here already: {folder}")
    else:
        tell(f"{name}: {len(load(name)):,} images; licence: {how.terms}")
        if given is None or given.startswith(("http://", "https://")):
            _from_the_net(name, how, given, unchecked, tell)
        else:
            paths = _found(how, Path(given).expanduser(), unchecked, tell)
            how.convert(paths)
            _remember(how.files, paths, tell)
        tell(f"converted: {folder}")
    if how.report is not None:
        tell(how.report())
    if taken != name:
        tell(f"{taken} takes these images; {name} goes on drawing its own")
    return folder


def _from_the_net(name: str, how: Published, mirror: str | None, unchecked: bool, tell: Callable[[str], None]) -> None:
    folder, files = cache_folder() / "downloads" / name, _asked(how, mirror)
    with _writable(folder), alone(folder):  # two at once would write one file
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for file in files:
            known = file._replace(checksum=None) if unchecked else _known(file)
            paths[file.name] = download(known, _url(how, file, mirror), folder)
        try:
            how.convert(paths)
        except DistaffError:
            if unchecked or any(file.checksum is None for file in files):
                shutil.rmtree(folder)  # what may be the wrong file is not to be found again
            raise
        _remember(files, paths, tell)
        shutil.rmtree(folder)


def _asked(how: Published, mirror: str | None) -> tuple[File, ...]:
    """The files to download: the authors', or the one of another form that `mirror` names."""
    others = [file for file in how.instead if mirror is not None and _names(mirror, file)]
    return (others[0],) if others else how.files


def _url(how: Published, file: File, mirror: str | None) -> str:
    if mirror is None:
        return file.url
    return mirror if len(how.files) == 1 and _names(mirror, file) else f"{mirror.rstrip('/')}/{file.name}"


def _names(mirror: str, file: File) -> bool:
    """Whether the URL is of a file of this form, and not of a folder."""
    return mirror.partition("?")[0].endswith(Path(file.name).suffix)


def _found(how: Published, place: Path, unchecked: bool, tell: Callable[[str], None]) -> dict[str, Path]:
    """The files at `place`: a folder that holds them, or the file itself where there is one."""
    paths = {}
    for file in how.files:
        forms = (file, *how.instead)
        names = [file.name, file.name.removesuffix(".gz"), *(other.name for other in how.instead)]
        held = [place / name for name in names if (place / name).is_file()]
        if place.is_file() and len(how.files) == 1:
            held = [place]
        if not held:
            raise DistaffError(f"{place} does not hold {' or '.join(dict.fromkeys(names))}")
        paths[file.name] = path = held[0]
        form = [_known(form) for form in forms if Path(form.name).suffix == path.suffix]  # whatever it is called now
        if unchecked:
            continue
        if not form:
            tell(f"{path.name}: of this form no checksum is published; only what it holds is checked")
        elif wrong := mismatch(form[0], path):
            raise DistaffError(another(form[0], wrong, path))
    tell(f"from {', '.join(str(path) for path in paths.values())}")
    return paths


def _known(file: File) -> File:
    """The file with the checksum that it had the first time, if nobody has published one."""
    own = _recorded().get(file.name)
    return file._replace(checksum=own, origin="recorded") if file.checksum is None and own else file


def _remember(files: tuple[File, ...], paths: dict[str, Path], tell: Callable[[str], None]) -> None:
    """Record the checksums that nobody has published, the first time."""
    for file in files:
        if file.checksum is None and file.name not in _recorded():
            tell(f"nobody has published a checksum of {file.name}: {_record(file, paths[file.name])} is recorded")


def _recorded() -> dict[str, str]:
    path = cache_folder() / RECORDED
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except ValueError as error:
        raise DistaffError(f"{path} is damaged ({error}): delete it, and checksums are recorded anew") from error


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
