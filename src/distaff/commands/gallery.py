"""The runs that a report shows as pictures."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from distaff.study.store import Store

NAMES = {"picture-images.png": "reconstructions_and_traversals", "picture-factors.png": "factors_and_latents"}


def gallery(numbers: pl.DataFrame, store: Store, report: Path) -> dict[str, dict[str, str]]:
    """Pictures of the best, the middle and the worst run of each data set, by MIG where it was asked, in `report`.

    Gives, by the id of a run, the name of each picture and its place in the folder `report`. Pictures that stand in the
    run's folder are copied, others drawn.
    """
    from distaff.pictures.draw import draw

    shown: dict[str, dict[str, str]] = {}
    for id in chosen(numbers):
        folder = report / "pictures" / id
        if not all((store.run_folder(id) / name).exists() for name in NAMES):
            draw(store.run(id), store.params(id), folder)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            for name in NAMES:
                shutil.copyfile(store.run_folder(id) / name, folder / name)
        shown[id] = {told: (folder / name).relative_to(report).as_posix() for name, told in NAMES.items()}
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
