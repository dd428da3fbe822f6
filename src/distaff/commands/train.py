"""`distaff train`: one model."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import tyro

from distaff.errors import DistaffError
from distaff.runs import CRITIC_OPTIM, Optim


def train(
    dataset: Annotated[str, tyro.conf.Positional],
    method: Annotated[str, tyro.conf.Positional],
    /,
    network: str = "conv64",
    critic: str = "critic",
    seed: int = 0,
    updates: int = 300_000,
    optim: Annotated[Optim, tyro.conf.arg(name="")] = Optim(),  # noqa: B008  (a frozen value)
    critic_optim: Optim = CRITIC_OPTIM,
    batch: int = 64,
    precision: str = "fp32",
    device: str = "auto",
    log: str | None = None,
    out: Path = Path("out"),
) -> None:
    """Train one model into a run folder; the same command resumes training where it stopped.

    Example: distaff train toy "beta_vae(beta=4)" --network "mlp(width=64, latents=6)" --updates 4000 --lr 1e-3

    Args:
        dataset: a data set, such as dsprites.
        method: a method with its parameters, such as "beta_vae(beta=4)".
        network: the encoder and decoder, such as conv64 or "mlp(width=64)".
        critic: the discriminator of FactorVAE, such as "critic(width=64, depth=3)"; other methods have none.
        seed: decides weights, images and noise; the same seed shows every method the same images.
        updates: updates of the parameters.
        optim: Adam's settings for the model.
        critic_optim: Adam's settings for the critic.
        batch: images an update.
        precision: fp32, or bf16: products in half precision, faster where the processor supports it.
        device: cpu, cuda, or auto for a GPU where there is one; CUDA_VISIBLE_DEVICES selects one of several.
        log: tensorboard, wandb or mlflow, to watch the curves live.
        out: the store, a folder.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from distaff.atomic import write
    from distaff.runs import run
    from distaff.store.store import Store
    from distaff.study.stop import Stop
    from distaff.trained import dataset_of
    from distaff.training.device import resolve_device
    from distaff.training.fit import fit
    from distaff.training.trackers import track

    device = resolve_device(device)
    options = {"optim": optim, "critic_optim": critic_optim, "batch": batch, "precision": precision}
    one = run(dataset, method, network, critic, seed=seed, updates=updates, **options)
    store = Store(out)
    if store.has(one.id):
        print(f"already trained: {store.run_folder(one.id)}")
        return
    checkpoint = out / "packs" / f"{one.id}.safetensors"
    with _writable(out):  # checked before hours are spent
        write(checkpoint.with_name(f".{one.id}.room"), b"")
        checkpoint.with_name(f".{one.id}.room").unlink()
    dataset_of(one.dataset)  # built or fetched first: that can be interrupted anywhere, training only between updates
    began, stop = time.monotonic(), Stop()
    stop.listen()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(f"{one.method} on {one.dataset}", total=updates)
        tracker = track(log, one, out) if log else None

        def progress(done: int, _: int) -> None:
            bar.update(task, completed=done)
            stop.check()

        (trained,) = fit(
            (one,),
            checkpoint=checkpoint,
            progress=progress,
            device=device,
            log=(lambda _, update, values: tracker.log(update, values)) if tracker else None,
        )
        if tracker:
            tracker.close()
    with _writable(out):
        store.put(trained, time.monotonic() - began)
        checkpoint.unlink(missing_ok=True)
    if trained.diverged is not None:
        failure = f"{one.method} was not finite at update {trained.diverged}"
        raise DistaffError(f"{failure}: try a smaller --lr, or other parameters")
    print(store.run_folder(one.id))


@contextlib.contextmanager
def _writable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DistaffError(
            f"{out} cannot be written to ({error.strerror}): free space on its disk, or give another --out"
        ) from error
