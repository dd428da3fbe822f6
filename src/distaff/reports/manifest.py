"""Which report stands in a folder: what it was made from, and every file that it wrote, so that it is made once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from distaff.reports.pages import page

MADE = "made.json"


def unchanged(folder: Path, origin: Mapping[str, Any]) -> bool:
    """Whether `folder` holds the report that was made from `origin`, every file as it was written."""
    files, made_from = _told(folder)
    return made_from == origin and all(_digest(folder / name) == known for name, known in files.items())


@contextmanager
def replacing(folder: Path, origin: Mapping[str, Any]) -> Iterator[Path]:
    """A folder to write the report of `origin` to, whose files take the place of those of the report in `folder`.

    Files that only the earlier report wrote are removed if they are as it wrote them; no other file is touched. After
    an error or an interrupt the earlier report stands as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before, _ = _told(folder)
    with TemporaryDirectory(prefix=".making-", dir=folder) as name:
        aside = Path(name)
        yield aside
        now = {path.relative_to(aside).as_posix(): _digest(path) for path in aside.rglob("*") if path.is_file()}
        _tell(folder, {**before, **now}, None)  # killed from here on, it is made again and knows what it wrote
        for file in sorted(now, key=lambda file: (file.endswith(".html"), file)):  # pages last: what they need is there
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (aside / file).replace(folder / file)
    for file in before.keys() - now.keys():
        if _digest(folder / file) == before[file]:
            (folder / file).unlink()
    _tell(folder, now, origin)


def _tell(folder: Path, files: Mapping[str, str | None], origin: Mapping[str, Any] | None) -> None:
    told = {"from": origin, "files": dict(sorted(files.items()))}
    page.write(folder / MADE, json.dumps(told, indent=1) + "\n")


def _told(folder: Path) -> tuple[dict[str, str], Any]:
    """The files of the report in `folder` with their SHA-256, and its origin; nothing where the record is no such."""
    try:
        told = json.loads((folder / MADE).read_bytes())
        return {name: str(known) for name, known in told["files"].items() if _inside(name)}, told["from"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}, None


def _inside(name: str) -> bool:
    path = PurePosixPath(name)  # a record that came from elsewhere must not name files outside its folder
    return not path.is_absolute() and ".." not in path.parts


def _digest(path: Path) -> str | None:
    """SHA-256 of a file, None where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
