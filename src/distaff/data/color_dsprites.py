"""color_dsprites: the sprites of dsprites in a colour that is drawn anew at every look."""

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
def color_dsprites(*, official: bool = False) -> Dataset:
    """dsprites with each sprite in an RGB colour from U[0.5, 1)^3 on black (Locatello et al., 2019).

    The sprites are those of `dsprites`, or of its published file with `official`.
    """
    return replace(
        dsprites(official=official), name="color_dsprites", shape=(SIDE, SIDE, 3), observe=coloured, nuisance=(3,)
    )


def coloured(x: Float[Tensor, "b 1 h w"], u: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 h w"]:
    """x times one colour an image: 0.5 + u / 2 in each channel."""
    return x * (0.5 + 0.5 * u)[:, :, None, None]
