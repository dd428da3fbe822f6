"""The runs that a report shows as pictures without being asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from distaff.store.store import Store


def illustrate(numbers: pl.DataFrame, store: Store) -> list[str]:
    """Draw the best, the middle and the worst run of each data set into their folders, where the report finds them.

    They are chosen by MIG where the table of scores has it. Those that were drawn before are left; returns the ids of
    all. A picture of every run would be gigabytes in a study of thousands: `distaff show` draws the others.
    """
    from distaff.pictures.draw import FACTORS, draw_pictures

    ids = chosen(numbers)
    for id in ids:
        if not (store.run_folder(id) / FACTORS).exists():  # the last to be drawn
            draw_pictures(store.model(id), store.run_folder(id))
    return ids


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
