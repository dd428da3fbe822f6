"""All pictures of a run: three files, so that a store of thousands of runs stays small."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distaff.atomic import write
from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.pictures import animate, carries, effects, sheet
from distaff.pictures.model import Encoded, Shown, encoded, middle, observed
from distaff.pictures.traverse import RANGES, fitted, fixed, quantiles, traversals

PANEL = 7  # columns of one traversal; three stand side by side
IMAGES, MOVING, FACTORS = "picture-images.png", "picture-latents.gif", "picture-factors.png"

SCALE = 1.5  # pixels of the PNG to a unit of the chart
LINE = "#c9c6bf"
LOOKS = {
    "background": "white",
    "padding": 12,
    "spacing": 32,
    "resolve": {"scale": {"color": "independent"}},
    "config": {
        "axis": {"domainColor": LINE, "tickColor": LINE, "gridColor": "#eceae5", "titleFontWeight": "normal"},
        "view": {"stroke": None},
        "title": {"anchor": "start", "fontSize": 13, "fontWeight": 600, "offset": 8, "subtitlePadding": 4},
    },
}


def draw(model: Shown, folder: Path) -> list[Path]:
    """Draw the pictures of a model into `folder` and return their paths.

    `picture-images.png`: real images above their reconstructions (of mean codes), samples of the prior, and traversals
    over three ranges. `picture-latents.gif`: the latents moving. `picture-factors.png`: which latent carries which
    factor, and the effect of setting one. The same model gives the same pictures. Raises `DistaffError` where the
    [report] extra is missing, or where the model gives numbers that are not finite.
    """
    found = encoded(model)
    if not (np.isfinite(found.codes.mean).all() and np.isfinite(model.decode(middle(found)[None])).all()):
        raise DistaffError(f"{model} gives codes or images that are not finite: there is nothing to look at")
    return [
        sheet.save(images(found), folder / IMAGES),
        animate.save(moving(found), folder / MOVING),
        write(folder / FACTORS, factors(found)),
    ]


def images(found: Encoded) -> sheet.Image:
    """Reconstructions, samples and traversals on one sheet."""
    code, names = middle(found), carries.names(found)
    draw, columns = generator("pictures.images", 0), 3 * PANEL
    shown = draw.choice(len(found.rows), size=columns, replace=len(found.rows) < columns)
    real = observed(found.model.dataset, found.rows)[shown]
    pair = sheet.grid(sheet.pixels(np.concatenate([real, found.model.decode(found.codes.mean[shown])])), columns)
    dreamt = found.model.decode(draw.standard_normal((2 * columns, code.size), dtype=np.float32))
    moves = (fixed(code.size, PANEL), fitted(found.codes, PANEL), quantiles(found.codes, PANEL))
    panels = [
        traversals(found.model.decode, code, move, labels=names if number == 0 else (), title=title)
        for number, (move, title) in enumerate(zip(moves, RANGES.values(), strict=True))
    ]
    return sheet.below(
        [
            sheet.labelled(pair, ("real", "rebuilt"), title="Images and what the model makes of them"),
            sheet.labelled(sheet.grid(sheet.pixels(dreamt), columns), title="Decoded draws of the prior"),
            sheet.beside(panels),
        ]
    )


def moving(found: Encoded) -> list[sheet.Image]:
    """The frames in which every latent goes through its fitted range."""
    code, span = middle(found), fitted(found.codes, 2).values
    path = animate.cycle(code, span[:, 0], span[:, 1], animate.FRAMES)
    return animate.frames(found.model.decode, code, path, carries.names(found))


def factors(found: Encoded) -> bytes:
    """The matrix of latents and factors above the effects of each factor on each latent, as a PNG."""
    try:
        import vl_convert
    except ImportError as error:
        raise DistaffError("pictures need the extra of reports: pip install 'distaff[report]'") from error
    sizes = dict(zip(found.model.dataset.factors.names, found.model.dataset.factors.sizes, strict=True))
    charts = [carries.chart(carries.frame(found)), effects.chart(effects.frame(found), sizes)]
    png: bytes = vl_convert.vegalite_to_png({"vconcat": charts, **LOOKS}, scale=SCALE)
    return png
