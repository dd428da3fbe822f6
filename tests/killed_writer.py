"""A process that writes a file over and over and is killed in the middle of one, aside or in the rename.

    python killed_writer.py PATH WHERE

WHERE is what it dies at: half (half of the content is written), fsync, replace, or never.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

from distaff import atomic

NEW = b"new" * 100_000


def die(*_: Any, **__: Any) -> None:
    """As a kill from outside: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def halved(file: BinaryIO) -> None:
    file.write(NEW[: len(NEW) // 2])
    file.flush()
    die()


if __name__ == "__main__":
    path, where = Path(sys.argv[1]), sys.argv[2]
    if where == "fsync":
        os.fsync = die
    elif where == "replace":
        Path.replace = die  # type: ignore[assignment]
    atomic.write(path, halved if where == "half" else NEW)
