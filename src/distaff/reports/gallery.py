"""The runs that a report shows as pictures: the best, the middle and the worst of each data set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from distaff.analysis.scores import scores, supervised

if TYPE_CHECKING:
    import polars as pl

    from distaff.store.store import Store


def draw_examples(table: pl.DataFrame, store: Store) -> list[str]:
    """Draw the example runs of each data set into their folders, where the pages find the pictures; returns their ids.

    Pictures that exist are left as they are. A picture of every run would be gigabytes in a study of thousands:
    `distaff show` draws the others.
    """
    from distaff.pictures.draw import FACTORS, draw_pictures

    ids = example_runs(table)
    for id in ids:
        if not (store.run_folder(id) / FACTORS).exists():  # the last to be drawn
            draw_pictures(store.model(id), store.run_folder(id))
    return ids


def example_runs(table: pl.DataFrame) -> list[str]:
    """The ids of the runs with the highest, the middle and the lowest score of each data set: of MIG where it is there.

    A data set without disentanglement scores has none.
    """
    ids: list[str] = []
    for _, part in sorted(table.group_by("dataset")):
        names = supervised(part)
        if not names:
            continue
        ranked = scores(part, "mig" if "mig" in names else names[0]).sort("value", "id", descending=True)["id"]
        ids += dict.fromkeys([ranked[0], ranked[len(ranked) // 2], ranked[-1]])
    return ids
