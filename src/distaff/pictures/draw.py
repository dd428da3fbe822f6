"""All pictures of a run: three files, so that a store of thousands of runs stays small."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.pictures import animate, carries, effects, sheet
from distaff.pictures.model import Seen, middle, observed, see
from distaff.pictures.traverse import RANGES, fitted, fixed, quantiles, traversals
from distaff.runs import Run
from distaff.types import Params

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


def draw(run: Run, params: Params, folder: Path) -> list[Path]:
    """Draw the run's pictures into `folder` and return their paths.

    `picture-images.png`: real images above their reconstructions (of mean codes), samples of the prior, and traversals
    over three ranges. `picture-latents.gif`: the latents moving. `picture-factors.png`: which latent carries which
    factor, and the effect of setting one. The same run gives the same pictures. Raises `DistaffError` where the
    [report] extra is missing.
    """
    if any(not bool(weights.isfinite().all()) for weights in params.values()):
        raise DistaffError(f"run {run.id} has weights that are not finite: there is nothing to look at")
    seen = see(run, params)
    return [
        sheet.save(images(seen), folder / IMAGES),
        animate.save(moving(seen), folder / MOVING),
        sheet.write(folder / FACTORS, factors(seen)),
    ]


def images(seen: Seen) -> sheet.Image:
    """Reconstructions, samples and traversals on one sheet."""
    code, names = middle(seen), carries.names(seen)
    draw, columns = generator("pictures.images", 0), 3 * PANEL
    shown = draw.choice(len(seen.rows), size=columns, replace=len(seen.rows) < columns)
    real = observed(seen.dataset, seen.rows)[shown]
    pair = sheet.grid(sheet.pixels(np.concatenate([real, seen.decode(seen.codes.mean[shown])])), columns)
    dreamt = seen.decode(draw.standard_normal((2 * columns, code.size), dtype=np.float32))
    moves = (fixed(code.size, PANEL), fitted(seen.codes, PANEL), quantiles(seen.codes, PANEL))
    panels = [
        traversals(seen.decode, code, move, labels=names if number == 0 else (), title=title)
        for number, (move, title) in enumerate(zip(moves, RANGES.values(), strict=True))
    ]
    return sheet.below(
        [
            sheet.labelled(pair, ("real", "rebuilt"), title="Images and what the model makes of them"),
            sheet.labelled(sheet.grid(sheet.pixels(dreamt), columns), title="Decoded draws of the prior"),
            sheet.beside(panels),
        ]
    )


def moving(seen: Seen) -> list[sheet.Image]:
    """The frames in which every latent goes through its fitted range."""
    code, span = middle(seen), fitted(seen.codes, 2).values
    path = animate.cycle(code, span[:, 0], span[:, 1], animate.FRAMES)
    return animate.frames(seen.decode, code, path, carries.names(seen))


def factors(seen: Seen) -> bytes:
    """The matrix of latents and factors above the effects of each factor on each latent, as a PNG."""
    try:
        import vl_convert
    except ImportError as error:
        raise DistaffError("pictures need the extra of reports: pip install 'distaff[report]'") from error
    sizes = dict(zip(seen.dataset.factors.names, seen.dataset.factors.sizes, strict=True))
    charts = [carries.chart(carries.frame(seen)), effects.chart(effects.frame(seen), sizes)]
    png: bytes = vl_convert.vegalite_to_png({"vconcat": charts, **LOOKS}, scale=SCALE)
    return png
