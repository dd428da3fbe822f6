"""Which rows of a table a metric is given: the train rows, and the test rows where it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.sampling import OF_2019

Ints = NDArray[np.int64]


class Split(NamedTuple):
    """Row numbers of a table. `test` is empty for a metric that predicts nothing."""

    train: Ints
    test: Ints


def disjoint(images: Ints, rows: int, test_rows: int, draw: int) -> tuple[Ints, Ints, Ints]:
    """The rows of a metric that predicts nothing, and the train and test rows of one that predicts.

    `images` [n] numbers the image that each row shows. The images are split at random in the proportion
    rows : test_rows. Train and test rows are drawn without replacement from the rows of either part, as many as were
    requested or are available, so that no test row shows an image that was trained on. A metric that predicts nothing
    is given the train rows, and where these are fewer than `rows` some of the other rows as well.

    The draws depend on `images`, the sizes and `draw` alone: all metrics share them. Raises `DistaffError` where the
    table has fewer than two images, of which one could be left for the test.
    """
    rng = generator("split", draw)
    distinct, number = np.unique(images, return_inverse=True)
    m, n = len(distinct), len(images)
    n_train = min(max((2 * m * rows + rows + test_rows) // (2 * (rows + test_rows)), 1), m - 1)  # rounded
    of_train = np.zeros(m, dtype=bool)
    of_train[rng.permutation(m)[:n_train]] = True
    order = rng.permutation(n)
    trained = of_train[number[order]]
    first, second = order[trained], order[~trained]
    alone = np.concatenate([first, second])[:rows]
    return alone if rows < n else np.arange(n), first[:rows], second[:test_rows]


def split_of_2019(n: int, rows: int, test_rows: int, rng: np.random.Generator) -> Split:
    """Independent draws with replacement from `n` rows, as the study of 2019 drew from the whole grid.

    A test row may have been trained on: of a large grid few, of `n` rows about 1 - exp(-rows / n) of them.
    """
    train = rng.integers(n, size=rows)
    return Split(train, rng.integers(n, size=test_rows) if test_rows else train[:0])


def overlap(split: Split, images: Ints) -> float:
    """The share of test rows that show an image which was trained on; NaN without test rows."""
    if not len(split.test):
        return float("nan")
    return float(np.isin(images[split.test], images[split.train]).mean())


def split_text(record: Mapping[str, Any]) -> str:
    """A record of rows as a phrase, such as "512 train and 256 test rows of 768 images; none ..."."""
    images, train, test, share = (record[name] for name in ("images", "train", "test", "overlap"))
    drawn = ", drawn with replacement as in 2019" if record["sampling"] == OF_2019 else ""
    if not test:
        return f"{train:,} rows of {images:,} images{drawn}"
    shown = f"{share:.1%} of the test rows show" if share else "no test row shows"
    return f"{train:,} train and {test:,} test rows of {images:,} images{drawn}; {shown} an image that was trained on"
