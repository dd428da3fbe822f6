"""Live curves: the points of a run's curve, sent to TensorBoard, Weights & Biases or MLflow as they are made."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from distaff.errors import DistaffError, unknown
from distaff.runs import Run


class Tracker(NamedTuple):
    """Where points go: `log(update, values by name)` for each, and `close()` in the end."""

    log: Callable[[int, Mapping[str, float]], object]
    close: Callable[[], object]


def track(name: str, run: Run, folder: Path) -> Tracker:
    """The tracker called `name`, for `run`; what it writes to disk is under `folder`.

    An interrupted training that goes on is one curve in the tracker too. Raises `DistaffError` for an unknown name, a
    library that is not installed, or one that refuses: no login, no server, no space.
    """
    if name not in TRACKERS:
        raise unknown("tracker", name, TRACKERS)
    try:
        return TRACKERS[name](run, folder)
    except ImportError as error:
        raise DistaffError(f"--log {name} needs its library ({error}): pip install {name}") from error
    except Exception as error:  # whatever a library raises of its own, before anything is trained
        raise DistaffError(f"--log {name}: {error}") from error


def _config(run: Run) -> dict[str, str | int]:
    texts = {"dataset": run.dataset, "method": run.method, "network": run.network}
    return {**{name: str(spec) for name, spec in texts.items()}, "seed": run.seed, "updates": run.updates}


def _tensorboard(run: Run, folder: Path) -> Tracker:
    from torch.utils.tensorboard import SummaryWriter

    writers: list[SummaryWriter] = []

    def log(update: int, values: Mapping[str, float]) -> None:
        if not writers:  # what a killed training wrote from this update on is withdrawn
            writers.append(SummaryWriter(str(folder / "tensorboard" / run.id), purge_step=update))
            writers[0].add_text("run", f"{run.method} on {run.dataset}, seed {run.seed}")
        for name, value in values.items():
            writers[0].add_scalar(name, value, update)

    def close() -> None:
        for writer in writers:
            writer.close()

    return Tracker(log, close)


def _wandb(run: Run, folder: Path) -> Tracker:
    import wandb

    folder.mkdir(parents=True, exist_ok=True)
    session = wandb.init(project="distaff", id=run.id, resume="allow", dir=str(folder), config=_config(run))
    return Tracker(lambda update, values: session.log(dict(values), step=update), session.finish)


def _mlflow(run: Run, folder: Path) -> Tracker:
    import mlflow

    if "MLFLOW_TRACKING_URI" not in os.environ:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # files need no server and no database
        folder.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri((folder / "mlflow").resolve().as_uri())
    mlflow.set_experiment("distaff")
    earlier = mlflow.search_runs(
        filter_string=f"tags.`mlflow.runName` = '{run.id}'", output_format="list", max_results=1
    )
    mlflow.start_run(run_id=earlier[0].info.run_id if earlier else None, run_name=run.id)
    mlflow.log_params(_config(run))
    return Tracker(lambda update, values: mlflow.log_metrics(dict(values), step=update), mlflow.end_run)


TRACKERS = {"tensorboard": _tensorboard, "wandb": _wandb, "mlflow": _mlflow}
