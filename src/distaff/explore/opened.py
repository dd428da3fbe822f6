"""A model in the explorer: where the sliders of its latents stand, how far each goes, and the images they make."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.pictures import carries
from distaff.pictures.model import Encoded, observed
from distaff.pictures.sheet import pixels, slim

SPAN = 3.0  # a slider goes over this many standard deviations of the prior, and further where codes do
ROWS = 500  # images to start from
SIDE = 1  # images travel as they are; the page enlarges them


def start(found: Encoded, image: int) -> dict[str, Any]:
    """Where the sliders stand for image number `image`, taken round the rows that were encoded; names and ranges."""
    codes, at = found.codes.mean, image % len(found.rows)
    return {
        "names": carries.names(found),
        "low": np.minimum(codes.min(axis=0), -SPAN).tolist(),
        "high": np.maximum(codes.max(axis=0), SPAN).tolist(),
        "code": codes[at].tolist(),
        "image": at,
        "images": len(found.rows),
    }


def real(found: Encoded, image: int) -> bytes:
    """The image itself as PNG."""
    return png(observed(found.model.dataset, found.rows)[image % len(found.rows)])


def moved(found: Encoded, text: str) -> bytes:
    """The image of the code that `text` writes, numbers between commas; raises `DistaffError` for anything else."""
    d = found.codes.mean.shape[1]
    try:
        code = np.array([float(part) for part in text.split(",")], dtype=np.float32)
    except ValueError as error:
        raise DistaffError(f"a code is {d} numbers between commas") from error
    if code.shape != (d,) or not np.isfinite(code).all():
        raise DistaffError(f"a code is {d} finite numbers between commas, not {len(code)}")
    return png(found.model.decode(code[None])[0])


def png(image: NDArray[np.float32]) -> bytes:
    """One image [h w c] in 0..1 as PNG."""
    kept = io.BytesIO()
    slim(pixels(image[None], SIDE)[0]).save(kept, format="PNG", compress_level=1)
    return kept.getvalue()
