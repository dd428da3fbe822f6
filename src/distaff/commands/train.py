"""`distaff train`: one model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import tyro

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
    """Train one model and keep it as a run folder; run it again to go on where it stopped.

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
        precision: fp32, or bf16: products in half precision, faster on hardware that supports it.
        device: cpu, cuda, or auto for a GPU where there is one; CUDA_VISIBLE_DEVICES says which of several.
        log: tensorboard, wandb or mlflow, to watch the curves live.
        out: the store, a folder.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    import distaff
    from distaff.store.store import Store
    from distaff.study.stop import Stop
    from distaff.training.device import resolve_device, slow_precision

    rest = {"optim": optim, "critic_optim": critic_optim, "batch": batch, "precision": precision}
    run = distaff.run(dataset, method, network, critic, seed=seed, updates=updates, **rest)
    store, stop = Store(out), Stop()
    if store.has(run.id):
        print(f"already trained: {store.run_folder(run.id)}")
        return
    if slow := slow_precision(precision, resolve_device(device)):
        print(f"warning: {slow}", file=sys.stderr)
    stop.listen()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(f"{run.method} on {run.dataset}", total=updates)

        def progress(done: int) -> None:
            bar.update(task, completed=done)
            stop.check()

        distaff.train(run, store, device=device, tracker=log, progress=progress)
    print(store.run_folder(run.id))
