"""Arrays of HDF5 files: those that the file itself holds, and no other file of the machine.

External storage, external links and virtual data sets name other files, which HDF5 would read; they are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.untrusted.bounds import plausible, shape_in_bounds
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import check_regular
from distaff.untrusted.stacks import BLOCK, LARGEST_ROW, Stack, first_of, row_bytes

FILTERS = {1, 2, 3, 4, 5, 6, 32000}  # deflate, shuffle, Fletcher's checksum, szip, nbit, scale and offset, lzf
KINDS = "biufcSU"
LINKS = 8  # soft links that are followed one after the other
LISTED = 1000  # members that are looked at for a message


def hdf5_stack(path: Path, members: tuple[str, ...]) -> Stack:
    """The first of `members` that the file holds itself, as plain numbers."""
    import h5py

    check_regular(path)
    with h5py.File(path, "r") as file:
        member = first_of(
            path, members, [name for name in members if _find(file, name, path) is not None] or _names(file)
        )
        dataset = _find(file, member, path)
        name = f"{path.name}:{member}"
        step = _checked(dataset, name)
        shape, dtype = dataset.shape, dataset.dtype

    def blocks() -> Iterator[NDArray[Any]]:
        check_regular(path)
        with reading(path), h5py.File(path, "r") as file:
            dataset = _find(file, member, path)
            if dataset is None or _checked(dataset, name) != step or (dataset.shape, dataset.dtype) != (shape, dtype):
                raise DistaffError(f"{name} has changed since it was looked at")
            for start in range(0, shape[0] if 0 not in shape else 0, step):
                yield dataset[start : start + step]

    return Stack(name, shape, dtype, blocks)


def _find(file: Any, member: str, path: Path, links: int = LINKS) -> Any:
    """The data set `member`, every part of whose name is a link inside the file; None where there is none.

    Links are asked for their kind first: to look whether a name is there, h5py would follow it into another file.
    """
    import h5py

    at, parts = file, [part for part in member.split("/") if part and part != "."]
    for place, part in enumerate(parts):
        key = part.encode("utf-8", "surrogateescape")
        if not isinstance(at, h5py.Group) or not at.id.links.exists(key):
            return None
        kind = at.id.links.get_info(key).type
        if kind == h5py.h5l.TYPE_SOFT and links > 0:
            target = at.id.links.get_val(key).decode("utf-8", "surrogateescape")
            absolute = target if target.startswith("/") else f"{at.name}/{target}"
            return _find(file, "/".join([absolute, *parts[place + 1 :]]), path, links - 1)
        if kind != h5py.h5l.TYPE_HARD:
            raise DistaffError(f"{path}: {member} is a link to another file, which is never followed: copy the data in")
        at = at[part]
    return at if isinstance(at, h5py.Dataset) else None


def _names(file: Any) -> list[str]:
    """The data sets of the file, as far as a message lists them; links are not followed."""
    import h5py

    present: list[str] = []

    def note(name: str, item: object) -> bool | None:
        if isinstance(item, h5py.Dataset):
            present.append(name)
        return True if len(present) >= LISTED else None

    file.visititems(note)
    return present


def _checked(dataset: Any, name: str) -> int:
    """How many rows of a data set are read at once; raises `DistaffError` for what is not plain numbers of this file.

    A chunk is decompressed whole, so that rows are read in multiples of its own.
    """
    if dataset.is_virtual or dataset.external:
        raise DistaffError(f"{name} keeps its data in other files, which are never read: copy the data into one file")
    shape, dtype = dataset.shape, dataset.dtype
    if shape is None or dtype.kind not in KINDS or dtype.hasobject or dtype.shape:
        raise DistaffError(f"{name} holds {dtype}, which are no plain numbers: objects and tables are never read")
    announced, row = shape_in_bounds(name, shape, dtype.itemsize), row_bytes(name, shape, dtype)
    properties = dataset.id.get_create_plist()
    filters = {properties.get_filter(number)[0] for number in range(properties.get_nfilters())}
    if filters - FILTERS:
        raise DistaffError(f"{name} is packed by the filter {min(filters - FILTERS)}, which is not read: use gzip")
    chunks = dataset.chunks
    if chunks and np.prod([float(size) for size in chunks]) * dtype.itemsize > LARGEST_ROW:
        raise DistaffError(f"{name} has chunks of {chunks}, which are unpacked whole: make them smaller")
    plausible(name, announced, dataset.id.get_storage_size())
    rows = chunks[0] if chunks and chunks[0] * row <= LARGEST_ROW else 1
    return int(max(1, BLOCK // max(1, row) // rows) * rows)
