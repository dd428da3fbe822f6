"""The runs that a report shows as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from distaff.study.store import Store


def gallery(numbers: pl.DataFrame, store: Store, report: Path) -> dict[str, dict[str, str]]:
    """A picture of the best, the middle and the worst run of each data set, by MIG where it was asked, in `report`.

    Gives, by the id of a run, the name of its picture and its place in the folder `report`. One that stands in the
    run's folder is copied, another drawn.
    """
    from distaff.pictures.draw import IMAGES, images
    from distaff.pictures.model import see
    from distaff.pictures.sheet import save, write

    shown: dict[str, dict[str, str]] = {}
    for id in chosen(numbers):
        kept, path = store.run_folder(id) / IMAGES, report / "pictures" / f"{id}.png"
        if kept.exists():
            write(path, kept.read_bytes())
        else:
            save(images(see(store.run(id), store.params(id))), path)
        shown[id] = {"reconstructions, samples and traversals": path.relative_to(report).as_posix()}
    return shown


def chosen(numbers: pl.DataFrame) -> list[str]:
    """The ids of the run with the highest, the middle and the lowest score of each data set of the table."""
    from distaff.analysis.scores import scores, supervised

    ids: list[str] = []
    for _, part in sorted(numbers.group_by("dataset")):
        names = supervised(part)
        if not names:
            continue
        ranked = scores(part, "mig" if "mig" in names else names[0]).sort("value", "id", descending=True)["id"]
        ids += dict.fromkeys([ranked[0], ranked[len(ranked) // 2], ranked[-1]])
    return ids
