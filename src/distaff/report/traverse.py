"""Pictures of what a model learned: reconstructions beside the real, and one latent moved at a time.

Grids are uint8 arrays [h w c], made from images [b h w c] (uint8, or float in 0..1) by pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError

Image = NDArray[np.uint8]
Decode = Callable[[NDArray[np.float32]], NDArray[np.float32] | NDArray[np.uint8]]

SIDE = 64  # least width of one image on the page: smaller ones are enlarged by whole pixels
GROUND, INK = 255, 90
GAP, MARGIN = 4, 56


def pixels(images: NDArray[np.float32] | NDArray[np.uint8]) -> Image:
    """Images as uint8 RGB, enlarged to at least `SIDE` by repeating pixels, so that none is made up."""
    array: NDArray[Any] = np.asarray(images)
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise DistaffError(f"pictures want images [b h w c] with 1 or 3 channels, not {array.shape}")
    if array.dtype != np.uint8:
        array = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    times = max(1, -(-SIDE // array.shape[2]))
    large: Image = array.repeat(times, axis=1).repeat(times, axis=2)
    return large if large.shape[-1] == 3 else large.repeat(3, axis=-1)


def grid(images: Image, columns: int) -> Image:
    """Images [b h w 3] laid out row by row with a white gap between; empty places stay white."""
    b, h, w, _ = images.shape
    rows = -(-b // columns)
    sheet = np.full((rows * (h + GAP) + GAP, columns * (w + GAP) + GAP, 3), GROUND, dtype=np.uint8)
    for number, image in enumerate(images):
        top, left = GAP + number // columns * (h + GAP), GAP + number % columns * (w + GAP)
        sheet[top : top + h, left : left + w] = image
    return sheet


def reconstructions(
    real: NDArray[np.uint8], decoded: NDArray[np.float32] | NDArray[np.uint8], *, pairs: int = 4
) -> Image:
    """Odd columns real, even columns reconstructed, `pairs` pairs a row. Figure 7 of the paper."""
    if real.shape != decoded.shape:
        raise DistaffError(f"{decoded.shape} are not the reconstructions of {real.shape}: one image for each is wanted")
    both = np.stack([pixels(real), pixels(decoded)], axis=1)
    return grid(both.reshape(-1, *both.shape[2:]), 2 * pairs)


def steps(codes: NDArray[np.float32], columns: int, span: float | None = None) -> NDArray[np.float32]:
    """Where each latent is moved to [d columns]: from -`span` to `span`, or over the quantiles that codes [n d] have.

    Quantiles (2 to 98 %) stay where the decoder has been trained; a dead latent hardly moves and shows as still.
    """
    if span is not None:
        return np.tile(np.linspace(-span, span, columns, dtype=np.float32), (codes.shape[1], 1))
    return np.quantile(codes, np.linspace(0.02, 0.98, columns), axis=0).T.astype(np.float32)


def traversals(
    decode: Decode,
    code: NDArray[np.float32],
    moves: NDArray[np.float32],
    *,
    labels: Sequence[str] | None = None,
) -> Image:
    """One row a latent: `code` [d] with that latent moved over `moves` [d columns], labelled at the left."""
    d, columns = moves.shape
    if code.shape != (d,):
        raise DistaffError(f"a code of shape {code.shape} has not the {d} latents that are to be moved")
    codes = np.tile(code, (d, columns, 1)).astype(np.float32)
    codes[np.arange(d), :, np.arange(d)] = moves
    sheet = grid(pixels(decode(codes.reshape(d * columns, d))), columns)
    return labelled(sheet, labels or [f"z{number}" for number in range(d)])


def labelled(sheet: Image, labels: Sequence[str]) -> Image:
    """The sheet with a margin at its left that names each of its rows."""
    from PIL import Image as Picture
    from PIL import ImageDraw, ImageFont

    wide = np.full((sheet.shape[0], sheet.shape[1] + MARGIN, 3), GROUND, dtype=np.uint8)
    wide[:, MARGIN:] = sheet
    picture = Picture.fromarray(wide)
    draw, step = ImageDraw.Draw(picture), (sheet.shape[0] - GAP) / len(labels)
    for row, text in enumerate(labels):
        where = (MARGIN - 6, GAP + (row + 0.5) * step)
        draw.text(where, text, fill=(INK,) * 3, font=ImageFont.load_default(14), anchor="rm")
    return np.asarray(picture)


def save(sheet: Image, path: Path) -> Path:
    """Write the sheet as a PNG, making its folder; the file appears whole or not at all."""
    from PIL import Image as Picture

    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    Picture.fromarray(sheet).save(aside, format="PNG", optimize=True)
    aside.replace(path)
    return path
