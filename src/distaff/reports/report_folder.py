"""The folder of a report: a record of what it was made from and of its files, and its replacement as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from distaff.errors import DistaffError
from distaff.reports.pages import page
from distaff.untrusted.documents import LARGEST, parse_json
from distaff.untrusted.names import points_out
from distaff.untrusted.regular import open_regular, read_bytes

RECORD_FILE = "made.json"


def unchanged(folder: Path, origin: Mapping[str, Any]) -> bool:
    """Whether `folder` holds the report that was made from `origin`, every file as it was written."""
    files, made_from = _read_record(folder)
    return made_from == origin and all(_digest(folder / name) == known for name, known in files.items())


@contextmanager
def replacing(folder: Path, origin: Mapping[str, Any]) -> Iterator[Path]:
    """A folder to write the report of `origin` to, whose files replace those of the report in `folder`.

    Files that only the earlier report wrote are removed if they are as it wrote them; no other file is touched. After
    an error or an interrupt the earlier report stands as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before, _ = _read_record(folder)
    with TemporaryDirectory(prefix=".making-", dir=folder) as name:
        new = Path(name)
        yield new
        written = {path.relative_to(new).as_posix(): _digest(path) for path in new.rglob("*") if path.is_file()}
        _write_record(
            folder, {**before, **written}, None
        )  # killed from here on, it is made again, with every file on record
        for file in sorted(
            written, key=lambda file: (file.endswith(".html"), file)
        ):  # pages last: after the files that they need
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (new / file).replace(folder / file)
    for file in before.keys() - written.keys():
        if _digest(folder / file) == before[file]:
            (folder / file).unlink()
    _write_record(folder, written, origin)


def _write_record(folder: Path, files: Mapping[str, str | None], origin: Mapping[str, Any] | None) -> None:
    record = {"from": origin, "files": dict(sorted(files.items()))}
    page.write_file(folder / RECORD_FILE, json.dumps(record, indent=1) + "\n")


def _read_record(folder: Path) -> tuple[dict[str, str], Any]:
    """The files of the report in `folder` with their SHA-256, and its origin; nothing without a valid record."""
    try:
        record = parse_json(read_bytes(folder / RECORD_FILE, LARGEST))
        return {name: str(digest) for name, digest in record["files"].items() if not points_out(name)}, record["from"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}, None


def _digest(path: Path) -> str | None:
    """SHA-256 of a file, None where there is none."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, DistaffError):
        return None
