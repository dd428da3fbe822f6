"""Which executor does the work: each starts workers, watches over them, and returns when nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from distaff.errors import unknown


def start(
    folder: Path,
    study: str,
    on: str,
    only: str,
    workers: int,
    _address: str,
    _options: str,
    tick: Callable[[], None],
) -> None:
    """Do all jobs of `study`, recorded in the store, by the executor `on`."""
    if on == "local":
        from distaff.study.executors.local import run_local

        run_local(folder, study, only=only, workers=workers or None, tick=tick)
    else:
        raise unknown("executor", on, ["local"])
