"""A model in the explorer: where the sliders of its latents stand, how far each goes, and the images they make."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.pictures import latent_factors
from distaff.pictures.model import Encoded, observed_images
from distaff.pictures.sheet import pixels, to_pillow

SPAN = 3.0  # a slider goes over this many standard deviations of the prior, and further where codes do
ROWS = 500  # images to start from
SIDE = 1  # images travel as they are; the page enlarges them


def start(encoded: Encoded, image: int) -> dict[str, Any]:
    """Where the sliders stand for image number `image`, taken round the rows that were encoded; names and ranges."""
    codes, at = encoded.codes.mean, image % len(encoded.rows)
    return {
        "names": latent_factors.names(encoded),
        "low": np.minimum(codes.min(axis=0), -SPAN).tolist(),
        "high": np.maximum(codes.max(axis=0), SPAN).tolist(),
        "code": codes[at].tolist(),
        "image": at,
        "images": len(encoded.rows),
    }


def real(encoded: Encoded, image: int) -> bytes:
    """The image itself as PNG."""
    return png(observed_images(encoded.model.dataset, encoded.rows)[image % len(encoded.rows)])


def moved(encoded: Encoded, text: str) -> bytes:
    """The image of the code that `text` writes, numbers between commas; raises `DistaffError` for anything else."""
    d = encoded.codes.mean.shape[1]
    try:
        code = np.array([float(part) for part in text.split(",")], dtype=np.float32)
    except ValueError as error:
        raise DistaffError(f"z={text!r}: a code is {d} numbers between commas") from error
    if code.shape != (d,) or not np.isfinite(code).all():
        raise DistaffError(f"z={text!r}: a code is {d} finite numbers between commas")
    return png(encoded.model.decode(code[None])[0])


def png(image: NDArray[np.float32]) -> bytes:
    """One image [h w c] in 0..1 as PNG."""
    buffer = io.BytesIO()
    to_pillow(pixels(image[None], SIDE)[0]).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
