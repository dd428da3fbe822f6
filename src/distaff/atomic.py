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

from distaff.weather import retrying

Content: TypeAlias = bytes | tuple[bytes | memoryview, ...] | Callable[[BinaryIO], object]

ASIDE = re.compile(r"\..+\.\d+-[0-9a-f]{8}")  # what a file or a folder is called until it is whole


def write(path: Path, content: Content, *, fsync: bool = True, wait: bool = True) -> Path:
    """Write a file whole, making its folder: bytes, parts in a row, or what a function writes; `path` comes back.

    If anything is raised, what stood at `path` stays and nothing is left aside; bytes are written anew while a fault
    passes, since what a disk failed to take once it may have dropped. Without `fsync` the file is not forced
    to the disk: after a power cut it may be empty, which is for what is made anew in a moment. Without `wait` a passing
    fault is raised at once.
    """
    path = Path(path)
    if callable(content):  # it may not bear to be called twice: what it reads from may be spent
        _write(path, content, fsync, wait)
    else:
        retrying(lambda: _write(path, content, fsync, wait), None if wait else ())
    if fsync:
        sync_folder(path.parent)
    return path


def _write(path: Path, content: Content, fsync: bool, wait: bool) -> None:
    between = None if wait else ()
    retrying(lambda: _make(path.parent, fsync), between)
    aside, file = retrying(lambda: _aside(path), between)
    with file:  # closed, and so unlocked, only when the file aside is gone
        try:
            if callable(content):
                content(file)
            else:
                file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            if fsync:
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):  # what was wrong first is what is raised
                aside.unlink(missing_ok=True)
            raise


def publish_folder(aside: Path, folder: Path) -> None:
    """Let a folder that was filled aside, in the same folder as `folder`, appear under that name."""
    retrying(lambda: _rename(aside, folder))
    sync_folder(folder.parent)


def _rename(aside: Path, folder: Path) -> None:
    try:
        aside.rename(folder)
    except FileNotFoundError:  # the try before was carried out by a server whose reply was lost
        if not folder.is_dir():
            raise


def sync_folder(folder: Path) -> None:
    """Force the names in `folder` to the disk, so that a rename outlives a power cut."""
    if os.name == "posix":
        retrying(lambda: _sync(folder))


def _sync(folder: Path) -> None:
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
            with file:
                if os.fstat(file.fileno()).st_size == 0:  # nobody writes into it here
                    aside.unlink(missing_ok=True)
            aside = path.with_name(f".{path.name}.{process_token()}")
            return aside, aside.open("w+b")
        with contextlib.ExitStack() as closing:
            closing.push(file)
            if locked and _stands_at(file, aside):
                file.truncate()
                closing.pop_all()
                return aside, file
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
