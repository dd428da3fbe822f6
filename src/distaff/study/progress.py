"""How far packs have come, in small files beside their checkpoints: for the display alone."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from distaff.atomic import write


def write_progress(path: Path, record: dict[str, Any]) -> None:
    """Record how far a pack has come: lost without harm, so it is not forced to the disk, nor waited for."""
    with contextlib.suppress(OSError):  # training goes on, and its checkpoint reports what is wrong with the place
        write(path, json.dumps(record).encode(), fsync=False, wait=False)


def read_progress(path: Path) -> dict[str, Any]:
    """The record that `write_progress` wrote, or an empty one."""
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):  # not begun, finished this moment, or damaged: it only serves the display
        return {}
    return record
