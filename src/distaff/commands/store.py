"""`distaff store`: check, merge, share and shrink the results of studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.extras import SubcommandApp

from distaff.errors import DistaffError

if TYPE_CHECKING:
    from distaff.store.merge import Merged
    from distaff.store.store import Store

app = SubcommandApp()
Folder = Annotated[Path, tyro.conf.Positional]


@app.command(name="check")
def store_check(folder: Folder, /, mend: bool = False) -> None:
    """Read every file of a store and compare it with its checksum; exit status 2 if one is damaged.

    Runs whose plug-ins are not on this machine are checked as any other; what is not known is not damaged.

    Example: distaff store check out/quick

    Args:
        folder: the store.
        mend: set damaged files aside (in damaged/), so that the next `distaff study run` computes them again, and
            remove what killed commands left, unless somebody works on the store.
    """
    from distaff.store.aside import remove_litter
    from distaff.store.check import check, notes
    from distaff.store.check import mend as set_aside
    from distaff.store.listing import listing
    from distaff.study.leases import leases_of
    from distaff.untrusted.markup import printable

    store = _store(folder)
    damages = list(check(store))
    for line in notes(store):
        print(f"note: {line}")
    if mend and not leases_of(folder).held() and (litter := remove_litter(store)):
        print(f"{litter} unfinished files and folders of killed commands removed")
    for damage in damages:
        print(printable(f"{damage.path}: {damage.problem}"))
    if damages and mend:
        print(f"{len(set_aside(store, damages))} set aside in {store.folder / 'damaged'}: run the study again")
    elif damages:
        raise DistaffError(f"{len(damages)} damaged files in {folder}; --mend sets them aside, to be computed again")
    else:
        print(f"{len(listing(store).runs)} runs, every file is as it was written")


@app.command(name="merge")
def store_merge(source: Folder, target: Folder, /) -> None:
    """Copy the runs and scores of one store that another lacks into it.

    Example: distaff store merge from-cluster-b out/unsupervised_2019

    Args:
        source: the store to read.
        target: the store to write.
    """
    from distaff.store.merge import merge

    _show_merged(merge(_store(source), _target(target)), target)


@app.command(name="export")
def store_export(folder: Folder, target: Folder, study: Folder, /, only: str = "", weights: bool = True) -> None:
    """Copy a part of a store to a new one.

    Example: distaff store export out/quick best studies/quick.py --only "method=beta_vae,beta>=4" --no-weights

    Args:
        folder: the store to read.
        target: the store to write.
        study: the study whose runs are selected.
        only: conditions on its runs, as for `distaff study run`.
        weights: copy the weights too.
    """
    from distaff.store.merge import merge
    from distaff.store.studies import load_study
    from distaff.study.select import select

    _show_merged(merge(_store(folder), _target(target), select(load_study(study), only), weights), target)


@app.command(name="prune")
def store_prune(folder: Folder, study: Folder, /, only: str = "") -> None:
    """Drop the weights of runs and keep their scores, curves and provenance.

    Weights that another study of the store still needs for its evaluation are kept.

    Example: distaff store prune out/quick studies/quick.py --only "method!=beta_vae"

    Args:
        folder: the store.
        study: the study whose runs are selected.
        only: conditions on its runs, as for `distaff study run`.
    """
    from distaff.store.studies import load_study
    from distaff.study.prune import prune
    from distaff.study.select import select

    loaded, store = load_study(study), _store(folder)
    done = prune(store, loaded, select(loaded, only))
    print(f"{done.bytes / 1e6:,.1f} MB of weights dropped; the scores are still there")
    for name, ids in done.kept.items():
        print(f"the weights of {len(ids)} runs are kept, as study {name} has not evaluated them in full: {ids[0]}, ...")


@app.command(name="compact")
def store_compact(folder: Folder, /) -> None:
    """Merge the files of scores of each run: metrics that were added later have files of their own.

    Example: distaff store compact out/quick

    Args:
        folder: the store.
    """
    from distaff.study.prune import compact

    print(f"{compact(_store(folder))} files merged into others in {folder}")


@app.command(name="push")
def store_push(folder: Folder, url: Annotated[str, tyro.conf.Positional], /, weights: bool = True) -> None:
    """Send the new files of a store to a Hugging Face data set repository, or any other place that fsspec knows.

    Example: distaff store push out/quick hf://datasets/me/quick

    Args:
        folder: the store.
        url: where to, such as hf://datasets/OWNER/NAME, s3://bucket/folder or a path.
        weights: send the weights too.
    """
    from distaff.store.remote import push

    print(f"{push(_store(folder), url, weights)} runs sent to {url}")


@app.command(name="pull")
def store_pull(url: Annotated[str, tyro.conf.Positional], folder: Folder, /) -> None:
    """Fetch the files that a store lacks from a place that `distaff store push` filled.

    Example: distaff store pull hf://datasets/me/quick out/quick

    Args:
        url: such as hf://datasets/OWNER/NAME, s3://bucket/folder or a path.
        folder: the store.
    """
    from distaff.store.remote import pull

    _show_merged(pull(url, _target(folder)), folder, "fetched")


def _show_merged(done: Merged, target: Path, how: str = "copied") -> None:
    """Print what a merge did; raises `DistaffError` where files of the other store are damaged."""
    print(f"{done.runs} runs and {done.files} other files {how} to {target}")
    for id in done.different:
        print(f"{id} has different weights in the two stores: the one in {target} is kept")
    for damage in done.damaged:
        print(f"not {how}: {damage.path}: {damage.problem}")
    if done.damaged:
        raise DistaffError(
            f"{len(done.damaged)} files are damaged and were not {how}, nor were the runs that they are of"
        )


def _store(folder: Path) -> Store:
    from distaff.store.formats import opened

    return opened(folder)


def _target(folder: Path) -> Store:
    from distaff.store.formats import readable
    from distaff.store.store import Store

    if folder.exists() and any(folder.iterdir()) and not (folder / "runs").is_dir():
        raise DistaffError(f"{folder} is neither empty nor a store: name an empty folder, or a store")
    readable(Store(folder))
    (folder / "runs").mkdir(parents=True, exist_ok=True)
    return Store(folder)
