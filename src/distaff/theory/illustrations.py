"""The theorem as pictures: the same square with its colours stirred, the same images from turned codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.codes import Codes
from distaff.data import Dataset
from distaff.draws import generator
from distaff.pictures import latent_factors, sheet
from distaff.pictures.model import Drawable, Encoded, median_code
from distaff.pictures.traverse import fitted, traversals
from distaff.theory.demonstration import BINS
from distaff.theory.impossibility import NORMAL, UNIFORM, Floats, entangle
from distaff.theory.rotated import Twins

POINTS = 4_000
PRIORS = {"uniform": UNIFORM, "normal": NORMAL}
COLUMNS = 9  # of one traversal


def stirred(a: Floats, n: int = POINTS) -> dict[str, Any]:
    """Draws z of two latents beside f(z), for both priors, coloured by the tenth of z_1: a Vega-Lite chart."""
    u = generator("theory.stirred", 0).random((n, 2))
    panels = []
    for name, prior in PRIORS.items():
        z = prior.ppf(u)
        for title, points in ((f"z, {name} prior", z), (f"f(z), {name} prior", entangle(z, a, prior))):
            panels.append(
                _panel(pl.DataFrame({"x": points[:, 0], "y": points[:, 1], "tenth": (BINS * u[:, 0]) // 1}), title)
            )
    return {"hconcat": panels, "background": "white", "padding": 8, "config": {"view": {"stroke": "#d9d6cf"}}}


def _panel(points: pl.DataFrame, title: str) -> dict[str, Any]:
    axis = {"grid": False, "tickCount": 3, "title": None, "domain": False}
    place = {"type": "quantitative", "axis": axis, "scale": {"nice": False, "zero": False}}
    return {
        "title": {"text": title, "anchor": "start", "fontWeight": "normal"},
        "data": {"values": points.with_columns(pl.col("x", "y").round(4)).to_dicts()},
        "width": 230,
        "height": 230,
        "mark": {"type": "circle", "size": 9, "opacity": 1, "clip": True},
        "encoding": {
            "x": {"field": "x", **place},
            "y": {"field": "y", **place},
            "color": {"field": "tenth", "type": "quantitative", "scale": {"scheme": "viridis"}, "legend": None},
        },
    }


def images(twins: Twins, columns: int = 16) -> sheet.Image:
    """What both decoders give, one above the other."""
    first, second = twins.pixels
    both = np.concatenate([first[:columns], second[:columns]])
    return sheet.labelled(sheet.grid(sheet.pixels(both), columns), ("decoder at z", "turned decoder at Az"))


@dataclass(frozen=True, eq=False)
class RotatedModel:
    """The twin of a model: it decodes w by dec(A'w), and encodes to A m with the variances of A S A'."""

    model: Drawable
    turn: NDArray[np.float32]  # A [d d]

    @property
    def dataset(self) -> Dataset:
        """That of the model."""
        return self.model.dataset

    def encode(self, rows: NDArray[np.int64]) -> Codes:
        """The model's codes, turned."""
        codes = self.model.encode(rows)
        return Codes(codes.mean @ self.turn.T, np.log(np.exp(codes.logvar) @ np.square(self.turn).T))

    def decode(self, w: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's images of the codes turned back."""
        return self.model.decode(w @ self.turn)


def moved(encoded: Encoded, a: Floats) -> sheet.Image:
    """Traversals of the model's latents beside those of its twin, from the code of one image."""
    twin = RotatedModel(encoded.model, a.astype(np.float32))
    code, sheets = median_code(encoded), []
    pairs = (
        (encoded, code, "The model's latents"),
        (encoded._replace(model=twin, codes=twin.encode(encoded.rows)), (code @ a.T).astype(np.float32), "Its twin's"),
    )
    for one, start, title in pairs:
        moves = fitted(one.codes, COLUMNS)
        sheets.append(traversals(one.model.decode, start, moves, labels=latent_factors.names(one), title=title))
    return sheet.beside(sheets, gap=28)
