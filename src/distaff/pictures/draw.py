"""All pictures of a run: three files, so that a store of thousands of runs stays small."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from distaff.atomic import write
from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.pictures import animate, effects, latent_factors, sheet
from distaff.pictures.model import Drawable, Encoded, encode_sample, median_code, observed_images
from distaff.pictures.traverse import RANGES, fitted, fixed, quantiles, traversals
from distaff.seal import sealed_picture

PANEL = 7  # columns of one traversal; three stand side by side
IMAGES, MOVING, FACTORS = "picture-images.png", "picture-latents.gif", "picture-factors.png"

SCALE = 1.5  # pixels of the PNG to a unit of the chart
LINE = "#c9c6bf"
CHART_STYLE = {
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


def draw_pictures(model: Drawable, folder: Path, failed: Callable[[str, Exception], None] | None = None) -> list[Path]:
    """Draw the pictures of a model into `folder` and return their paths.

    `picture-images.png`: real images above their reconstructions (of mean codes), samples of the prior, and traversals
    over three ranges. `picture-latents.gif`: the latents moving. `picture-factors.png`: which latent carries which
    factor, and the effect of setting one. The same model gives the same pictures. Raises `DistaffError` where the
    [report] extra is missing, or where the model gives numbers that are not finite. With `failed`, what a picture
    raises goes there with its name, and the others are drawn.
    """
    try:
        encoded = encode_sample(model)
        if not (np.isfinite(encoded.codes.mean).all() and np.isfinite(model.decode(median_code(encoded)[None])).all()):
            raise DistaffError(f"{model} gives codes or images that are not finite: there is nothing to draw")
    except Exception as error:
        if failed is None:
            raise
        for name in (IMAGES, MOVING, FACTORS):
            failed(name, error)
        return []
    drawings: dict[str, Callable[[Path], Path]] = {
        IMAGES: lambda path: sheet.save_png(images(encoded), path),
        MOVING: lambda path: animate.save_gif(moving(encoded), path),
        FACTORS: lambda path: write(path, sealed_picture(factors(encoded))),
    }
    drawn = []
    for name, draw in drawings.items():
        try:
            drawn.append(draw(folder / name))
        except Exception as error:
            if failed is None:
                raise
            failed(name, error)
    return drawn


def images(encoded: Encoded) -> sheet.Image:
    """Reconstructions, samples and traversals on one sheet."""
    code, names = median_code(encoded), latent_factors.names(encoded)
    draws, columns = generator("pictures.images", 0), 3 * PANEL
    shown = draws.choice(len(encoded.rows), size=columns, replace=len(encoded.rows) < columns)
    real = observed_images(encoded.model.dataset, encoded.rows)[shown]
    pair = sheet.grid(sheet.pixels(np.concatenate([real, encoded.model.decode(encoded.codes.mean[shown])])), columns)
    samples = encoded.model.decode(draws.standard_normal((2 * columns, code.size), dtype=np.float32))
    moves = (fixed(code.size, PANEL), fitted(encoded.codes, PANEL), quantiles(encoded.codes, PANEL))
    panels = [
        traversals(encoded.model.decode, code, move, labels=names if number == 0 else (), title=title)
        for number, (move, title) in enumerate(zip(moves, RANGES.values(), strict=True))
    ]
    return sheet.below(
        [
            sheet.labelled(pair, ("real", "rebuilt"), title="Images and what the model makes of them"),
            sheet.labelled(sheet.grid(sheet.pixels(samples), columns), title="Decoded draws of the prior"),
            sheet.beside(panels),
        ]
    )


def moving(encoded: Encoded) -> list[sheet.Image]:
    """The frames in which every latent goes through its fitted range."""
    code, span = median_code(encoded), fitted(encoded.codes, 2).values
    path = animate.cycle(code, span[:, 0], span[:, 1], animate.FRAMES)
    return animate.frames(encoded.model.decode, code, path, latent_factors.names(encoded))


def factors(encoded: Encoded) -> bytes:
    """The matrix of latents and factors above the effects of each factor on each latent, as a PNG."""
    try:
        import vl_convert
    except ImportError as error:
        raise DistaffError("pictures need the extra of reports: pip install 'distaff[report]'") from error
    sizes = dict(zip(encoded.model.dataset.factors.names, encoded.model.dataset.factors.sizes, strict=True))
    charts = [latent_factors.chart(latent_factors.frame(encoded)), effects.chart(effects.frame(encoded), sizes)]
    png: bytes = vl_convert.vegalite_to_png({"vconcat": charts, **CHART_STYLE}, scale=SCALE)
    return png
