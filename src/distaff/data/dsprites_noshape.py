"""dsprites_noshape: the sprites of dsprites, with the shape hidden."""

from __future__ import annotations

from distaff.data import Dataset, Factors, dataset
from distaff.data.dsprites import NAMES, SIZES, UNITS, sprites


@dataset(
    source="https://github.com/google-deepmind/dsprites-dataset",
    licence="Apache-2.0",
    since={"official": False},
)
def dsprites_noshape(*, official: bool = False) -> Dataset:
    """dsprites with the shape hidden: for given values of the other four factors it is drawn anew at every look.

    The sprites are those of `dsprites`, or of its published file with `official`.
    """
    factors = Factors(NAMES, SIZES, hidden=("shape",), units=UNITS)
    return sprites("dsprites_noshape", factors, official)
