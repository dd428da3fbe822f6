"""arrays: images and factors of your own."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped, UInt8

from distaff.data import Dataset, dataset
from distaff.data._formats.folder import FILE, folder_stack
from distaff.data._formats.values import grid, read_columns
from distaff.data.cache.built import cache_folder, gather, open_or_build
from distaff.errors import DistaffError
from distaff.untrusted.stacks import Stack, open_stack

ROUNDING = 1e-6  # how far beyond 0 and 1 a float may lie
IMAGES, FACTORS = ("images", "imgs", "x"), ("factors", "labels", "latents/classes", "latents_classes", "y")


@dataset(source="your own files", licence="your own")
def arrays(*, images: str, factors: str | None = None, hidden: tuple[str, ...] = ()) -> Dataset:
    """Images of your own with a table of their factors, for a complete grid or not.

    `images` is an .npy, .npz or HDF5 file of images [n h w] or [n h w c], or a folder of pictures; `factors` a CSV file
    with a header, or an array [n f], line i being of image i. A folder's CSV names the picture in a column `file`. In
    an .npz or HDF5 file, `images` and `factors` are looked for; `file.h5:name` takes another array, and without
    `factors` they stand beside the images. Images are bytes, booleans, bytes of 0 and 1 only, or floats in [0, 1], and
    pictures opaque.

    The levels of a factor are its distinct values in ascending order, all numbers or all texts. If the grid is
    incomplete, rows are the grid rows that have an image, and `factors.rows` refuses the others. Several images of the
    same values are distinguished by a hidden factor `repeat`. Factors named in `hidden` are not passed to metrics.

    Images are kept in the cache as one memory-mapped array of bytes in the order of the grid, built anew when a file
    changes. Raises `DistaffError` for a file that is damaged, or whose images and factors do not fit together.
    """
    where = Path(images).expanduser()
    of_images, image_member = _member(images)
    of_factors, factor_member = _member(factors) if factors is not None else (of_images, None)
    if where.is_dir() and factors is None:
        raise DistaffError(f"{where} is a folder: name a CSV of its factors, as in arrays(images=..., factors='f.csv')")
    columns = read_columns(of_factors, *([factor_member] if factor_member else FACTORS))
    if where.is_dir():
        stack, stamp = folder_stack(where, of_factors, columns)
        columns = {name: column for name, column in columns.items() if name != FILE}
    else:
        stack = open_stack(of_images, *([image_member] if image_member else IMAGES))
        stamp = _stamp(of_images)
    shape = _shape(stack)
    space, rows = grid(columns, tuple(hidden))
    if len(rows) != stack.shape[0]:
        raise DistaffError(f"{stack.name} holds {stack.shape[0]} images, {of_factors} the factors of {len(rows)}")
    key = hashlib.sha256("\n".join([stamp, stack.name, _stamp(of_factors), str(factor_member)]).encode()).hexdigest()

    @functools.lru_cache(maxsize=1)
    def mapped(folder: Path) -> UInt8[np.ndarray, "n h w c"]:
        del folder  # the key: the cache may move between two calls
        return open_or_build(f"arrays-{key[:16]}", (stack.shape[0], *shape), "|u1", _blocks(stack, shape, rows))

    return Dataset("arrays", space, shape, lambda rows: gather(mapped(cache_folder()), rows))


def _member(text: str) -> tuple[Path, str | None]:
    """`file.h5:name` apart, unless a file of that whole name is there."""
    whole = Path(text).expanduser()
    if whole.exists() or ":" not in text:
        return whole, None
    file, _, member = text.rpartition(":")
    return Path(file).expanduser(), member


def _stamp(path: Path) -> str:
    """What identifies a version of a file: its place, size and time."""
    status = path.stat()
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"


def _shape(stack: Stack) -> tuple[int, int, int]:
    h, w, c = (*stack.shape[1:], 1) if len(stack.shape) == 3 else (*stack.shape[1:], 0, 0, 0)[:3]
    if len(stack.shape) not in (3, 4) or 0 in stack.shape:
        raise DistaffError(f"{stack.name} has the shape {stack.shape}: images are [n h w] or [n h w c]")
    if stack.dtype.kind not in "biuf":
        raise DistaffError(f"{stack.name} holds {stack.dtype}: images are bytes, booleans or floats in [0, 1]")
    if c not in (1, 3) and (h in (1, 3) or h < c):
        raise DistaffError(f"{stack.name} has the shape {stack.shape}: channels come last, [n h w c]")
    return h, w, c


def _blocks(
    stack: Stack, shape: tuple[int, int, int], rows: Int[np.ndarray, "n"]
) -> Iterator[tuple[Int[np.ndarray, "b"], UInt8[np.ndarray, "b h w c"]]]:
    """Rows of the grid and their images as bytes, in the order of the file."""
    scale = 255 if stack.dtype.kind in "bf" or _binary(stack) else 1
    start = 0
    for block in stack.blocks():
        yield rows[start : start + len(block)], _bytes(stack, block, scale, start).reshape(len(block), *shape)
        start += len(block)


def _binary(stack: Stack) -> bool:
    return max(int(block.max()) for block in stack.blocks()) == 1


def _bytes(stack: Stack, block: Shaped[np.ndarray, "b ..."], scale: int, start: int) -> UInt8[np.ndarray, "b ..."]:
    top = 1 if stack.dtype.kind in "bf" else 255
    more = ROUNDING if stack.dtype.kind == "f" else 0
    outside = ~((block >= -more) & (block <= top + more))
    if outside.any():
        at = int(np.argwhere(outside)[0, 0])
        raise DistaffError(f"{stack.name}: image {start + at} holds {block[outside][0]}, outside 0 to {top}")
    if stack.dtype.kind == "f":
        return np.rint(block * np.float32(255)).astype(np.uint8)
    return block.astype(np.uint8) * np.uint8(scale)
