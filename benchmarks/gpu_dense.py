"""Dense layers and Adam on a GPU: each kernel checked against float64, timed, and set beside the floor of its bytes.

    python benchmarks/gpu_dense.py             all of it, a minute on an H100: compilation on all cores, then the table
    python benchmarks/gpu_dense.py --try       the same lines on a CPU, by Triton's interpreter, of small layers

The layers are those of conv64 at batch 64 and of FactorVAE's discriminator, 32 models side by side, and one alone. The
floor is what a kernel must read and write at 3.0 TB/s, that of an H100. Outputs are NaN before they are checked. A time
is the median of kernels whose inputs are not in the cache of the GPU any more; it is that of all models, divided by
their number.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

TRY = "--try" in sys.argv
if TRY:
    os.environ["TRITON_INTERPRET"] = "1"

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from distaff.training.arena import places_of, table_of
from distaff.training.kernels import Updated, triton_adam, triton_dense
from distaff.training.kernels.shapes import Activation
from distaff.training.kernels.triton_dense import TILES, Tile

MODELS = 2 if TRY else 32
BANDWIDTH = 3.0e12
REPEATS = 2 if TRY else 15
DEVICE = "cpu" if TRY else "cuda"
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2}
RELU, LEAKY = Activation("relu"), Activation("leaky", 0.2)
BETA1, BETA2, EPS, RATE = 0.5, 0.9, 1e-8, 1e-3

USED = dict(TILES)
# what else the tile of each kind might be
OTHERS = {
    ("rows", 2): [Tile(128, 64, 64, 4, 4), Tile(64, 128, 64, 4, 4), Tile(64, 64, 64, 4, 4), Tile(128, 128, 128, 8, 2)],
    ("weights", 2): [Tile(64, 64, 64, 4, 2), Tile(128, 128, 64, 8, 2), Tile(64, 128, 64, 8, 2)],
    ("adam", 2): [Tile(64, 32, 64, 4, 2), Tile(128, 32, 64, 8, 2), Tile(64, 128, 64, 8, 2), Tile(64, 64, 32, 8, 2)],
    ("rows", 4): [Tile(128, 64, 32, 8, 3), Tile(64, 128, 32, 8, 2)],
    ("weights", 4): [Tile(64, 64, 32, 8, 2)],
    ("adam", 4): [Tile(64, 32, 32, 4, 2)],
}  # fmt: skip


class Case(NamedTuple):
    """One call: its kind, a layer's rows, inputs and outputs, and how numbers are held."""

    call: str  # forward, below, weights, or adam: weights with Adam
    rows: int
    inputs: int
    outputs: int
    act: Activation
    dtype: torch.dtype

    @property
    def kind(self) -> tuple[str, int]:
        return "rows" if self.call in ("forward", "below") else self.call, self.dtype.itemsize

    def bytes(self) -> float:
        """What one model must read and write."""
        b, i, o, size = self.rows, self.inputs, self.outputs, self.dtype.itemsize
        vectors, weights = b * (i + o) * size, o * (i + 1)
        return {
            "forward": vectors + weights * size,
            "below": vectors + b * i * size + weights * size,
            "weights": vectors + 4 * weights,
            "adam": vectors + (24 if size == 4 else 26) * weights,
        }[self.call]


def cases() -> list[Case]:
    """The layers of conv64 and of the discriminator, whose objective is followed down from the real half alone."""
    if TRY:
        layers = [(4, 20, 18, RELU, ("forward", "below", "weights", "adam"))]
    else:
        every = ("forward", "below", "weights", "adam")
        layers = [(64, i, o, RELU, every) for i, o in ((1024, 256), (256, 20), (10, 256), (256, 1024))]
        layers += [(128, i, o, LEAKY, every) for i, o in ((10, 1000), (1000, 1000), (1000, 2))]
        layers += [(64, 1000, 1000, LEAKY, ("below",))]
    return [
        Case(call, b, i, o, act, dtype)
        for dtype in ((torch.float32,) if TRY else (torch.bfloat16, torch.float32))  # an interpreter has no bfloat16
        for b, i, o, act, calls in layers
        for call in calls
    ]


class Data(NamedTuple):
    """What the calls of a case take, for k models."""

    x: Tensor
    above: Tensor
    weights: list[Tensor]  # views of P, M, V and the copy S: [k o i]
    biases: list[Tensor]
    of_w: Tensor
    of_b: Tensor
    rate: Tensor
    t: Tensor


