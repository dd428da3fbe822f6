"""Contact sheets: some images of a data set, and a strip for each factor that shows what it does."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from numpy.typing import NDArray
from torch import Tensor

from distaff import rng
from distaff.atomic import write
from distaff.data import Dataset
from distaff.errors import DistaffError

COLUMNS, ROWS = 10, 3  # of images drawn at random; a strip has as many columns
LEAST = 64  # pixels of an image's width: smaller ones are enlarged by whole pixels
GAP, INK = 4, 60


def sheet(dataset: Dataset, seed: int = 0) -> UInt8[np.ndarray, "h w 3"]:
    """The picture: `ROWS` rows of images drawn at random, then each factor alone, from its first value to its last.

    A strip keeps the other factors in the middle and the nuisance as it is; a strip of its own shows the nuisance. In a
    grid that is not complete, places without an image stay white.
    """
    drawn = rng.integers(seed, "evaluate", 0, COLUMNS * ROWS, len(dataset))
    strips = [("", part) for part in np.split(drawn, ROWS)]
    base = dataset.factors.all_values(np.array([len(dataset) // 2]))[0]
    if dataset.factors.complete:
        base = np.array(dataset.factors.all_sizes) // 2
    hidden = set(dataset.factors.hidden)
    for k, (name, size) in enumerate(zip(dataset.factors.all_names, dataset.factors.all_sizes, strict=True)):
        steps = np.unique(np.linspace(0, size - 1, min(size, COLUMNS)).round().astype(np.int64))
        strips.append((f"{name} (hidden)" if name in hidden else name, _rows(dataset, base, k, steps)))
    pictures = [
        _images(dataset, rows, _uniforms(dataset, seed, len(rows), i if i < ROWS else None))
        for i, (_, rows) in enumerate(strips)
    ]
    if dataset.nuisance:
        strips.append(("looks", np.repeat(_rows(dataset, base, 0, base[:1]), COLUMNS)))
        pictures.append(_images(dataset, strips[-1][1], _uniforms(dataset, seed, COLUMNS, ROWS)))
    return _laid_out([name for name, _ in strips], pictures)


def _rows(dataset: Dataset, base: Int[np.ndarray, "f"], k: int, steps: Int[np.ndarray, "s"]) -> Int[np.ndarray, "s"]:
    """The rows of `base` with factor k at each of `steps`; -1 where there is none."""
    grid_rows = np.tile(base, (len(steps), 1))
    grid_rows[:, k] = steps
    places = np.ravel_multi_index(tuple(grid_rows.T), dataset.factors.all_sizes)
    existing = dataset.factors.grid_rows
    if existing is None:
        return np.asarray(places)
    at = np.searchsorted(existing, places).clip(max=len(existing) - 1)
    return np.asarray(np.where(existing[at] == places, at, -1))


def _uniforms(dataset: Dataset, seed: int, n: int, draw: int | None) -> Tensor | None:
    """The nuisance of a strip: its `draw`, anew for each image, or one for all."""
    if not dataset.nuisance:
        return None
    u = rng.uniform(seed, "evaluate", 1 + (draw or 0), (1 if draw is None else n, *dataset.nuisance))
    return u.expand(n, *dataset.nuisance)


def _images(dataset: Dataset, rows: Int[np.ndarray, "b"], u: Tensor | None) -> NDArray[np.uint8]:
    """What a network sees at `rows`, as bytes of three channels; white where there is no row."""
    x = dataset.batch(rows.clip(min=0), u).permute(0, 2, 3, 1).numpy()
    if x.shape[-1] not in (1, 3):
        raise DistaffError(f"{dataset.name} has images of {x.shape[-1]} channels: pictures need 1 or 3")
    pixels = np.rint(x * 255).astype(np.uint8)
    pixels[rows < 0] = 255
    times = max(1, -(-LEAST // pixels.shape[2]))
    large: NDArray[np.uint8] = pixels.repeat(times, axis=1).repeat(times, axis=2)
    return large if large.shape[-1] == 3 else large.repeat(3, axis=-1)


def _laid_out(names: list[str], pictures: list[NDArray[np.uint8]]) -> UInt8[np.ndarray, "h w 3"]:
    from PIL import Image, ImageDraw, ImageFont

    h, w = pictures[0].shape[1:3]
    font = ImageFont.load_default(14)
    margin = int(max(font.getlength(name) for name in names)) + 5 * GAP
    out = np.full((len(names) * (h + GAP) + GAP, margin + COLUMNS * (w + GAP), 3), 255, dtype=np.uint8)
    for i, strip in enumerate(pictures):
        for j, image in enumerate(strip):
            out[GAP + i * (h + GAP) :, margin + j * (w + GAP) :][:h, :w] = image
    picture = Image.fromarray(out)
    draw = ImageDraw.Draw(picture)
    for i, name in enumerate(names):
        draw.text((margin - 2 * GAP, GAP + i * (h + GAP) + h / 2), name, fill=(INK,) * 3, font=font, anchor="rm")
    return np.asarray(picture)


def save(picture: UInt8[np.ndarray, "h w 3"], path: Any) -> None:
    """Write the picture as a PNG, whole or not at all; raises `DistaffError` where it cannot be written."""
    from PIL import Image

    if path.suffix.lower() != ".png" or path.is_dir():
        raise DistaffError(f"{path}: pictures are written as PNG, to a file such as {path.with_suffix('.png').name}")
    try:
        write(path, lambda file: Image.fromarray(picture).save(file, format="PNG", optimize=True))
    except OSError as error:
        raise DistaffError(f"{path} cannot be written: {error.strerror}") from error
