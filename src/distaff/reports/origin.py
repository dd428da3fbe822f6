"""What a report is made from, as hashes: a report is made again only where one of them differs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from distaff.plugins.kinds import PACKAGE
from distaff.plugins.places import places
from distaff.plugins.spec import content_id
from distaff.untrusted.regular import read_bytes

if TYPE_CHECKING:
    from distaff.runs import Study
    from distaff.store.store import Store

LIBRARIES = ("polars", "altair", "vl-convert-python")  # another version may draw another chart
PICTURES = ("picture-*.png", "*.gif")  # of a run, in its folder
CODE = (".py", ".js", ".css", ".html")


def origin(study: Study, store: Store, command: str, formats: Iterable[str]) -> dict[str, str]:
    """What decides the content of a report: the study, its results and pictures in the store, and the code."""
    protocol = [study.metrics, study.rows, study.test_rows, study.grid_rows, study.sampling]
    fields = [study.name, study.purpose, [run.id for run in study.runs], protocol, command, sorted(formats)]
    return {"study": content_id(fields), "code": _code(), **files_of(study, store)}


def files_of(study: Study, store: Store) -> dict[str, str]:
    """The results and the pictures of a study in a store, by names and sizes: files of runs are never edited."""
    from distaff.store.files import digest

    results: list[tuple[str, str, int]] = []
    pictures: list[tuple[str, str, int]] = []
    for run in study.runs:
        folder = store.run_folder(run.id)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name) if folder.is_dir() else []
        for entry in entries:
            if not entry.name.startswith("."):  # a file that is being written
                is_picture = any(fnmatch(entry.name, pattern) for pattern in PICTURES)
                (pictures if is_picture else results).append((run.id, entry.name, entry.stat().st_size))
    failed = [(path.name, digest(read_bytes(path))) for path in sorted((store.folder / "failed").glob("[!.]*.json"))]
    return {"results": content_id([results, failed]), "pictures": content_id(pictures)}


def _code() -> str:
    """All files of the package and of the user's plug-ins, and the versions of the libraries that draw."""
    digest = hashlib.sha256(repr([*map(_version, LIBRARIES)]).encode())
    for folder in (PACKAGE, *(place.path for place in places() if not place.wrong)):
        for path in sorted(path for path in [folder, *folder.rglob("*")] if path.suffix in CODE and path.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
