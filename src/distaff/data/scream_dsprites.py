"""scream_dsprites: the sprites of dsprites as the negative of a crop of Munch's The Scream."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from distaff.data import Dataset, dataset
from distaff.data._draw.sprites import SIDE
from distaff.data.dsprites import dsprites
from distaff.errors import DistaffError

PICTURE = Path(__file__).parent / "_scream" / "the_scream.png"


@dataset(
    source="https://github.com/google-deepmind/dsprites-dataset",
    licence="Apache-2.0; the picture: public domain",
    since={"official": False},
)
def scream_dsprites(*, official: bool = False) -> Dataset:
    """dsprites before a crop of The Scream in a random tint, the sprite as its negative (Locatello et al., 2019).

    The sprites are those of `dsprites`, or of its published file with `official`. Crop and tint are drawn anew at every
    look. Raises `DistaffError` if Pillow, which reads the picture, is missing.
    """
    return replace(
        dsprites(official=official),
        name="scream_dsprites",
        shape=(SIDE, SIDE, 3),
        observe=before_the_scream,
        nuisance=(5,),
    )


def before_the_scream(x: Float[Tensor, "b 1 h w"], u: Float[Tensor, "b 5"]) -> Float[Tensor, "b 3 h w"]:
    """Half crop, half tint, and 1 minus that on the sprite; u is (crop's row, crop's column, red, green, blue).

    As in the study, the crop's offset is below the picture's size less the image's, the largest offset left out.
    """
    picture = _picture(x.device)
    height, width = x.shape[2], x.shape[3]
    top = (u[:, 0] * (picture.shape[1] - height)).long()
    left = (u[:, 1] * (picture.shape[2] - width)).long()
    rows = top[:, None, None] + torch.arange(height, device=x.device)[:, None]
    columns = left[:, None, None] + torch.arange(width, device=x.device)
    crop = picture[:, rows, columns].transpose(0, 1)
    background = (crop + u[:, 2:, None, None]) / 2
    return torch.where(x > 0.5, 1 - background, background)


@functools.lru_cache(maxsize=4)
def _picture(device: torch.device) -> Float[Tensor, "3 height width"]:
    """The painting in [0, 1] on `device`."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise DistaffError("scream_dsprites reads its picture with Pillow: pip install pillow") from error
    with Image.open(PICTURE) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(np.moveaxis(pixels, 2, 0).copy()).to(device)
