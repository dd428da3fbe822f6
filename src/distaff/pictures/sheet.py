"""Sheets: images laid out in a labelled grid, uint8 [h w 3] on white, written as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from distaff.atomic import write
from distaff.errors import DistaffError
from distaff.seal import sealed_picture

Image: TypeAlias = NDArray[np.uint8]

SIDE = 64  # least width of one image on a sheet: smaller ones are enlarged by whole pixels
GROUND, INK, SOFT = 255, 40, 120
GAP = 4
FONT, HEADING = 13, 16


def pixels(images: NDArray[np.float32] | NDArray[np.uint8], side: int = SIDE) -> Image:
    """Images [b h w c], uint8 or in 0..1, as uint8 RGB at least `side` wide by repeating pixels: none is made up.

    Raises `DistaffError` for what is not a batch of images with 1 or 3 channels.
    """
    array: NDArray[Any] = np.asarray(images)
    if array.ndim != 4 or array.shape[-1] not in (1, 3):
        raise DistaffError(
            f"images of shape {array.shape} cannot be drawn: pictures need [b h w c] with 1 or 3 channels"
        )
    if array.dtype != np.uint8:
        array = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    times = max(1, -(-side // array.shape[2]))
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


def labelled(sheet: Image, rows: Sequence[str] = (), columns: Sequence[str] = (), title: str = "") -> Image:
    """The sheet of a grid with its rows named at the left, its columns above, and a title; no margin where no name."""
    from PIL import Image as Picture
    from PIL import ImageDraw, ImageFont

    font, large = ImageFont.load_default(FONT), ImageFont.load_default(HEADING)
    left = round(max(map(font.getlength, rows), default=-10)) + 10
    head = (2 * HEADING if title else 0) + (FONT + 8 if columns else 0)
    height, width = sheet.shape[:2]
    wide = np.full((head + height, left + width, 3), GROUND, dtype=np.uint8)
    wide[head:, left:] = sheet
    picture = Picture.fromarray(wide)
    draw = ImageDraw.Draw(picture)
    for number, text in enumerate(rows):
        middle = head + GAP / 2 + (number + 0.5) * (height - GAP) / len(rows)
        draw.text((left - 6, middle), text, fill=(INK,) * 3, font=font, anchor="rm")
    for number, text in enumerate(columns):
        middle = left + GAP / 2 + (number + 0.5) * (width - GAP) / len(columns)
        draw.text((middle, head - 3), text, fill=(SOFT,) * 3, font=font, anchor="ms")
    draw.text((left + GAP, HEADING), title, fill=(INK,) * 3, font=large, anchor="lm")
    return np.asarray(picture)


def beside(sheets: Sequence[Image], gap: int = 16) -> Image:
    """Sheets side by side, their lower edges in one line."""
    height, width = max(len(sheet) for sheet in sheets), sum(sheet.shape[1] + gap for sheet in sheets) - gap
    wide, at = np.full((height, width, 3), GROUND, dtype=np.uint8), 0
    for sheet in sheets:
        wide[height - len(sheet) :, at : at + sheet.shape[1]] = sheet
        at += sheet.shape[1] + gap
    return wide


def below(sheets: Sequence[Image], gap: int = 16) -> Image:
    """Sheets one below the other, their right edges in one line, since labels of different width stand at the left."""
    width, height = max(sheet.shape[1] for sheet in sheets), sum(len(sheet) + gap for sheet in sheets) - gap
    tall, at = np.full((height, width, 3), GROUND, dtype=np.uint8), 0
    for sheet in sheets:
        tall[at : at + len(sheet), width - sheet.shape[1] :] = sheet
        at += len(sheet) + gap
    return tall


def to_pillow(sheet: Image) -> Any:
    """The sheet as a Pillow image, of one channel where all three are equal: a third of the file."""
    from PIL import Image as Picture

    plain = (sheet == sheet[..., :1]).all()
    return Picture.fromarray(np.ascontiguousarray(sheet[..., 0]) if plain else sheet)


def save_png(sheet: Image, path: Path) -> Path:
    """Write the sheet as a PNG with its checksum, making its folder; the file appears whole or not at all."""
    buffer = io.BytesIO()
    to_pillow(sheet).save(buffer, format="PNG")
    return write(path, sealed_picture(buffer.getvalue()))
