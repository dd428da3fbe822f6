"""A GIF in which every latent moves at once, each in an image of its own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.atomic import write
from distaff.pictures.model import Decode
from distaff.pictures.sheet import FONT, GAP, GROUND, INK, Image, grid, pixels, to_pillow
from distaff.seal import sealed_picture

FRAMES, MILLISECONDS = 24, 90
SIDE = 96  # of one image: larger than on a sheet, since there are few


def cycle(code: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32], frames: int) -> Any:
    """Each latent from its code up to `high`, down to `low` and back in even steps, [frames d]; all inputs [d].

    A code outside its range starts from the nearer end.
    """
    start = np.clip(code, low, high)
    up, whole = high - start, np.maximum(2 * (high - low), 1e-12)
    way = np.arange(frames)[:, None] / frames * whole
    rising, falling = start + way, high - (way - up)
    returning = low + (way - up - (high - low))
    there = np.where(way <= up, rising, np.where(way <= up + (high - low), falling, returning))
    return there.astype(np.float32)


def frames(decode: Decode, code: NDArray[np.float32], path: NDArray[np.float32], labels: Sequence[str]) -> list[Image]:
    """One sheet a step of `path` [frames d]: image j is decoded from `code` [d] with latent j moved, and named."""
    steps, d = path.shape
    codes = np.tile(code, (steps, d, 1)).astype(np.float32)
    codes[:, np.arange(d), np.arange(d)] = path
    images = pixels(decode(codes.reshape(steps * d, d)), SIDE)
    under = np.stack([_name(text, images.shape[2]) for text in labels])
    images = np.concatenate([images, np.tile(under, (steps, 1, 1, 1))], axis=1)
    columns = next((c for c in range(min(d, 5), 0, -1) if d % c == 0 and c * c >= d), min(d, 5))
    return [grid(images[step * d : (step + 1) * d], columns) for step in range(steps)]


def _name(text: str, width: int) -> Image:
    from PIL import Image as Picture
    from PIL import ImageDraw, ImageFont

    strip = Picture.fromarray(np.full((FONT + 2 * GAP, width, 3), GROUND, dtype=np.uint8))
    where = (width / 2, GAP + FONT / 2)
    ImageDraw.Draw(strip).text(where, text, fill=(INK,) * 3, font=ImageFont.load_default(FONT), anchor="mm")
    return np.asarray(strip)


def save_gif(sheets: Sequence[Image], path: Path) -> Path:
    """Write an endless GIF with its checksum: grey images keep their 256 levels, coloured ones share one palette."""
    from PIL import Image as Picture

    pictures = [to_pillow(sheet) for sheet in sheets]
    if any(picture.mode == "RGB" for picture in pictures):
        palette = Picture.fromarray(np.concatenate(sheets)).quantize(256)
        whole = [Picture.fromarray(sheet) for sheet in sheets]
        pictures = [picture.quantize(palette=palette, dither=Picture.Dither.NONE) for picture in whole]
    buffer = io.BytesIO()
    first, *rest = pictures
    first.save(buffer, format="GIF", save_all=True, append_images=rest, duration=MILLISECONDS, loop=0)
    return write(path, sealed_picture(buffer.getvalue()))