def data(case: Case, k: int) -> Data:
    generator = torch.Generator(DEVICE).manual_seed(0)
    b, i, o, start = case.rows, case.inputs, case.outputs, -(-case.outputs * case.inputs // 16) * 16
    x, above = (torch.randn(k, b, n, device=DEVICE, generator=generator).to(case.dtype) for n in (i, o))
    p = torch.randn(k, start + -(-o // 16) * 16, device=DEVICE, generator=generator) / i**0.5
    arenas = [p, torch.zeros_like(p), torch.zeros_like(p), p.to(case.dtype)]
    parts = triton_dense.parts_of_dense(b, i, o)
    of_w, of_b = (torch.full((parts, k, *shape), float("nan"), device=DEVICE) for shape in ((o, i), (o,)))
    one = torch.ones(1, device=DEVICE)
    return Data(x, above, [arena[:, : o * i].view(k, o, i) for arena in arenas],
                [arena[:, start : start + o] for arena in arenas], of_w, of_b, one * RATE, one)  # fmt: skip


def call(case: Case, given: Data) -> list[Tensor]:
    """The call of a case; returns what it has written."""
    used = given.weights[0 if case.dtype == torch.float32 else 3]
    if case.call == "forward":
        return [triton_dense.dense(given.x, used, given.biases[0], case.act)]
    if case.call == "below":
        return [triton_dense.dense_below(given.above, used, given.x, case.act)]
    if case.call == "weights":
        triton_dense.dense_weights(given.x, given.above, given.of_w, given.of_b)
        return [given.of_w, given.of_b]
    copies = [None, None] if case.dtype == torch.float32 else [given.weights[3], given.biases[3]]
    weights, biases = Updated(*given.weights[:3], copies[0]), Updated(*given.biases[:3], copies[1])
    triton_dense.dense_weights_adam(given.x, given.above, weights, biases, given.rate, given.t, BETA1, BETA2, EPS)
    return [given.weights[1], given.biases[1]]


def expected(case: Case, given: Data) -> list[Tensor]:
    """The same in float64. Of an update it is the first moment, in which a first gradient counts 1 - beta1."""
    x, above = given.x.double(), given.above.double()
    w = given.weights[0 if case.dtype == torch.float32 else 3].double()
    slope = case.act.slope
    if case.call == "forward":
        y = x @ w.mT + given.biases[0].double()[:, None]
        return [torch.where(y > 0, y, slope * y)]
    if case.call == "below":
        return [above @ w * torch.where(x > 0, 1.0, slope)]
    scale = 1 - BETA1 if case.call == "adam" else 1
    return [scale * above.mT @ x, scale * above.sum(1)]


def error(case: Case, given: Data) -> float:
    """The largest relative error of a result, whose memory was NaN; of an update also that of the weights."""
    wanted, before = expected(case, given), given.weights[0].double()
    torch.use_deterministic_algorithms(True)  # fills what is new with NaN
    found = call(case, given)
    torch.use_deterministic_algorithms(False)
    if case.call == "weights":
        found = [part.sum(0) for part in found]
    errors = [float((one.double() - other).norm() / other.norm()) for one, other in zip(found, wanted, strict=True)]
    if case.call == "adam":
        g = wanted[0] / (1 - BETA1)
        step = RATE * g / (g.abs() + EPS)  # of a first update
        errors.append(float((given.weights[0].double() - (before - step)).norm() / before.norm()))
        copied = case.dtype == torch.float32 or torch.equal(given.weights[3], given.weights[0].to(case.dtype))
        errors.append(0.0 if copied else float("nan"))
    return float(torch.tensor(errors).max())  # NaN if one is


class Arena(NamedTuple):
    """All weights of a network, in tensors of these sizes, whose gradients are sums of so many parts."""

    name: str
    sizes: list[int]
    parts: list[int]
    shadow: bool


def arenas() -> list[Arena]:
    """conv64's weights, convolutions in eight parts, and the discriminator's."""
    kernels = [16 * 32, 16 * 32 * 32, 4 * 32 * 64, 4 * 64 * 64, 16 * 64 * 64, 16 * 64 * 32, 16 * 32 * 32, 16 * 32]
    layers = [1024 * 256, 256, 256 * 20, 20, 10 * 256, 256, 256 * 1024, 1024]
    conv64 = [*kernels, *(32, 32, 64, 64, 64, 32, 32, 1), *layers], [8] * 16 + [1] * 8
    critic = [10 * 1000, 1000, *(1000 * 1000, 1000) * 5, 2 * 1000, 2]
    if TRY:
        return [Arena("small", [100, 10, 7], [1, 2, 3], False)]
    return [Arena("conv64", *conv64, True), Arena("conv64, fp32", *conv64, False),
            Arena("discriminator", critic, [1] * len(critic), True)]  # fmt: skip


def flat(arena: Arena, k: int) -> tuple[Callable[[], object], Callable[[], float]]:
    """An update of an arena, and its error against float64 for the first model and the last."""
    starts = [0]
    for size in arena.sizes:
        starts.append(starts[-1] + -(-size // 16) * 16)
    generator = torch.Generator(DEVICE).manual_seed(0)
    p = torch.randn(k, starts[-1], device=DEVICE, generator=generator)
    m, v, s = torch.zeros_like(p), torch.zeros_like(p), torch.full_like(p, float("nan"), dtype=torch.bfloat16)
    laid_out = places_of([(size,) for size in arena.sizes], [(0,)] * len(arena.sizes), arena.parts, k)
    places, last = [place.gradient for place in laid_out], laid_out[-1]
    gradients = torch.randn(last.gradient + k * last.parts * last.size, device=DEVICE, generator=generator)
    table = table_of(laid_out, triton_adam.BLOCK).to(DEVICE)
    rate, t = torch.full((1,), RATE, device=DEVICE), torch.ones(1, device=DEVICE)

    def update() -> None:
        copy = s if arena.shadow else None
        triton_adam.adam(p, m, v, copy, gradients, table, rate, t, BETA1, BETA2, EPS)

    def check() -> float:
        before = p.clone()
        update()
        worst = 0.0
        for size, parts, start, place in zip(arena.sizes, arena.parts, starts, places, strict=False):
            g = gradients[place : place + parts * k * size].view(parts, k, size).double().sum(0)[[0, -1]]
            new = before[[0, -1], start : start + size].double() - RATE * g / (g.abs() + EPS)
            found = p[[0, -1], start : start + size]
            worst = max(worst, float((found.double() - new).norm() / new.norm()))
            if arena.shadow and not torch.equal(found.bfloat16(), s[[0, -1], start : start + size]):
                return float("nan")
        return worst

    return update, check


def bytes_of(arena: Arena) -> float:
    return sum(size * (24 + 4 * parts + 2 * arena.shadow) for size, parts in zip(arena.sizes, arena.parts, strict=True))


def seconds(once: Callable[[], object], flushed: Tensor) -> float:
    """The median time of a call on the device, whose cache holds something else before."""
    times = []
    for _ in range(REPEATS):
        flushed.zero_()  # takes longer than the host needs to launch what is timed
        if TRY:
            start = time.perf_counter()
            once()
            times.append(time.perf_counter() - start)
            continue
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        once()
        last.record()
        last.synchronize()
        times.append(first.elapsed_time(last) / 1e3)
    return statistics.median(times)


def tiles(case: Case) -> Iterator[Tile]:
    """The tile in use, and the others."""
    yield USED[case.kind]
    if TRY or min(case.inputs, case.outputs) >= 256:  # others would be the same block of a small layer
        yield from OTHERS[case.kind]


def compiled(case: Case) -> None:
    """Compile what a case needs into the cache on disk; called in processes of their own."""
    given = data(case, 1)
    for tile in tiles(case):
        TILES[case.kind] = tile
        call(case, given)


def row_of(case: Case, tile: Tile, flushed: Tensor) -> list[str]:
    """The line of a case with one of its tiles."""
    TILES[case.kind] = tile
    given = data(case, MODELS)
    found, took = error(case, given), seconds(lambda: call(case, given), flushed) / MODELS
    alone = data(case, 1)
    lonely, floor = seconds(lambda: call(case, alone), flushed), case.bytes() / BANDWIDTH
    verdict = "" if found < TOLERANCE[case.dtype] else "  WRONG"
    return [case.call, f"{case.rows} x {case.inputs} -> {case.outputs}", "bf16" if case.dtype.itemsize == 2 else "fp32",
            " ".join(map(str, tile)), f"{took * 1e6:.2f}", f"{floor * 1e6:.2f}", f"{floor / took:.0%}",
            f"{lonely * 1e6:.1f}", f"{found:.0e}{verdict}"]  # fmt: skip


def arena_row(arena: Arena, flushed: Tensor) -> list[str]:
    update, check = flat(arena, MODELS)
    found, took = check(), seconds(update, flushed) / MODELS
    lonely, floor = seconds(flat(arena, 1)[0], flushed), bytes_of(arena) / BANDWIDTH
    verdict = "" if found < 1e-6 else "  WRONG"
    return ["Adam", arena.name, "", str(triton_adam.BLOCK), f"{took * 1e6:.2f}", f"{floor * 1e6:.2f}",
            f"{floor / took:.0%}", f"{lonely * 1e6:.1f}", f"{found:.0e}{verdict}"]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--try", action="store_true", help="small layers, on a CPU")
    parser.parse_args()
    start = time.perf_counter()
    if not TRY:
        workers = min(12, len(os.sched_getaffinity(0)))
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            list(pool.map(compiled, sorted(cases(), key=lambda case: -len(list(tiles(case))))))
    print(f"compiled in {time.perf_counter() - start:.0f} s", flush=True)
    columns = ["call", "layer", "", "tile", "us a model", "floor", "share", "alone, us", "error"]
    table = Table(*columns, title=f"{MODELS} models, {'CPU' if TRY else torch.cuda.get_device_name()}")
    flushed = torch.empty(1 << 8 if TRY else 1 << 29, dtype=torch.uint8, device=DEVICE)
    for case in cases():
        for tile in tiles(case):
            table.add_row(*row_of(case, tile, flushed))
    for arena in arenas():
        table.add_row(*arena_row(arena, flushed))
    Console(width=130).print(table)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
