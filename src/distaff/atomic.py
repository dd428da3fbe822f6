"""Files that appear whole or not at all: written aside in their folder, forced to the disk, then renamed.

Whoever reads a name finds what stood there before or what was written, whole, wherever a process was killed or a disk
was full. A file aside is locked while it is written, and the system frees the lock when its holder ends, however it
ends: so the next writer of the name uses what a killed one left again, and writers at the same time take another.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeAlias

Content: TypeAlias = bytes | Callable[[BinaryIO], object]

ASIDE = re.compile(r"\..+\.\d+-[0-9a-f]{8}")  # what a file or a folder is called until it is whole


def write(path: Path, content: Content, *, fsync: bool = True) -> Path:
    """Write a file whole, making its folder: bytes, or what a function writes into the open file; `path` comes back.

    If anything is raised, what stood at `path` stays and nothing is left aside. Without `fsync` the file is not forced
    to the disk: after a power cut it may be empty, which is for what is made anew in a moment.
    """
    path = Path(path)
    _make(path.parent, fsync)
    aside, file = _aside(path)
    with file:  # closed, and so unlocked, only when the file aside is gone
        try:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            if fsync:
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):  # what was wrong first is what is raised
                aside.unlink(missing_ok=True)
            raise
    if fsync:
        sync_folder(path.parent)
    return path


def publish_folder(aside: Path, folder: Path) -> None:
    """Let a folder that was filled aside, in the same folder as `folder`, appear under that name."""
    aside.rename(folder)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in `folder` to the disk, so that a rename outlives a power cut."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def process_token() -> str:
    """Names this process among all that may share a folder, on this machine and on others."""
    return _token(os.getpid())


@functools.lru_cache(maxsize=1)
def _token(pid: int) -> str:
    return f"{pid}-{uuid.uuid4().hex[:8]}"


def _make(folder: Path, fsync: bool) -> None:
    """Make a folder and those above it, each of which is a name in the one above."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        if fsync:
            sync_folder(one.parent)


def _aside(path: Path) -> tuple[Path, BinaryIO]:
    """A file beside `path` that is this writer's alone, empty and open: the first of .NAME.0-HOST, .NAME.1-HOST, ...

    The names carry the machine, because on some shared disks a lock is known to one machine alone.
    """
    number = 0
    while True:
        aside = path.with_name(f".{path.name}.{number}-{_host()}")
        file = os.fdopen(os.open(aside, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            locked = try_lock(file)
        except OSError:  # a disk without locks: a name that nobody else has
            if os.fstat(file.fileno()).st_size == 0:  # nobody writes into it here
                aside.unlink(missing_ok=True)
            file.close()
            aside = path.with_name(f".{path.name}.{process_token()}")
            return aside, aside.open("w+b")
        if locked and _stands_at(file, aside):
            file.truncate()
            return aside, file
        file.close()
        number += not locked  # another is at it; or else its file was renamed meanwhile, and the name is free


def try_lock(file: BinaryIO) -> bool:
    """Lock an open file, unless another holds it; raises `OSError` where there are no locks."""
    try:
        import fcntl
    except ImportError as error:
        raise OSError("this system has no flock") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _stands_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


@functools.cache
def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]
