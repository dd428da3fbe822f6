"""`distaff data`: list, fetch and show data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro
from tyro.extras import SubcommandApp

app = SubcommandApp()


@app.command(name="list")
def data_list() -> None:
    """The data sets: images, factors, size on disk, licence, and whether they are on this machine.

    Example: distaff data list
    """
    from distaff.data.cache.built import cache_folder
    from distaff.errors import DistaffError
    from distaff.plugins.file import REQUIRED
    from distaff.plugins.registry import DATASETS

    for name in DATASETS.names():
        try:
            plugin = DATASETS.plugin(name)
        except DistaffError as error:  # a file that is broken
            print(f"{name:18} {error}\n")
            continue
        if any(parameter.default is REQUIRED for parameter in plugin.parameters):
            print(f"{name}({', '.join(f'{p.name}=...' for p in plugin.parameters)}): {plugin.summary}\n")
            continue
        try:
            print(_description(name, plugin.marks["licence"]))
        except DistaffError as error:  # of one set; the others are listed all the same
            print(f"{name:18} {error}\n")
    print(f"in {cache_folder()}")


def _description(name: str, licence: str) -> str:
    from distaff.data import load, published
    from distaff.data.cache.built import built_folder

    dataset, source = load(name), published(name)
    sizes = zip(dataset.factors.all_names, dataset.factors.all_sizes, strict=True)
    factors = [f"{k} {n}{' (hidden)' if k in dataset.factors.hidden else ''}" for k, n in sizes]
    size = _size_text(dataset.cached.bytes) if dataset.cached else "no file"
    lines = [
        f"{name:18} {len(dataset):>9,} images  {size:>7}  {_availability(name):17}  {licence}",
        f"    {', '.join(factors)}",
    ]
    if source is not None and source.parameter:
        availability = "available" if built_folder(source.cached_name).exists() else f"run `distaff data fetch {name}`"
        lines.append(f"    {name}({source.parameter}): the published images; {availability}")
    return "\n".join([*lines, ""])


def _availability(name: str) -> str:
    from distaff.data import load, published

    dataset = load(name)
    if dataset.cached is None:
        return "drawn in memory"
    if dataset.cached.exists:
        return "yes"
    source = published(name)
    return "fetch it" if source is not None and source.cached_name == dataset.cached.name else "made at first use"


def _size_text(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


@app.command(name="fetch")
def data_fetch(
    name: Annotated[str, tyro.conf.Positional],
    /,
    from_: Annotated[str | None, tyro.conf.arg(name="from")] = None,
    unchecked: bool = False,
) -> None:
    """Download the files of a published data set, check them, and convert them once; run it again to go on.

    Example: distaff data fetch shapes3d --from ~/Downloads/3dshapes.h5

    Args:
        name: a published data set, such as smallnorb.
        from_: a file or folder on this machine, or the URL of a mirror, instead of the authors' host.
        unchecked: accept files whose checksum is not the published one.
    """
    from distaff.data.cache.fetch import fetch

    fetch(name, from_, unchecked=unchecked)


@app.command(name="show")
def data_show(name: Annotated[str, tyro.conf.Positional], /, out: Path | None = None, seed: int = 0) -> None:
    """Draw a picture of a data set: some of its images, and one strip for each factor.

    Example: distaff data show shapes3d_lookalike --out room.png

    Args:
        name: a data set with its parameters, such as dsprites or "arrays(images='mine.npz')".
        out: the PNG to write; by default NAME.png here.
        seed: decides which images are drawn.
    """
    from distaff.data import load
    from distaff.pictures.contact_sheet import save, sheet

    dataset = load(name)
    path = out or Path(f"{dataset.name}.png")
    save(sheet(dataset, seed), path)
    print(path)
