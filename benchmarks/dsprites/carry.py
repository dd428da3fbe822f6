"""Runs that were trained and not scored in time, carried to another machine as files that are small enough to send.

Hours of a GPU are not lost because minutes of a processor were missing: whoever has the files scores the runs later.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from distaff.atomic import write
from distaff.runs import Study
from distaff.store.merge import merge
from distaff.store.store import Store
from distaff.store.studies import save_study

RUNS = 5  # in a file: conv64's weights are 2.8 MB each
FILES = 3
PATTERN = "unscored-*.tar"


def carry(store: Store, ids: Iterable[str], folder: Path) -> list[str]:
    """Write the folders of runs as tar files into `folder`, as many as fit; returns the ids of those."""
    chosen = sorted(ids)[: RUNS * FILES]
    for number in range(0, len(chosen), RUNS):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            for id in chosen[number : number + RUNS]:
                tar.add(store.run_folder(id), arcname=f"runs/{id}")
        write(folder / f"unscored-{number // RUNS + 1}.tar", content.getvalue())
    return chosen


def unpack(folder: Path, store: Store, study: Study, scratch: Path) -> int:
    """Add the runs that `carry` wrote to a store, checked file by file; returns how many are new there."""
    paths = sorted(folder.glob(PATTERN))
    if not paths:
        return 0
    for path in paths:
        with tarfile.open(path) as tar:
            tar.extractall(scratch, filter="data")
    save_study(scratch, study)
    save_study(store.folder, study)
    return merge(Store(scratch), store).runs
