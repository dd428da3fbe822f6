"""Members of tar archives, read in passing: nothing is written, nothing points out, and no size is taken on trust."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from distaff.errors import DistaffError
from distaff.untrusted.bounds import size_text
from distaff.untrusted.names import points_out
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import open_regular

Stream: TypeAlias = "IO[bytes] | gzip.GzipFile"
RECORD = 512  # bytes of a header, and what sizes are rounded up to
LONGEST_NAME = 2**16  # bytes of an extended header
PIECE = 2**20  # bytes that are passed over at once
LARGEST_MEMBER = 2**28
LARGEST_ARCHIVE = 2**36  # bytes of all members, unpacked
EXTENDED = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME}


def gzipped_members(
    path: Path, keep: Callable[[PurePosixPath], bool], largest: int = LARGEST_MEMBER
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The files of a gzipped tar archive that `keep` selects by name, in its order.

    Raises `DistaffError` for a damaged archive, a member that is a link or a device or points out of the archive's
    folder, or one that is larger than `largest`.
    """
    with reading(path), open_regular(path) as packed, gzip.open(packed) as file:
        yield from tar_members(file, str(path), keep, largest)
        while file.read(PIECE):  # to its end, where the checksum of the whole stands
            pass


def tar_members(
    file: Stream, name: str, keep: Callable[[PurePosixPath], bool], largest: int = LARGEST_MEMBER
) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The same of a tar archive that is not compressed, from its bytes."""
    seen, longer = 0, b""
    while (header := file.read(RECORD)).strip(b"\0"):
        member = _header(header, name)
        seen += RECORD + member.size
        if member.size < 0 or seen > LARGEST_ARCHIVE:
            raise DistaffError(f"{name} unpacks to more than {size_text(LARGEST_ARCHIVE)}, or announces less than none")
        if member.type in EXTENDED:
            longer = _long_name(file, member, name) or longer
            continue
        path = PurePosixPath(longer.decode("utf-8", errors="replace") if longer else member.name)
        longer = b""
        if points_out(str(path)) or not (member.isreg() or member.isdir()):
            raise DistaffError(f"{name} holds {str(path)[:200]!r}, which points out of it or is no file")
        if member.isreg() and keep(path):
            if member.size > largest:
                raise DistaffError(f"{name} holds {path} of {size_text(member.size)}; at most {size_text(largest)} fit")
            yield path, _content(file, member.size, name)
        else:
            _pass_over(file, member.size, name)


def _header(header: bytes, name: str) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(header, "utf-8", "replace")
    except tarfile.HeaderError as error:
        raise DistaffError(f"{name} is damaged or cut short: {error}") from error


def _long_name(file: Stream, member: tarfile.TarInfo, name: str) -> bytes:
    """The name that an extended header gives to the next member, if it gives one."""
    if member.size > LONGEST_NAME:
        raise DistaffError(f"{name} has a header of {size_text(member.size)}, which is no name of a file")
    content = _content(file, member.size, name)
    if member.type == tarfile.GNUTYPE_LONGNAME:
        return content.rstrip(b"\0")
    paths = [line.partition(b" path=")[2] for line in content.split(b"\n") if b" path=" in line[:20]]
    if any(b" size=" in line[:20] for line in content.split(b"\n")):
        raise DistaffError(f"{name} has members beyond 8 GB, which are not read")
    return paths[-1] if paths else b""


def _content(file: Stream, size: int, name: str) -> bytes:
    content = file.read(size)
    if len(content) != size:
        raise DistaffError(f"{name} is damaged or cut short: it ends in a member")
    _pass_over(file, -size % RECORD, name, padded=False)
    return content


def _pass_over(file: Stream, size: int, name: str, padded: bool = True) -> None:
    left = size + (-size % RECORD if padded else 0)
    while left:
        piece = len(file.read(min(left, PIECE)))
        if not piece:
            raise DistaffError(f"{name} is damaged or cut short: it ends in a member")
        left -= piece
