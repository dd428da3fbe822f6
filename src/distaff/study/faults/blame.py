"""Who is to blame for what was raised: the place, one run of a pack, a metric; and of what kind it is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import NamedTuple

from distaff.errors import DistaffError, PluginError
from distaff.runs import Run, structure
from distaff.study.checkpoints import SubPack, extracted
from distaff.training.fit import try_update
from distaff.training.seal import sealed
from distaff.weather import weather_in

OUT_OF_MEMORY = "out of memory"
LOST_GPU = ("CUDA error", "HIP error", "device-side assert")


class Guilty(NamedTuple):
    """A run that raises when it is trained alone, and what it raises."""

    run: Run
    error: Exception


def find_guilty(
    subpack: SubPack, whole: tuple[Run, ...], device: str, check: Callable[[], None] = lambda: None
) -> list[Guilty]:
    """The runs of a sub-pack that raise when they are trained apart: by method first, then alone where a method raises.

    Each is trained for one update, from the checkpoint that was saved when the sub-pack raised. `check` is called
    between them, and may raise to stop. A fault of the place is raised as it is.
    """
    guilty = []
    in_order = sorted(subpack.runs, key=structure)
    for _, group in groupby(in_order, structure):
        alike = tuple(group)
        check()
        error = _raised(subpack, alike, whole, device)
        if error is not None and len(alike) == 1:
            guilty.append(Guilty(alike[0], error))
        elif error is not None:
            for run in alike:
                check()
                if (alone := _raised(subpack, (run,), whole, device)) is not None:
                    guilty.append(Guilty(run, alone))
    return guilty


def _raised(subpack: SubPack, runs: tuple[Run, ...], whole: tuple[Run, ...], device: str) -> Exception | None:
    ids = {run.id for run in runs}
    content = b"".join(sealed(extracted(subpack.source, ids, whole))) if subpack.source else None
    try:
        try_update(runs, content, device)
    except Exception as error:
        if weather_in(error) is not None:
            raise
        return error
    return None


def kind_of(error: BaseException) -> str:
    """The kind of a failure, one of `KINDS_OF_FAILURE`."""
    if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
        return "memory"
    if isinstance(error, DistaffError) and str(error).startswith(OUT_OF_MEMORY):
        return "memory"
    if isinstance(error, PluginError):
        return "data" if str(getattr(error, "kind", "")).startswith("data") else "plugin"
    return "error"


def lost_gpu(error: BaseException) -> bool:
    """Whether the GPU is lost to this process: whatever it does next raises as well, and blames the wrong runs."""
    return isinstance(error, RuntimeError) and any(text in str(error) for text in LOST_GPU)


def reason_of(error: BaseException) -> str:
    """What was raised, as a record names it."""
    return str(error) if isinstance(error, DistaffError) else f"{type(error).__name__}: {error}"
