"""What a picture is of: a model, ours or any that encodes and decodes, and its codes of some rows of a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from distaff.codes import Codes, input_batches
from distaff.data import Dataset
from distaff.draws import generator

Decode: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]

ROWS = 2_000  # rows of a large grid that are encoded: enough for the mean of 8 x 8 groups of values


class Drawable(Protocol):
    """What can be drawn: a `distaff.trained.Model`, or any object with these three."""

    @property
    def dataset(self) -> Dataset:
        """The data set whose rows are encoded."""

    def encode(self, rows: NDArray[np.int64], /) -> Codes:
        """Mean and log-variance of each row, [n d] both; a log-variance of -inf is an encoder without noise."""

    def decode(self, z: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Images [n h w c] in [0, 1] of codes [n d]."""


class Encoded(NamedTuple):
    """A model with its codes of some rows of its data set."""

    model: Drawable
    rows: NDArray[np.int64]  # [n]
    codes: Codes  # [n d]
    factors: NDArray[np.int64]  # [n f]


def encode_sample(model: Drawable, rows: int = ROWS) -> Encoded:
    """Encode the whole grid of the model's data set, or `rows` draws of it; the same rows for every model of a set."""
    dataset = model.dataset
    n = len(dataset)
    drawn = np.arange(n) if n <= rows else generator("pictures", 0).integers(n, size=rows)
    return Encoded(model, drawn, model.encode(drawn), dataset.factors.values(drawn))


def observed_images(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """What a network is shown at `rows`, [n h w c]; what is drawn anew at every look is as `encode` draws it."""
    return torch.cat(list(input_batches(dataset, rows))).movedim(1, -1).numpy()


def median_code(encoded: Encoded) -> NDArray[np.float32]:
    """The code [d] of one image from which latents are moved: the nearest to the median of all."""
    codes = encoded.codes.mean
    nearest: NDArray[np.float32] = codes[np.square(codes - np.median(codes, axis=0)).sum(1).argmin()]
    return nearest
