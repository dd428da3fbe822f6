"""How many images a second training sees: plain PyTorch against distaff, in one run on the same cores.

    python benchmarks/training.py            the whole table, about ten minutes on 2 cores
    python benchmarks/training.py --small    toy and mlp only

Rows are measured in turn and repeated, so that a busy machine slows them alike; the best of the repeats counts. Each
row has a process of its own, as its user would: distaff's keep the memory that they free, plain PyTorch's do not.
`CPU ms` is process time a step and model. The last column is the share of the peak that a product of two
2048 x 2048 matrices reaches here, in the same precision on one core.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import plain
import torch
from rich.console import Console
from rich.table import Table

from distaff import data
from distaff.heap import keep_freed
from distaff.spec import Optim, Run, run
from distaff.train.fit import engine_for
from distaff.train.pack import begin, pack
from distaff.train.step import step

BATCH = 64
GFLOP = {"conv64": 5.4, "mlp": 64 * 6 * 45_000 / 1e9}  # forward and backward of a batch, by the sizes of the layers
WARM = {"conv64": 8, "mlp": 100}  # steps until the memory that a step needs is there
SIZES = {"conv64": ("dsprites", "conv64"), "mlp": ("toy", "mlp(width=64, latents=6)")}


class Row(NamedTuple):
    """What a process of its own trains: plain PyTorch's model, where there is no method."""

    network: str
    models: int = 1
    method: str = ""
    precision: str = "fp32"


@functools.cache
def steps_of(row: Row) -> Callable[[int], None]:
    """The steps of a row, warmed up; called in its own process."""
    torch.set_num_threads(1)
    steps = ours(*row) if row.method else by_hand(row.network)
    steps(WARM[row.network])
    return steps


def measured(row: Row, n: int) -> tuple[float, float]:
    """Wall and CPU seconds a step of `row`."""
    return measure(steps_of(row), n)


def by_hand(network: str) -> Callable[[int], None]:
    """Plain PyTorch's steps."""
    encoder, decoder = plain.conv() if network == "conv64" else plain.dense()
    dataset = data.load(SIZES[network][0])
    rows = np.random.default_rng(0).choice(len(dataset), min(len(dataset), 20_000), replace=False)
    images = dataset.batch(rows)
    return lambda n: plain.train(encoder, decoder, images, n, 4.0, 1e-4)


def ours(network: str, models: int, method: str, precision: str) -> Callable[[int], None]:
    """distaff's steps of `models` models side by side."""
    keep_freed()
    packed = pack(runs(network, models, method, precision))
    engine = engine_for(packed)
    state = begin(packed)

    def steps(n: int) -> None:
        nonlocal state
        for _ in range(n):
            state, _, _ = step(packed, state, engine)

    return steps


def runs(network: str, models: int, method: str, precision: str) -> tuple[Run, ...]:
    dataset, text = SIZES[network]
    optim = Optim(lr=1e-4 if network == "conv64" else 1e-3)
    return tuple(
        run(dataset, method, text, "critic" if network == "conv64" else "critic(width=64, depth=3)", seed=seed,
            precision=precision, optim=optim)
        for seed in range(models)
    )  # fmt: skip


def measure(steps: Callable[[int], None], n: int) -> tuple[float, float]:
    """Wall and CPU seconds a step."""
    wall, cpu = time.perf_counter(), time.process_time()
    steps(n)
    return (time.perf_counter() - wall) / n, (time.process_time() - cpu) / n


def peak(precision: str) -> float:
    """GFLOP/s of one core in a large product."""
    a = torch.randn(2048, 2048, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    return 2 * 2.048**3 / min(measure(lambda n: [a @ a for _ in range(n)] and None, 2)[1] for _ in range(3))


def both_cores(network: str, models: int, precision: str, seconds: float) -> float:
    """Images a second of one pack in each of two processes at once."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        together = [pool.apply_async(_rate, (network, models, precision, seconds)) for _ in range(2)]
        return sum(job.get() for job in together)


def _rate(network: str, models: int, precision: str, seconds: float) -> float:
    steps, done = steps_of(Row(network, models, "beta_vae(beta=4)", precision)), 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        steps(2)
        done += 2
    return done * models * BATCH / (time.perf_counter() - began)


def table(network: str, repeats: int) -> Table:
    small = network == "mlp"
    counts = (1, 2, 8, 32) if small else (1, 2, 8)
    n = 400 if small else 8
    rows = {"plain PyTorch": Row(network)}
    for precision in ("fp32", "bf16"):
        for k in counts:
            rows[f"distaff, {k} models, {precision}"] = Row(network, k, "beta_vae(beta=4)", precision)
        rows[f"distaff, FactorVAE with its critic, {precision}"] = Row(network, 1, "factor_vae(gamma=10)", precision)
    context = multiprocessing.get_context("spawn")
    own = {name: ProcessPoolExecutor(1, mp_context=context) for name in rows}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(repeats):
        for name, row in rows.items():
            found[name].append(own[name].submit(measured, row, max(2, n // row.models)).result())
    for pool in own.values():
        pool.shutdown()
    peaks = {precision: peak(precision) for precision in ("fp32", "bf16")}
    base = min(wall for wall, _ in found["plain PyTorch"])
    drawn = Table(f"{network} at batch {BATCH}", "images/s", "CPU ms", "to plain", "share of peak", box=None)
    for name, (_, k, _, precision) in rows.items():
        wall, cpu = (min(values) / k for values in zip(*found[name], strict=True))
        share = GFLOP[network] / cpu / peaks[precision]
        told = "" if "critic" in name else f"{share:.0%}"
        drawn.add_row(name, f"{BATCH / wall:,.0f}", f"{1e3 * cpu:.2f}", f"{base / wall:.2f}x", told)
    k = counts[-1]
    for precision in ("fp32", "bf16"):
        one = min(wall for wall, _ in found[f"distaff, {k} models, {precision}"]) / k
        two = both_cores(network, k, precision, 15)
        drawn.add_row(f"distaff, {k} models in each of two processes, {precision}", f"{two:,.0f}", "",
                      f"{two * base / BATCH:.2f}x", f"{two * one / BATCH:.2f}x one process")  # fmt: skip
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="toy and mlp only")
    parser.add_argument("--repeats", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for network in ["mlp"] if given.small else ["mlp", "conv64"]:
        Console(width=120).print(table(network, given.repeats), "")


if __name__ == "__main__":
    main()
