"""The commands: what they need is imported inside them, so that help is instant."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.extras import SubcommandApp

from distaff.errors import DistaffError

app = SubcommandApp()


@app.command(name="list")
def list_(kind: Annotated[str, tyro.conf.Positional] = "all", /) -> None:
    """What there is: data sets, networks, methods, metrics, figures, each with its parameters and one sentence.

    Example: distaff list methods

    Args:
        kind: data, models, methods, metrics, report/figures, or all.
    """
    from rich.console import Console
    from rich.table import Table

    from distaff.errors import unknown
    from distaff.registry import KINDS, REQUIRED

    if kind != "all" and kind not in KINDS:
        raise unknown("kind", kind, [*KINDS, "all"])
    console = Console()
    for folder, registry in KINDS.items():
        if kind in ("all", folder):
            table = Table("name", "parameters", "what it is", title=folder, title_justify="left", box=None)
            for name in registry.names():
                plugin = registry.plugin(name)
                told = [p.name if p.default is REQUIRED else f"{p.name}={p.default!r}" for p in plugin.parameters]
                table.add_row(name, ", ".join(told), plugin.summary.replace("[", "\\["))
            console.print(table, "")


@app.command
def train(
    dataset: Annotated[str, tyro.conf.Positional],
    method: Annotated[str, tyro.conf.Positional],
    /,
    network: str = "conv64",
    critic: str = "critic",
    seed: int = 0,
    updates: int = 300_000,
    lr: float = 1e-4,
    out: Path = Path("out"),
) -> None:
    """Train one model and keep it as a run folder; run it again to go on where it stopped.

    Example: distaff train toy "beta_vae(beta=4)" --network "mlp(width=64, latents=6)" --updates 4000 --lr 1e-3

    Args:
        dataset: a data set, such as dsprites.
        method: a method with its parameters, such as "beta_vae(beta=4)".
        network: the encoder and decoder, such as conv64 or "mlp(width=64)".
        critic: the rival of FactorVAE, such as "critic(width=64, depth=3)"; other methods have none.
        seed: decides weights, images and noise; the same seed shows every method the same images.
        updates: updates of the parameters.
        lr: Adam's learning rate.
        out: the store, a folder.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from distaff.spec import Optim, run
    from distaff.study.store import Store
    from distaff.train.fit import fit

    one = run(dataset, method, network, critic, seed=seed, updates=updates, optim=Optim(lr=lr))
    store = Store(out)
    if store.has(one.id):
        print(f"already trained: {store.run_folder(one.id)}")
        return
    resume = out / "packs" / f"{one.id}.safetensors"
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task(f"{one.method} on {one.dataset}", total=updates)
        (trained,) = fit((one,), resume=resume, progress=lambda done, _: bar.update(task, completed=done))
    store.put(trained, time.monotonic() - began)
    resume.unlink(missing_ok=True)
    if trained.diverged is not None:
        raise DistaffError(f"{one.method} was not finite from update {trained.diverged} on: try a smaller --lr")
    print(store.run_folder(one.id))


@app.command
def score(
    file: Annotated[Path, tyro.conf.Positional],
    /,
    metrics: tuple[str, ...] = ("all",),
    json: Path | None = None,
) -> None:
    """Score codes that you already have: an npz file with `codes` [n d] and `factors` [n f].

    Example: distaff score codes.npz --metrics mig dci

    Args:
        file: the npz file; nothing in it may be a Python object.
        metrics: metrics with their parameters, such as "mig(bins=30)", or all.
        json: a file to write the numbers to.
    """
    from json import dumps

    from rich.console import Console
    from rich.table import Table

    from distaff.registry import METRICS

    codes, factors = _read_codes(file)
    specs = [METRICS.parse(text) for text in (METRICS.names() if metrics == ("all",) else metrics)]
    table, numbers = Table("metric", "score", "", box=None), {}
    for spec in specs:
        found = METRICS.bind(spec)(codes, factors)
        numbers[str(spec)] = {"value": float(found) if found.reason is None else None, "reason": found.reason}
        table.add_row(str(spec), f"{float(found):.4f}", found.reason or "")
    Console().print(table)
    if json is not None:
        json.write_text(dumps(numbers, indent=2), encoding="utf-8")


def _read_codes(file: Path) -> tuple[Any, Any]:
    import numpy as np

    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in ("codes", "factors") if name in arrays}
    except (OSError, ValueError) as error:
        raise DistaffError(f"{file} cannot be read as an npz file without objects: {error}") from error
    if len(found) < 2 or len(found["codes"]) != len(found["factors"]):
        raise DistaffError(f"{file} must hold `codes` [n d] and `factors` [n f] with the same n")
    return found["codes"], found["factors"]


def main() -> None:
    """Run the command; a mistake that a person can mend is one line on stderr and exit status 2."""
    try:
        app.cli(prog="distaff", description="Large studies of disentangled representations.")
    except DistaffError as error:
        print(f"distaff: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("distaff: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
