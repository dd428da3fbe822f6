"""The pages of the data sets, generated from the code: `python docs/data/make.py`, and `--pictures` for those.

What is not in the code stands below: where a set differs from the old library; a new set needs nothing here. Published
sets that may not be passed on, or are not on this machine, have no picture here; `distaff data show NAME` draws it.
"""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

import numpy as np

from distaff import data
from distaff.data import Dataset, Factors
from distaff.plugins.registry import DATASETS
from distaff.share.cite import entries_of

HERE = Path(__file__).parent
FRAMES = HERE.parent.parent / "tests" / "frames" / "shapes3d_25_frames.npz"
COLOURS = 96  # of a picture on a page

DRAWN = (
    "The images are drawn, not read. Of 285 published frames that were looked at to find the geometry "
    "and 43 that were not, every pixel is the same; the number of white pixels of the whole set is "
    "128,328,864 where the published mean gives 128,328,862. A few hundred of 3 billion pixels may "
    "differ: `distaff data fetch dsprites` counts them."
)
FRESH = "Colour, crop and noise come from the run's seed and the step, so that a run repeats; the formula is the same."
NEW = "It is not in the old library."
OURS = "It is not in the old library. Its scores are not to be compared with those of the published set."

DIFFERENCES = {  # where a set differs from the old library; of one that is not named here there is nothing to compare
    "dsprites": [
        DRAWN,
        "The colour, which has one value, is left out; the old library had it as a factor by default.",
        "Orientations 0 and 39 give the same images, as in the published file; 715,706 images are different.",
        "`dsprites(official=True)` takes the published images; it is another data set to the ids of runs.",
    ],
    "dsprites_noshape": [
        "The images are drawn as for [dsprites](dsprites.md).",
    ],
    "color_dsprites": [
        "The images are drawn as for [dsprites](dsprites.md).",
        FRESH,
    ],
    "noisy_dsprites": [
        "The images are drawn as for [dsprites](dsprites.md).",
        FRESH,
    ],
    "scream_dsprites": [
        "The images are drawn as for [dsprites](dsprites.md).",
        FRESH,
        "The picture ships with the package, 217 x 274 pixels (Edvard Munch, 1893; public domain, he died in "
        "1944). The old library downloads and reduces it with a call that today's Pillow refuses; crops "
        "differ by resampling only.",
        "As there, the last offset of a crop in each direction is never drawn.",
    ],
    "smallnorb": [
        "Lanczos' filter is clipped to 0 and 255. The old library reduced in 32 bits, and some pixels lay a "
        "little below 0 or above 1.",
        "A value one beyond a factor's last is an error; the old library returned a wrong image.",
    ],
    "cars3d": [
        "Cars are numbered by the archive's list. The old library took the folder as the file system listed "
        "it, so that the numbers differ between machines.",
    ],
    "shapes3d": [
        "The public HDF5 file is read; the old library needs an npz file that was never published.",
        "Images stay bytes on the disk: no 23.6 GB of memory.",
    ],
    "shapes3d_lookalike": [
        OURS,
        "Against 25 real frames the mean absolute error is at most 4 of 255. The grain of floor and walls "
        "and the facets of the objects are missing.",
        "Orientation grows in the direction of the published animation's frames.",
    ],
    "cars3d_lookalike": [
        OURS,
        "Its mean (.900, .895, .895) and spread over an image (.217, .225, .224) are near those of Cars3D "
        "(.898, .889, .885; .225, .240, .248). Elevations are 0 to 30 degrees; those of Cars3D are not "
        "published.",
    ],
    "smallnorb_lookalike": [
        OURS,
        "Its mean is .765 for SmallNORB's .752, its spread over an image .109 for .096.",
    ],
    "mpi3d_toy": [
        "Sizes follow from the number of images: 1,036,800 or, of the 2019 challenge, 460,800. The old "
        "library reads today's file with the challenge's sizes and mislabels all of it.",
    ],
    "mpi3d_realistic": [
        "As for [mpi3d_toy](mpi3d_toy.md): sizes follow from the number of images.",
    ],
    "mpi3d_real": [
        "Nothing but the way it is read: 12.7 GB are mapped, not loaded.",
    ],
    "mpi3d_complex": [
        "It is not in the old library.",
        "No checksum is published: the first download's is recorded and printed.",
    ],
    "toy": [
        "It is not in the old library. A thousand models of it train on a laptop.",
    ],
    "correlated": [
        "It is not in the old library.",
        "Metrics see the complete grid, without the correlation.",
    ],
    "arrays": [
        "The old library takes data sets as Python classes only, and complete grids only.",
    ],
}

EXAMPLES = {
    "arrays": """```python
import numpy as np
from distaff.data import load

rng = np.random.default_rng(0)
factors = np.stack(np.unravel_index(rng.permutation(24)[:20], (2, 3, 4)), axis=1)  # 20 of 24 cells, in any order
np.savez("mine.npz", images=rng.integers(0, 256, (20, 64, 64, 3), dtype=np.uint8), factors=factors)
mine = load("arrays(images='mine.npz')")
print(len(mine), mine.factors.sizes, mine.factors.complete)
assert mine.images(np.arange(20)).shape == (20, 64, 64, 3)
```

    distaff train "arrays(images='pictures/', factors='table.csv')" "beta_vae(beta=4)"
    distaff data show "arrays(images='3d.h5:images', factors='3d.h5:labels')"

`table.csv` has a header; a column `file` names the pictures, the others are factors. A run's id holds the paths as they
are written, not what is in the files: give changed data a new name.
""",
    "correlated": """```python
import numpy as np
from distaff.data import load

both = load("correlated(dataset='toy', pairs=(('posX', 'posY'),), sigma=0.1)")
values = both.factors.values(both.draw_rows(0, 0, 10_000))
print(np.corrcoef(values[:, 2], values[:, 3])[0, 1].round(2))
assert np.abs(np.corrcoef(values.T)[0, 1]) < 0.05
```
""",
}


