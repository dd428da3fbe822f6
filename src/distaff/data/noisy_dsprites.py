"""noisy_dsprites: the white sprites of dsprites on coloured noise that is drawn anew at every look."""

from __future__ import annotations

from dataclasses import replace

from jaxtyping import Float
from torch import Tensor

from distaff.data import Dataset, dataset
from distaff.data._draw.sprites import SIDE
from distaff.data.dsprites import dsprites


@dataset(
    source="https://github.com/google-deepmind/dsprites-dataset",
    licence="Apache-2.0",
    since={"official": False},
)
def noisy_dsprites(*, official: bool = False) -> Dataset:
    """dsprites with U[0, 1) in each pixel and channel of the background, the sprite white (Locatello et al., 2019).

    The sprites are those of `dsprites`, or of its published file with `official`.
    """
    return replace(
        dsprites(official=official),
        name="noisy_dsprites",
        shape=(SIDE, SIDE, 3),
        observe=on_noise,
        nuisance=(3, SIDE, SIDE),
    )


def on_noise(x: Float[Tensor, "b 1 h w"], u: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """min(x + u, 1): what is white stays white, what is black becomes u."""
    return (x + u).clamp_max(1.0)
