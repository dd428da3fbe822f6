"""Regular files only: a FIFO, a device, a socket or a folder in place of a file is one line and never a wait."""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

from distaff.errors import DistaffError
from distaff.untrusted.bounds import size_text
from distaff.weather import retrying

LARGEST = 2**32  # bytes that are read at once into memory
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a file for reading, if it is a regular one; with `follow=False` a link is refused, wherever it leads.

    Opening does not wait for a writer, as a named pipe would have it. Raises `DistaffError` for what is not a regular
    file, and `OSError` where it is missing or cannot be read.
    """
    if not follow and Path(path).is_symlink():
        raise DistaffError(f"{path} is a link, and not a file of its own")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    flags |= 0 if follow else getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags)
    except ValueError as error:  # a name with a null character
        raise DistaffError(f"{str(path)!r} cannot be the name of a file: {error}") from error
    except OSError as error:
        if not Path(path).exists() or Path(path).is_file():
            raise
        raise _not_regular(path, Path(path).stat().st_mode) from error  # a socket cannot be opened at all
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise _not_regular(path, mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def check_regular(path: Path) -> int:
    """The size of a regular file, for libraries that open a path themselves; raises as `open_regular` does."""
    with open_regular(path) as file:
        return os.fstat(file.fileno()).st_size


def read_bytes(path: Path, limit: int = LARGEST, *, follow: bool = True) -> bytes:
    """The content of a regular file of at most `limit` bytes; raises as `open_regular` does.

    It is read again where a passing fault of the place is in the way.
    """
    return retrying(lambda: _read_once(path, limit, follow))


def _read_once(path: Path, limit: int, follow: bool) -> bytes:
    with open_regular(path, follow=follow) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise DistaffError(f"{path} has {size_text(size)}; a file of its kind has at most {size_text(limit)}")
        content = file.read(limit + 1)  # it may grow meanwhile, and files of /proc announce no size
    if len(content) > limit:
        raise DistaffError(f"{path} has more than {size_text(limit)}, the most of a file of its kind")
    return content


def _not_regular(path: Path, mode: int) -> DistaffError:
    return DistaffError(f"{path} is {KINDS.get(stat.S_IFMT(mode), 'no file')}, where a regular file is needed")
