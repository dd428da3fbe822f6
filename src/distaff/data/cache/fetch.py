"""Fetching a published set: its files from their host, a mirror or a folder, then the one conversion."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from distaff.atomic import write
from distaff.data import load, published
from distaff.data.cache.built import built_folder, cache_folder, locked
from distaff.data.cache.download import download, mismatch, wrong_checksum
from distaff.data.cache.published import File, Published, open_cached
from distaff.errors import DistaffError
from distaff.plugins.registry import DATASETS

RECORDED = "checksums.json"  # of files without a published one, computed at the first download


def fetch(name: str, source: str | None = None, *, unchecked: bool = False, log: Callable[[str], None] = print) -> Path:
    """Bring the data set `name` into the cache and log its licence; returns the folder of the converted images.

    `source` is a URL (of the file, or of a folder of the files) or a path (likewise) to use instead of the authors'
    host; `unchecked` accepts files of another checksum than the published one. Downloads are deleted once they are
    converted; files of your own are left. Raises `DistaffError` if the set is not a published one, if a file cannot
    be obtained, or if its checksum or content is wrong.
    """
    name = DATASETS.parse(name).name
    release = published(name)
    if release is None:
        raise DistaffError(f"{name} is drawn here or made of files of your own: it is not fetched")
    folder, text = built_folder(release.cached_name), f"{name}({release.parameter})" if release.parameter else name
    if folder.exists():
        array = load(text).cached
        assert array is not None
        open_cached(array, cache_folder(), name)  # raises if it is damaged
        log(f"{name} is in the cache already: {folder}")
    else:
        log(f"{name}: {len(load(name)):,} images; licence: {release.licence}")
        if source is None or source.startswith(("http://", "https://")):
            _from_the_net(name, release, source, unchecked, log)
        else:
            paths = _local_files(release, Path(source).expanduser(), unchecked, log)
            release.convert(paths)
            _record_checksums(release.files, paths, log)
        log(f"converted: {folder}")
    if release.report is not None:
        log(release.report())
    if text != name:
        log(f"{text} uses these images; {name} still draws its own")
    return folder


def _from_the_net(
    name: str, release: Published, mirror: str | None, unchecked: bool, log: Callable[[str], None]
) -> None:
    folder, files = cache_folder() / "downloads" / name, _requested(release, mirror)
    with _writable(folder), locked(folder):  # two at once would write one file
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for file in files:
            expected = file._replace(checksum=None) if unchecked else _with_recorded_checksum(file)
            paths[file.name] = download(expected, _url(release, file, mirror), folder)
        try:
            release.convert(paths)
        except DistaffError:
            if unchecked or any(file.checksum is None for file in files):
                shutil.rmtree(folder)  # what may be the wrong file must not be reused
            raise
        _record_checksums(files, paths, log)
        shutil.rmtree(folder)


def _requested(release: Published, mirror: str | None) -> tuple[File, ...]:
    """The files to download: the authors', or the one of another form that `mirror` names."""
    others = [file for file in release.alternatives if mirror is not None and _is_url_of(mirror, file)]
    return (others[0],) if others else release.files


def _url(release: Published, file: File, mirror: str | None) -> str:
    if mirror is None:
        return file.url
    return mirror if len(release.files) == 1 and _is_url_of(mirror, file) else f"{mirror.rstrip('/')}/{file.name}"


def _is_url_of(mirror: str, file: File) -> bool:
    """Whether the URL is of a file of this form, and not of a folder."""
    return mirror.partition("?")[0].endswith(Path(file.name).suffix)


def _local_files(release: Published, place: Path, unchecked: bool, log: Callable[[str], None]) -> dict[str, Path]:
    """The files at `place`: a folder that holds them, or the file itself where there is one."""
    paths = {}
    for file in release.files:
        forms = (file, *release.alternatives)
        names = [file.name, file.name.removesuffix(".gz"), *(other.name for other in release.alternatives)]
        present = [place / name for name in names if (place / name).is_file()]
        if place.is_file() and len(release.files) == 1:
            present = [place]
        if not present:
            raise DistaffError(f"{place} lacks {' or '.join(dict.fromkeys(names))}")
        paths[file.name] = path = present[0]
        # by its suffix: the file may have been renamed
        form = [_with_recorded_checksum(form) for form in forms if Path(form.name).suffix == path.suffix]
        if unchecked:
            continue
        if not form:
            log(f"{path.name}: no checksum is published of this form; only its content is checked")
        elif wrong := mismatch(form[0], path):
            raise DistaffError(wrong_checksum(form[0], wrong, path))
    log(f"from {', '.join(str(path) for path in paths.values())}")
    return paths


def _with_recorded_checksum(file: File) -> File:
    """The file with the checksum that was recorded the first time, if none is published."""
    recorded = _recorded_checksums().get(file.name)
    if file.checksum is not None or not recorded:
        return file
    return file._replace(checksum=recorded, origin="recorded")


def _record_checksums(files: tuple[File, ...], paths: dict[str, Path], log: Callable[[str], None]) -> None:
    """Record the checksums that are not published, the first time."""
    for file in files:
        if file.checksum is None and file.name not in _recorded_checksums():
            log(f"no checksum of {file.name} is published: {_record_checksum(file, paths[file.name])} is recorded")


def _recorded_checksums() -> dict[str, str]:
    path = cache_folder() / RECORDED
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except ValueError as error:
        raise DistaffError(f"{path} is damaged ({error}): delete it, and checksums are recorded again") from error


def _record_checksum(file: File, path: Path) -> str:
    import pooch

    checksum = f"sha256:{pooch.file_hash(str(path))}"
    place = cache_folder() / RECORDED
    write(place, json.dumps(_recorded_checksums() | {file.name: checksum}, indent=1).encode())
    return checksum


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DistaffError(f"{folder} cannot be written ({error.strerror}): free space or set DISTAFF_DATA") from error
