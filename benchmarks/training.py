"""How many images a second training sees: plain PyTorch against distaff, in one run on the same cores.

A FactorVAE is compared with a plain FactorVAE.

    python benchmarks/training.py            all three tables, about twelve minutes on 2 cores
    python benchmarks/training.py toy        that of the small network alone
    python benchmarks/training.py --device cuda    the same on a GPU, without the rows of two processes

Rows are measured in turn and repeated, so that a busy machine slows them alike; the best of the repeats counts. Each
row has a process of its own, as for its user: distaff's keep the memory that they free, plain PyTorch's do not.
`CPU ms` is process time a step and model. The last column is the share of the peak that a large square product reaches
here, in the same precision on one core or on the GPU.
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
from distaff.runs import Optim, Run, run
from distaff.training.cuda_graph import capture_step
from distaff.training.device import exact
from distaff.training.pack import begin, pack
from distaff.training.passes.choice import passes_for
from distaff.training.step import take_step

BATCH = 64
SIZES = {"toy": ("toy", "mlp(width=64, latents=6)"), "mlp": ("dsprites", "mlp"), "conv64": ("dsprites", "conv64")}
WEIGHTS = {"toy": 46_000, "mlp": 14_186_000}
GFLOP = {"conv64": 5.4, **{name: BATCH * 6 * n / 1e9 for name, n in WEIGHTS.items()}}  # forward and backward of a batch
PLAIN, PLAIN_CRITIC = "plain PyTorch", "plain PyTorch, FactorVAE with its critic"
WARM = {"conv64": 8, "mlp": 8, "toy": 100}  # steps until the memory that a step needs is there
COUNTS = {"conv64": (1, 2, 8, 32), "mlp": (1, 2, 8), "toy": (1, 2, 8, 32)}


class Row(NamedTuple):
    """What a process of its own trains: plain PyTorch's model, where there is no method."""

    network: str
    models: int = 1
    method: str = ""
    precision: str = "fp32"
    device: str = "cpu"
    critic: bool = False  # of plain PyTorch's


@functools.cache
def steps_of(row: Row) -> Callable[[int], None]:
    """The steps of a row, warmed up; called in its own process."""
    torch.set_num_threads(1)
    steps = ours(row) if row.method else by_hand(row)
    steps(WARM[row.network])
    return steps


def measured(row: Row, n: int) -> tuple[float, float]:
    """Wall and CPU seconds a step of `row`."""
    return measure(steps_of(row), n)


def by_hand(row: Row) -> Callable[[int], None]:
    """Plain PyTorch's steps."""
    dense = {"toy": (16, 64, 6), "mlp": (64, 1200, 10)}
    encoder, decoder = plain.conv() if row.network == "conv64" else plain.dense(*dense[row.network])
    encoder, decoder = encoder.to(row.device), decoder.to(row.device)
    dataset = data.load(SIZES[row.network][0])
    rows = np.random.default_rng(0).choice(len(dataset), min(len(dataset), 20_000), replace=False)
    images = dataset.batch(rows)
    if not row.critic:
        return lambda n: plain.train(encoder, decoder, images, n, 4.0, 1e-4)
    latents, sizes = (
        dense[row.network][-1] if row.network in dense else 10,
        (64, 3) if row.network == "toy" else (1000, 6),
    )
    rival = plain.critic(latents, *sizes).to(row.device)
    return lambda n: plain.train_with_critic(encoder, decoder, rival, images, n, 10.0, 1e-4)


def ours(row: Row) -> Callable[[int], None]:
    """distaff's steps of the models of a row side by side."""
    keep_freed()
    exact()
    packed = pack(runs(row), row.device)
    state = begin(packed)
    passes = passes_for(packed, state)
    one_update = (
        capture_step(packed, state, passes) if row.device == "cuda" else lambda now: take_step(packed, now, passes)
    )

    def steps(n: int) -> None:
        nonlocal state
        for _ in range(n):
            state, _, _ = one_update(state)

    return steps


def runs(row: Row) -> tuple[Run, ...]:
    dataset, text = SIZES[row.network]
    optim = Optim(lr=1e-3 if row.network == "toy" else 1e-4)
    critic = "critic(width=64, depth=3)" if row.network == "toy" else "critic"
    return tuple(
        run(dataset, row.method, text, critic, seed=seed, precision=row.precision, optim=optim)
        for seed in range(row.models)
    )


