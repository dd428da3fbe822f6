"""Stacks: arrays in .npy, .npz and HDF5 files, read in runs of their first axis, so that none need fit in memory.

No object is ever unpickled: an array of objects is refused.
"""

from __future__ import annotations

import contextlib
import math
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.untrusted.bounds import NAMED, fits_memory, plausible, size_text
from distaff.untrusted.npy import Header, read_header
from distaff.untrusted.reading import one_line, reading
from distaff.untrusted.regular import open_regular

BLOCK = 32 * 2**20  # bytes that are read at once
LARGEST_ROW = 2**29  # bytes of one row of the first axis, and of a chunk of an HDF5 file
HDF5 = {".h5", ".hdf5", ".hdf"}
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # all that numpy writes


@dataclass(frozen=True)
class Stack:
    """One array of a file; `blocks()` reads it from its beginning, a run of rows of the first axis at a time."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    blocks: Callable[[], Iterator[NDArray[Any]]]

    def whole(self) -> NDArray[Any]:
        """All of it; raises `DistaffError` for more than half of this machine's memory."""
        fits_memory(self.name, math.prod(self.shape) * self.dtype.itemsize)
        return np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *self.blocks()])


def open_stack(path: Path, *members: str) -> Stack:
    """The array in the .npy file `path`, or that of the first of `members` that the .npz or HDF5 file holds.

    Raises `DistaffError` if the file is missing, damaged or none of these, or holds Python objects or no such member.
    """
    with reading(path):
        if (suffix := path.suffix.lower()) == ".npy":
            return _of_npy(path)
        if suffix == ".npz":
            return _of_npz(path, members)
        if suffix in HDF5:
            from distaff.untrusted.hdf5 import hdf5_stack

            return hdf5_stack(path, members)
    raise DistaffError(f"{path}: arrays are read from .npy, .npz, .h5 and .hdf5 files, factors from .csv files too")


def read_npz(path: Path, members: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Those of `members` that an .npz file holds, whole.

    Raises `DistaffError` if the file is missing, damaged or no .npz file, or holds Python objects, or if an array is
    more than half of this machine's memory.
    """
    arrays = {}
    no_npz = "cannot be read as an npz file without objects"
    with reading(path, no_npz), open_regular(path) as file, zipfile.ZipFile(file) as archive:
        present = set(archive.namelist())
        for member in members:
            if f"{member}.npy" in present:
                with _open_member(archive, member, _size(file), path) as (stream, header):
                    arrays[member] = _whole(stream, header, f"{path}:{member}")
    return arrays


def first_of(path: Path, members: Sequence[str], present: Sequence[str]) -> str:
    """The first of `members` that is `present`; raises `DistaffError` with what there is."""
    for member in members:
        if member in present:
            return member
    some = ", ".join([one_line(name, 80) for name in present[:NAMED]] + ["..."] * (len(present) > NAMED))
    raise DistaffError(f"{path} holds {some or 'nothing'}, where {' or '.join(members)} is required")


def row_bytes(name: str, shape: Sequence[int], dtype: np.dtype[Any]) -> int:
    """The bytes of a row of the first axis; raises `DistaffError` for what has no rows, or rows beyond all sense."""
    if not shape:
        raise DistaffError(f"{name} holds a single value, where an array is needed")
    size = math.prod(shape[1:]) * dtype.itemsize
    if size > LARGEST_ROW:
        raise DistaffError(
            f"{name} announces rows of {size_text(size)} each; at most {size_text(LARGEST_ROW)} are read"
        )
    return size


def blocks_of(file: IO[bytes], name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """The rows of an array from the bytes of `file`, a run at a time."""
    row = row_bytes(name, shape, dtype)
    if row == 0 or shape[0] == 0:
        yield np.empty(shape, dtype)
        return
    step = max(1, BLOCK // row)
    for start in range(0, shape[0], step):
        n = min(step, shape[0] - start)
        data = file.read(n * row)
        if len(data) != n * row:
            raise EOFError(f"it ends in row {start + len(data) // row} of {shape[0]}")
        yield np.frombuffer(data, dtype).reshape(n, *shape[1:])


def _of_npy(path: Path) -> Stack:
    with open_regular(path) as file:
        header = _in_order(read_header(file, path.name), path.name)
        _check_length(path.name, header, _size(file) - file.tell())
    row_bytes(path.name, header.shape, header.dtype)

    def blocks() -> Iterator[NDArray[Any]]:
        with reading(path), open_regular(path) as file:
            read_header(file, path.name)
            yield from blocks_of(file, path.name, header.shape, header.dtype)

    return Stack(path.name, header.shape, header.dtype, blocks)


def _of_npz(path: Path, members: tuple[str, ...]) -> Stack:
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        member = first_of(path, members, [name.removesuffix(".npy") for name in archive.namelist()])
        name = f"{path.name}:{member}"
        with _open_member(archive, member, _size(file), path) as (_, header):
            _in_order(header, name)
    row_bytes(name, header.shape, header.dtype)

    def blocks() -> Iterator[NDArray[Any]]:
        with (
            reading(path),
            open_regular(path) as file,
            zipfile.ZipFile(file) as archive,
            _open_member(archive, member, _size(file), path) as (stream, _),
        ):
            yield from blocks_of(stream, name, header.shape, header.dtype)

    return Stack(name, header.shape, header.dtype, blocks)


@contextlib.contextmanager
def _open_member(
    archive: zipfile.ZipFile, member: str, archived: int, path: Path
) -> Iterator[tuple[IO[bytes], Header]]:
    """An array of an archive of `archived` bytes, after its header; its sizes are those that its bytes allow."""
    name, info = f"{path.name}:{member}", archive.getinfo(f"{member}.npy")
    if info.flag_bits & 1 or info.compress_type not in METHODS:
        raise DistaffError(f"{name} is encrypted, or compressed as numpy does not: save it with numpy.savez_compressed")
    plausible(name, info.file_size, min(info.compress_size, archived))
    with archive.open(info) as stream:
        header = read_header(stream, name)
        _check_length(name, header, info.file_size - stream.tell())
        yield stream, header


def _check_length(name: str, header: Header, stored: int) -> None:
    if header.bytes > stored:
        raise DistaffError(
            f"{name} is damaged, cut short or of another format: it announces {size_text(header.bytes)} "
            f"and holds {size_text(max(0, stored))}"
        )


def _in_order(header: Header, name: str) -> Header:
    if header.fortran and len(header.shape) > 1:
        raise DistaffError(f"{name} is in Fortran order: save it with numpy.ascontiguousarray")
    return header


def _whole(stream: IO[bytes], header: Header, name: str) -> NDArray[Any]:
    fits_memory(name, header.bytes)
    data = stream.read(header.bytes)
    if len(data) != header.bytes:
        raise DistaffError(f"{name} is damaged, cut short or of another format: it ends after {size_text(len(data))}")
    stream.read(1)  # to the end, where the checksum stands
    values = np.frombuffer(data, header.dtype) if data else np.empty(0, header.dtype)
    return values.reshape(header.shape, order="F" if header.fortran else "C")


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
