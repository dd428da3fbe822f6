"""What a data set gives: factors, and bytes for images, at every look and not only the first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, zeros

from distaff.data.dataset import Dataset
from distaff.data.grid import Factors
from distaff.errors import DistaffError, PluginError
from distaff.plugins.boundary import Check, Origin, Violation, guarded
from distaff.plugins.file import REQUIRED, Plugin

SIDES = 3  # h, w and c
COLUMNS = 64  # bits of a word


def received(origin: Origin, dataset: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The data set, its functions behind the door: what they return is checked whenever they are called."""
    del arguments, keywords
    if not isinstance(dataset, Dataset):
        raise Violation(f"it returned a {type(dataset).__name__}, not a Dataset")
    if not isinstance(dataset.factors, Factors):
        raise Violation(f"its factors are a {type(dataset.factors).__name__}, not Factors(names, sizes)")
    if len(dataset) < 1 or any(size < 1 for size in dataset.factors.all_sizes):
        raise Violation(f"its factors have the sizes {dataset.factors.all_sizes}: each takes at least one value")
    shape = dataset.shape
    if not isinstance(shape, tuple) or len(shape) != SIDES or not all(isinstance(n, int) and n > 0 for n in shape):
        raise Violation(f"its shape is {shape!r}, not (h, w, c) of an image")
    return replace(
        dataset,
        images=guarded(origin, dataset.images, _images_of(dataset)),
        observe=guarded(origin, dataset.observe, _floats_of(dataset, "observe(x, u)", 0)),
        floats=guarded(origin, dataset.floats, _floats_of(dataset, "floats(rows)", 0)),
        prior=guarded(origin, dataset.prior, _rows_of(dataset)),
        packed=guarded(origin, dataset.packed, _words_of(dataset)),
    )


def trial(function: Callable[..., Any], plugin: Plugin) -> None:
    """Look at the first, a middle and the last image."""
    if any(p.default is REQUIRED for p in plugin.parameters):
        return
    try:
        dataset = received(plugin.origin, function(), (), {})
        rows = np.array([0, len(dataset) // 2, len(dataset) - 1])
        dataset.images(rows)
        dataset.batch(rows, zeros(len(rows), *dataset.nuisance) if dataset.nuisance else None)
    except PluginError:
        raise
    except DistaffError:  # it refuses in its own words, such as that its files are to be fetched
        return


def _images_of(dataset: Dataset) -> Check:
    """The check of images: bytes [b h w c], of one size, that use the range of bytes."""
    looked: list[int] = []

    def check(origin: Origin, images: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        del origin, keywords
        rows = len(arguments[0]) if arguments else len(images)
        if not isinstance(images, np.ndarray):
            raise Violation(f"images(rows) returned a {type(images).__name__}, not an array")
        _check_bytes(images)
        _check_shape(dataset, images.shape, rows)
        if not looked and images.size:
            looked.append(1)
            if images.max() == 1:
                raise Violation("images(rows) holds only 0 and 1: bytes are from 0 to 255, so multiply by 255")
        return images

    return check


def _check_bytes(images: Any) -> None:
    if images.dtype == np.uint8:
        return
    unit = images.dtype.kind == "f" and images.size and images.min() >= 0 and images.max() <= 1
    mend = "multiply by 255 and convert to uint8" if unit or images.dtype.kind == "b" else "convert to uint8"
    between = " in [0, 1]" if unit else ""
    raise Violation(f"images(rows) returned {images.dtype}{between}, not uint8 from 0 to 255: {mend}")


def _check_shape(dataset: Dataset, shape: tuple[int, ...], rows: int) -> None:
    height, width, channels = dataset.shape
    expected = f"[{rows}, {height}, {width}, {channels}]"
    returned = f"images(rows) returned {list(shape)} for {rows} rows, not {expected}"
    if len(shape) == SIDES and channels == 1:
        raise Violation(f"{returned}: add the axis of channels, images[..., None]")
    if len(shape) == SIDES + 1 and shape[1:] == (channels, height, width) != (height, width, channels):
        raise Violation(f"{returned}: channels come last")
    stored = shape[3:] == (channels,) or dataset.observe is not None  # what is observed may have other channels
    if len(shape) != SIDES + 1 or shape[:3] != (rows, height, width) or not stored:
        raise Violation(f"{returned}, which its shape says")


def _floats_of(dataset: Dataset, what: str, batch: int) -> Check:
    height, width, channels = dataset.shape

    def check(origin: Origin, x: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        del origin, keywords
        if not isinstance(x, Tensor) or x.ndim != SIDES + 1 or not x.is_floating_point():
            raise Violation(f"{what} returned {_described(x)}, not floats [b c h w] in [0, 1]")
        observed = what.startswith("observe") or dataset.observe is None
        if len(x) != len(arguments[batch]) or x.shape[2:] != (height, width) or (observed and x.shape[1] != channels):
            raise Violation(
                f"{what} returned {_described(x)}, not [{len(arguments[batch])}, {channels}, {height}, {width}]"
            )
        return x

    return check


def _rows_of(dataset: Dataset) -> Check:
    def check(origin: Origin, rows: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        del origin, keywords
        rows = np.asarray(rows)
        if rows.shape != np.shape(arguments[0]) or rows.dtype.kind not in "iu":
            raise Violation(f"prior(rows, u) returned {rows.dtype} {list(rows.shape)}, not as many row numbers")
        if rows.size and (rows.min() < 0 or rows.max() >= len(dataset)):
            raise Violation(f"prior(rows, u) returned rows outside 0 to {len(dataset) - 1}")
        return rows

    return check


def _words_of(dataset: Dataset) -> Check:
    def check(origin: Origin, words: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        del origin, arguments, keywords
        expected, columns = (len(dataset), dataset.shape[0]), dataset.shape[1]
        if (
            not isinstance(words, np.ndarray)
            or (words.dtype, words.shape) != (np.uint64, expected)
            or columns != COLUMNS
        ):
            raise Violation(f"packed() returned no words of {COLUMNS} columns, uint64 {list(expected)}")
        return words

    return check


def _described(x: Any) -> str:
    return f"{x.dtype} {list(x.shape)}".replace("torch.", "") if isinstance(x, Tensor) else f"a {type(x).__name__}"