def measure(steps: Callable[[int], None], n: int) -> tuple[float, float]:
    """Wall and CPU seconds a step."""
    wall, cpu = time.perf_counter(), time.process_time()
    steps(n)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (time.perf_counter() - wall) / n, (time.process_time() - cpu) / n


def peak(precision: str, device: str) -> float:
    """GFLOP/s of one core, or of the GPU, in a large product."""
    n, times = (2048, 2) if device == "cpu" else (8192, 20)
    a = torch.randn(n, n, dtype=torch.bfloat16 if precision == "bf16" else torch.float32, device=device)
    clock = 1 if device == "cpu" else 0  # of the processor that works: CPU seconds, or the wall's
    return 2e-9 * n**3 / min(measure(lambda n: [a @ a for _ in range(n)] and None, times)[clock] for _ in range(3))


def at_once(processes: int, row: Row, seconds: float = 8) -> float:
    """Images a second of one pack in each of so many processes at once."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        together = [pool.apply_async(_rate, (row, seconds)) for _ in range(processes)]
        return sum(job.get() for job in together)


def _rate(row: Row, seconds: float) -> float:
    steps, done = steps_of(row), 0
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        steps(2)
        done += 2
    return done * row.models * BATCH / (time.perf_counter() - began)


def table(network: str, repeats: int, device: str) -> Table:
    counts, n = COUNTS[network], 400 if network == "toy" else 8
    if device == "cuda":
        counts, n = (1, 8, 32) if network == "mlp" else (1, 8, 32, 128), 256
    rows = {PLAIN: Row(network, device=device), PLAIN_CRITIC: Row(network, device=device, critic=True)}
    for precision in ("fp32", "bf16"):
        for k in counts:
            rows[f"distaff, {k} models, {precision}"] = Row(network, k, "beta_vae(beta=4)", precision, device)
        critics = 1 if device == "cpu" else 32
        rows[f"distaff, {critics} FactorVAE with its critic, {precision}"] = Row(
            network, critics, "factor_vae(gamma=10)", precision, device
        )
    timings = _measured(rows, n, repeats)
    peaks = {precision: peak(precision, device) for precision in ("fp32", "bf16")}
    bases = {name: min(wall for wall, _ in timings[name]) for name in (PLAIN, PLAIN_CRITIC)}
    drawn = Table(f"{network} at batch {BATCH}", "images/s", "CPU ms", "to plain", "share of peak", box=None)
    for name, row in rows.items():
        wall, cpu = (min(values) / row.models for values in zip(*timings[name], strict=True))
        share = GFLOP[network] / (cpu if device == "cpu" else wall) / peaks[row.precision]
        of_peak = "" if "critic" in name else f"{share:.0%}"
        base = bases[PLAIN_CRITIC if "critic" in name else PLAIN]  # like with like
        drawn.add_row(name, f"{BATCH / wall:,.0f}", f"{1e3 * cpu:.2f}", f"{base / wall:.2f}x", of_peak)
    for precision in ("fp32", "bf16") if device == "cpu" else ():
        k = min(8, counts[-1]) if network == "conv64" else counts[-1]
        row = rows[f"distaff, {k} models, {precision}"]
        pairs = [(at_once(1, row), at_once(2, row)) for _ in range(repeats)]
        one, two = max(one for one, _ in pairs), max(two for _, two in pairs)
        drawn.add_row(f"distaff, {k} models in each of two processes, {precision}", f"{two:,.0f}", "",
                      f"{two * bases[PLAIN] / BATCH:.2f}x", f"{two / one:.2f}x one process")  # fmt: skip
    return drawn


def _measured(rows: dict[str, Row], n: int, repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of a step of each row, in a process of its own; on a GPU one at a time, for its memory."""
    context = multiprocessing.get_context("spawn")
    processes = {name: ProcessPoolExecutor(1, mp_context=context) for name in rows}
    order = [name for _ in range(repeats) for name in rows]
    if any(row.device == "cuda" for row in rows.values()):
        order = [name for name in rows for _ in range(repeats)]
    timings: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for at, name in enumerate(order):
        timings[name].append(processes[name].submit(measured, rows[name], max(2, n // rows[name].models)).result())
        if name not in order[at + 1 :]:
            processes[name].shutdown()
    return timings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="of toy, mlp and conv64; all of them by default")
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for network in options.networks or SIZES:
        Console(width=120).print(table(network, options.repeats, options.device), "")


if __name__ == "__main__":
    main()