def names() -> list[str]:
    """The data sets of the package: those of the study first, in the order above, the rest by name."""
    packaged = DATASETS.packaged()
    return [*DIFFERENCES, *(name for name in packaged if name not in DIFFERENCES)]


def page(name: str) -> str:
    """The text of the page of `name`."""
    plugin, differences = DATASETS.plugin(name), DIFFERENCES.get(name, [NEW])
    summary, _, rest = inspect.cleandoc(plugin.doc).partition("\n\n")
    parts = [f"# {name}", summary, *([rest] if rest else [])]
    if (HERE / "pictures" / f"{name}.png").exists():
        parts.append(f"![Images of {name}, and what each factor does](pictures/{name}.png)")
    if name in EXAMPLES:
        parts.append(EXAMPLES[name].strip())
    else:
        parts += [_table(data.load(name).factors), _facts(name, data.load(name))]
    parts += ["## What differs from disentanglement_lib", "\n".join(f"- {line}" for line in differences)]
    if entries := entries_of(plugin):
        parts += ["## Citation", "\n".join(["```bibtex", *(entry.strip() for entry in entries), "```"])]
    return "\n\n".join(parts) + "\n"


def contents() -> str:
    """The text of the list of the pages."""
    lines = [f"- [{name}]({name}.md): {DATASETS.plugin(name).summary}" for name in names()]
    commands = (
        "`distaff data list` shows what is on this machine, `fetch NAME` brings a published set, `show NAME` draws one."
    )
    return "\n\n".join(["# Data sets", commands, "\n".join(lines)]) + "\n"


def _table(factors: Factors) -> str:
    lines = ["| factor | values | |", "|---|---|---|"]
    for name, size in zip(factors.all_names, factors.all_sizes, strict=True):
        values = factors.units.get(name, "") + (" (hidden)" if name in factors.hidden else "")
        lines.append(f"| {name} | {size} | {values.strip()} |")
    return "\n".join(lines)


def _facts(name: str, dataset: Dataset) -> str:
    marks, how = DATASETS.plugin(name).marks, data.published(name)
    h, w, c = dataset.shape
    facts = [f"{len(dataset):,} images, {h} x {w}, {c} channel{'s' * (c > 1)}"]
    if dataset.cached is not None:
        facts.append(f"{dataset.cached.bytes / 1e6:,.0f} MB on disk")
    lines = [", ".join(facts) + ".", f"Licence: {marks['licence']}. Source: {marks['source']}"]
    if how is not None:
        lines += ["", f"    distaff data fetch {name}              # or --from PATH, a file or folder that you have"]
        files = (*how.files, *how.alternatives)
        lines += ["", *(f"- `{file.name}`, {file.checksum or 'no checksum published'}" for file in files)]
        if how.alternatives:
            lines.append(f"\nOne of the two is enough. `{name}({how.parameter})` takes its images.")
        if not (HERE / "pictures" / f"{name}.png").exists():
            lines.append(f"\n`distaff data show {name}` draws its picture, once you have the files.")
    return "\n".join(lines)


def picture(name: str) -> np.ndarray | None:
    """The picture of `name`, if its images can be had here and may be shown."""
    from distaff.pictures.contact_sheet import sheet

    if name == "shapes3d":
        frames = np.load(FRAMES)["images"]
        return np.pad(frames, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=255).reshape(
            5, 5, 68, 68, 3).swapaxes(1, 2).reshape(340, 340, 3)  # fmt: skip
    if name == "correlated":
        return _densities()
    how = data.published(name)
    if name == "arrays" or (how is not None and how.cached_name == name):
        return None
    return sheet(data.load(name))


def _densities() -> np.ndarray:
    """p(a, b) of two factors of 32 values, for the four strengths of the paper."""
    from distaff.data.correlated import density

    factors = Factors(("a", "b"), (32, 32))
    squares = []
    for sigma in (0.04, 0.1, 0.2, 0.4):
        p = density(factors, [0, 1], (("a", "b"),), sigma)
        dark = np.rint(255 * (1 - p / p.max())).astype(np.uint8).repeat(5, 0).repeat(5, 1)
        squares.append(np.pad(np.pad(dark, 1, constant_values=160), 8, constant_values=255))
    return np.concatenate(squares, axis=1)[:, :, None].repeat(3, axis=2)


def main() -> None:
    """Write every page, and with `--pictures` every picture first."""
    from PIL import Image

    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pictures", action="store_true")
    pictures = arguments.parse_args().pictures
    for name in names():
        if pictures and (drawn := picture(name)) is not None:
            small = Image.fromarray(drawn).quantize(COLOURS, dither=Image.Dither.NONE)
            small.save(HERE / "pictures" / f"{name}.png", optimize=True)
        (HERE / f"{name}.md").write_text(page(name), encoding="utf-8")
    (HERE / "README.md").write_text(contents(), encoding="utf-8")


if __name__ == "__main__":
    main()
