"""A run that was opened: its decoder, and the range and the name of each latent."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError
from distaff.pictures import carries
from distaff.pictures.model import Seen, observed, see
from distaff.pictures.sheet import pixels, slim
from distaff.runs import Run
from distaff.types import Params

SPAN = 3.0  # a slider goes over this many standard deviations of the prior, and further where codes do
ROWS = 500
SIDE = 1  # images travel as they are; the page enlarges them


class Opened(NamedTuple):
    """A model that can be moved: what it makes of some rows, the names of its latents, and how far each may go."""

    seen: Seen
    names: tuple[str, ...]
    low: NDArray[np.float32]  # [d]
    high: NDArray[np.float32]  # [d]


def opened(run: Run, params: Params) -> Opened:
    """The run's decoder with what its sliders need."""
    seen = see(run, params, ROWS)
    low, high = (end(seen.codes.mean, axis=0) for end in (np.min, np.max))
    return Opened(seen, carries.names(seen), np.minimum(low, -SPAN), np.maximum(high, SPAN))


def start(model: Opened, image: int) -> dict[str, Any]:
    """Where the sliders stand for image number `image`, taken round the rows that were encoded."""
    at = image % len(model.seen.rows)
    return {
        "names": model.names,
        "low": model.low.tolist(),
        "high": model.high.tolist(),
        "code": model.seen.codes.mean[at].tolist(),
        "image": at,
        "images": len(model.seen.rows),
    }


def real(model: Opened, image: int) -> bytes:
    """The image itself as PNG."""
    return png(observed(model.seen.dataset, model.seen.rows)[image % len(model.seen.rows)])


def moved(model: Opened, text: str) -> bytes:
    """The image of the code that `text` writes, numbers between commas; raises `DistaffError` for anything else."""
    d = len(model.names)
    try:
        code = np.array([float(part) for part in text.split(",")], dtype=np.float32)
    except ValueError as error:
        raise DistaffError(f"a code is {d} numbers between commas") from error
    if code.shape != (d,) or not np.isfinite(code).all():
        raise DistaffError(f"a code is {d} finite numbers between commas, not {len(code)}")
    return png(model.seen.decode(code[None])[0])


def png(image: NDArray[np.float32]) -> bytes:
    """One image [h w c] in 0..1 as PNG."""
    kept = io.BytesIO()
    slim(pixels(image[None], SIDE)[0]).save(kept, format="PNG", compress_level=1)
    return kept.getvalue()
