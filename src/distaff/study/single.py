"""One model, trained by itself: the call behind `distaff train`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from distaff.errors import DistaffError
from distaff.runs import Run, Study
from distaff.store.changes import refuse_replaced_data
from distaff.store.formats import readable
from distaff.store.store import Store
from distaff.study.checkpoints import bring_home
from distaff.study.faults.ready import check_place, check_room
from distaff.study.faults.spare import spare_path
from distaff.trained import Model, dataset_of
from distaff.weather import described, remove


def train(
    run: Run,
    store: Store | str | Path = "out",
    *,
    device: str = "auto",
    tracker: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Model:
    """Train one model and keep it in a store; a run that is there already is read, one that was interrupted goes on.

    Args:
        run: what to train, such as `distaff.run("toy", "beta_vae(beta=4)", "mlp(width=64)", updates=4000)`.
        store: the folder of results.
        device: cpu, cuda, or auto for a GPU where there is one.
        tracker: tensorboard, wandb or mlflow, to follow the curves live.
        progress: called with the number of updates so far, at each update; what it raises ends the training, whose
            checkpoint is kept.

    The numbers are those that the run has in any study, alone or in a pack (in float32 on a CPU to the bit). Raises
    `DistaffError` where the store cannot be written to, before any update, and where the model diverges.
    """
    from distaff.training.device import resolve_device
    from distaff.training.fit import fit
    from distaff.training.trackers import track

    device = resolve_device(device)
    store = store if isinstance(store, Store) else Store(Path(store))
    refuse_replaced_data(Study(run.id, (run,), ()), readable(store))
    if store.has(run.id):
        return store.model(run.id)
    dataset_of(run.dataset)  # built or fetched first: that can stop anywhere, training only between updates
    with _writable(store.folder):  # what would fail at the end is tried before hours are spent
        check_place(store)
        check_room(store, (run,))
        checkpoint = bring_home(store, run.id)
    began = time.monotonic()
    followed = track(tracker, run, store.folder) if tracker else None
    (trained,) = fit(
        (run,),
        checkpoint=checkpoint,
        progress=lambda done, _: progress(done),
        device=device,
        log=(lambda _, update, values: followed.log(update, values)) if followed else None,
        spare=spare_path(store.folder, checkpoint),
    )
    if followed:
        followed.close()
    with _writable(store.folder):
        store.put(trained, time.monotonic() - began)
        remove(checkpoint)
    if trained.diverged is not None:
        lost = f"{run.method} was not finite at update {trained.diverged}"
        raise DistaffError(f"{lost}: try a smaller learning rate, or other parameters")
    return store.model(run.id)


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DistaffError(
            f"{folder} cannot be written to ({described(error)}): make room, or name another folder"
        ) from error
