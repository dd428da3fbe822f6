"""toy_color: the sprites of toy in a colour that is drawn anew at every look."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from distaff.data import Dataset, dataset
from distaff.data.toy import SIDE, toy


@dataset(source="generated", licence="Apache-2.0")
def toy_color() -> Dataset:
    """toy with each sprite multiplied by an RGB colour from U[0.5, 1)^3, the background black."""
    plain = toy()
    return Dataset("toy_color", plain.factors, (SIDE, SIDE, 3), plain.images, observe=colour, nuisance=(3,))


def colour(x: Float[Tensor, "b 1 h w"], u: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 h w"]:
    """x times one colour an image, 0.5 + u / 2 in each channel."""
    return x * (0.5 + 0.5 * u)[:, :, None, None]
