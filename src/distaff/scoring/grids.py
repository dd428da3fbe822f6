"""What the data sets of a study are evaluated on: the sizes of their factors, and the rows that their scores are of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from distaff import data
from distaff.errors import DistaffError
from distaff.runs import Study
from distaff.sampling import OF_2019
from distaff.scoring.protocol import split_records_of_run
from distaff.store.listing import listing
from distaff.store.store import Store


def factor_sizes(datasets: Iterable[str], log: Callable[[str], None] = lambda _: None) -> dict[str, tuple[int, ...]]:
    """How many values the factors of each data set have; `log` hears of one that cannot be loaded here, left out."""
    sizes = {}
    for name in datasets:
        try:
            sizes[name] = data.load(name).factors.sizes
        except DistaffError as error:
            log(f"{name}: nothing is known of the scores of noise, since {error}")
    return sizes


def split_records(study: Study, store: Store) -> dict[str, dict[str, Any]]:
    """For each data set of a study, what is recorded of the rows of its scores; see `metrics.evaluate.split_record`.

    Files of scores of before there was a record are of the sampling of 2019: its overlap follows from the sizes.
    """
    stored, records = listing(store).runs, {}
    for run in study.runs:
        name = str(run.dataset)
        if name in records or run.id not in stored or not any(store.run_folder(run.id).glob("scores-*.json")):
            continue
        record = split_records_of_run(store, run.id).get(study.sampling)
        if record is None and study.sampling == OF_2019:
            record = _of_2019(name, study)
        if record is not None:
            records[name] = record
    return records


def _of_2019(dataset: str, study: Study) -> dict[str, Any] | None:
    try:
        n = min(len(data.load(dataset)), study.grid_rows)
    except DistaffError:  # a store can be read where its images are not
        return None
    share = round(1 - (1 - 1 / n) ** study.rows, 4)
    return {
        "sampling": OF_2019, "images": n, "rows": n, "train": study.rows, "test": study.test_rows, "overlap": share,
    }  # fmt: skip
