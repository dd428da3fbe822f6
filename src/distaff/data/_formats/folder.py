"""Folders of pictures: the images that a column of a CSV names, read one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.untrusted.names import inside
from distaff.untrusted.pictures import open_picture
from distaff.untrusted.regular import check_regular
from distaff.untrusted.stacks import Stack

FILE = "file"  # the column of the CSV that names the pictures
RUN = 256  # pictures a block
FORM = 2  # raised when pictures are read in another way, so that an older array is not mistaken for it
GREY, COLOUR = {"1", "L"}, {"P", "RGB", "RGBA", "LA", "CMYK", "YCbCr"}


def folder_stack(folder: Path, table: Path, columns: dict[str, NDArray[Any]]) -> tuple[Stack, str]:
    """The pictures of `folder` that `columns["file"]` names, and a stamp that changes when one of them does.

    Raises `DistaffError` if the column or a picture is missing, or lies outside `folder`, or a picture is of another
    size than the first or lets something shine through.
    """
    if FILE not in columns:
        raise DistaffError(f"{table} has the columns {', '.join(columns)}; {FILE!r}, the picture's name, is missing")
    digest = hashlib.sha256(f"{FORM} {folder.resolve()}".encode("utf-8", "surrogateescape"))
    paths = []
    for line, name in enumerate(columns[FILE]):
        path = inside(folder, str(name), f"{table}, row {line}")
        if not path.is_file():
            if path.exists():
                check_regular(path)
            raise DistaffError(f"{table}, row {line}: {path} does not exist")
        status = path.stat()
        digest.update(f"{path.name} {status.st_size} {status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
        paths.append(path)
    if not paths:
        raise DistaffError(f"{table} names no pictures")
    first = _picture(paths[0], None)

    def blocks() -> Iterator[UInt8[np.ndarray, "b h w c"]]:
        for start in range(0, len(paths), RUN):
            yield np.stack([_picture(path, first.shape) for path in paths[start : start + RUN]])

    return Stack(str(folder), (len(paths), *first.shape), np.dtype(np.uint8), blocks), digest.hexdigest()


def _picture(path: Path, shape: tuple[int, ...] | None) -> UInt8[np.ndarray, "h w c"]:
    """One picture as bytes, of one channel if it is grey; `shape` is what it must have."""
    with open_picture(path) as image:
        if image.mode not in GREY | COLOUR:
            raise DistaffError(f"{path} has pixels of mode {image.mode}: save it with 8 bits a channel")
        if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
            raise DistaffError(f"{path} is transparent in places: save it on the background that is to be seen")
        grey = image.mode in GREY and (shape is None or shape[2] == 1)
        pixels = np.asarray(image.convert("L" if grey else "RGB"))
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if shape is not None and pixels.shape != shape:
        raise DistaffError(f"{path} is [h w c] {pixels.shape}, the first picture {shape}")
    return pixels
