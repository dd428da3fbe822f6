"""Convolutions of 32 conv64 models at batch 64 on a GPU: every layer and gradient, with blocks of several shapes.

    python benchmarks/gpu_convolutions.py                  bf16, about a minute with 16 cores to compile on
    python benchmarks/gpu_convolutions.py --most 1         the blocks of the table alone
    python benchmarks/gpu_convolutions.py --precision fp32 --layers down2 up3

Every configuration is compiled first, on all cores, then checked against float64 on two models, into memory that is NaN
before, and timed on all models in a CUDA graph. A line is a layer and a direction: microseconds a
model and step with the blocks of the table (training/kernels/blocks.py) and with the best, and the least that its bytes
take at 3.0 TB/s. At the end, by entry of the table, the sum over its layers of each configuration, best first. Without
a GPU the interpreter runs the kernels: say `--precision fp32 --batch 1 --models 1`, for the checks.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple
from unittest import mock

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose2d

from distaff.training.kernels import triton_convolution as kernels
from distaff.training.kernels.blocks import BLOCKS, FEW, Blocks
from distaff.training.kernels.shapes import Activation, Convolution

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BANDWIDTH = 3.0e12  # bytes a second of an H100
BOUNDS = {"bf16": 1e-2, "fp32": 1e-5}  # of a tensor's relative error
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
RELU = Activation("relu")


class Layer(NamedTuple):
    """Channels of the input and of the output, side of its images, side of its kernel, and how it moves."""

    inputs: int
    outputs: int
    side: int
    kernel: int
    how: Convolution


DOWN, UP, CUT = Convolution(2, 1, False), Convolution(2, 1, True), Convolution(2, 0, False)
LAYERS = {
    "down1": Layer(1, 32, 64, 4, DOWN), "down2": Layer(32, 32, 32, 4, DOWN), "down3": Layer(32, 64, 16, 2, CUT),
    "down4": Layer(64, 64, 8, 2, CUT), "up1": Layer(64, 64, 4, 4, UP), "up2": Layer(64, 32, 8, 4, UP),
    "up3": Layer(32, 32, 16, 4, UP), "up4": Layer(32, 1, 32, 4, UP),
}  # fmt: skip
COLOUR = {"down1 in colour": Layer(3, 32, 64, 4, DOWN), "up4 in colour": Layer(32, 3, 32, 4, UP)}
Key = tuple[str, bool, bool]
OTHERS: dict[Key, list[Blocks]] = {
    ("gather", False, True): [
        Blocks(128, 64, 32, 4, 4), Blocks(128, 64, 64, 4, 1), Blocks(128, 64, 64, 4, 4), Blocks(128, 64, 128, 4, 2),
        Blocks(256, 64, 64, 8, 3), Blocks(256, 64, 64, 8, 1), Blocks(64, 64, 128, 4, 3), Blocks(128, 64, 128, 8, 2),
    ],
    ("gather", True, True): [
        Blocks(64, 64, 64, 4, 1), Blocks(256, 64, 64, 4, 1), Blocks(256, 64, 64, 8, 1), Blocks(512, 64, 64, 8, 1),
    ],
    ("spread", False, True): [
        Blocks(128, 128, 128, 8, 1), Blocks(128, 128, 64, 8, 1), Blocks(128, 128, 64, 4, 2), Blocks(64, 128, 64, 4, 3),
        Blocks(64, 128, 128, 4, 1), Blocks(256, 128, 64, 8, 2), Blocks(128, 64, 64, 4, 3), Blocks(128, 128, 128, 8, 2),
        Blocks(64, 256, 64, 8, 2),
    ],
    ("spread", True, True): [
        Blocks(128, 64, 32, 8, 1), Blocks(128, 64, 64, 8, 2), Blocks(256, 64, 32, 8, 3), Blocks(64, 64, 32, 8, 3),
        Blocks(64, 64, 32, 4, 3),
    ],
    ("weights", False, True): [
        Blocks(128, 128, 64, 8, 3, 4), Blocks(128, 128, 64, 8, 3, 16), Blocks(128, 128, 32, 8, 4, 8),
        Blocks(128, 128, 128, 8, 2, 8), Blocks(64, 128, 64, 4, 3, 16), Blocks(128, 64, 64, 4, 3, 16),
        Blocks(128, 128, 64, 4, 3, 8), Blocks(64, 128, 64, 8, 3, 8),
    ],
    ("weights", True, True): [
        Blocks(64, 64, 128, 4, 3, 16), Blocks(64, 64, 128, 4, 3, 64), Blocks(64, 64, 64, 4, 3, 32),
        Blocks(64, 64, 256, 4, 2, 32), Blocks(64, 64, 128, 8, 2, 32),
    ],
    ("gather", False, False): [
        Blocks(128, 64, 32, 8, 2), Blocks(128, 64, 32, 4, 3), Blocks(128, 64, 32, 8, 3), Blocks(64, 64, 32, 4, 2),
    ],
    ("gather", True, False): [Blocks(64, 64, 16, 4, 1), Blocks(128, 64, 32, 8, 1)],
    ("spread", False, False): [
        Blocks(64, 128, 32, 8, 2), Blocks(128, 64, 32, 8, 2), Blocks(64, 64, 32, 4, 2), Blocks(128, 128, 32, 8, 2),
    ],
    ("spread", True, False): [Blocks(64, 64, 32, 4, 2), Blocks(128, 64, 32, 4, 2)],
    ("weights", False, False): [
        Blocks(64, 64, 32, 4, 3, 16), Blocks(64, 128, 32, 8, 2, 16), Blocks(64, 64, 32, 4, 2, 32),
        Blocks(64, 64, 64, 8, 2, 16),
    ],
    ("weights", True, False): [Blocks(64, 64, 64, 4, 2, 32), Blocks(64, 64, 32, 4, 2, 64)],
}  # fmt: skip


class Case(NamedTuple):
    """A layer and a direction: "forward", "below" or "weights"."""

    layer: str
    direction: str
    precision: str

    @property
    def key(self) -> Key:
        """The entry of the table of blocks that it takes."""
        layer = (LAYERS | COLOUR)[self.layer]
        large = layer.outputs if layer.how.transposed else layer.inputs
        product = "spread" if (self.direction == "forward") == layer.how.transposed else "gather"
        kind = "weights" if self.direction == "weights" else product
        return kind, large <= FEW, self.precision == "bf16"


class Inputs(NamedTuple):
    """What a layer of k models is given."""

    x: Tensor
    w: Tensor
    bias: Tensor
    above: Tensor
    scale: Tensor


def cases(names: list[str], precision: str) -> list[Case]:
    """Every direction of the layers; a gradient at the data themselves is no one's."""
    pairs = [(name, direction) for name in names for direction in ("forward", "below", "weights")]
    return [Case(*pair, precision) for pair in pairs if not (pair[0].startswith("down1") and pair[1] == "below")]


def inputs_of(layer: Layer, precision: str, k: int, b: int) -> Inputs:
    generator, dtype = torch.Generator(DEVICE).manual_seed(0), DTYPES[precision]

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=DEVICE)

    def images(c: int, sides: tuple[int, int]) -> Tensor:
        return draw(k, b, *sides, c).to(dtype).movedim(4, 2)

    w = (draw(k, layer.kernel, layer.kernel, layer.inputs, layer.outputs) / 16).to(dtype)
    w = w.permute((0, 3, 4, 1, 2) if layer.how.transposed else (0, 4, 3, 1, 2))
    above = kernels.size_above((layer.side, layer.side), (layer.kernel, layer.kernel), layer.how)
    x = images(layer.inputs, (layer.side, layer.side)).relu()
    return Inputs(x, w, draw(k, layer.outputs), images(layer.outputs, above), draw(k).abs() + 0.5)


def calls(case: Case, given: Inputs) -> Callable[[], list[Tensor]]:
    """The launch of a case; the last layer has no activation, and its gradient from above is scaled."""
    layer = (LAYERS | COLOUR)[case.layer]
    act, scale = (Activation(), given.scale) if case.layer.startswith("up4") else (RELU, None)
    if case.direction == "forward":
        return lambda: [kernels.convolve(given.x, given.w, given.bias, layer.how, act, "last")]
    if case.direction == "below":
        return lambda: [kernels.convolve_below(given.above, given.w, given.x, layer.how, RELU, "last", scale)]
    k, parts = len(given.x), kernels.parts_of_convolution(given.x.shape, given.w.shape, layer.how, given.x.dtype)
    of_w = torch.full((parts, k, layer.kernel, layer.kernel, layer.inputs, layer.outputs), math.nan, device=DEVICE)
    of_b = torch.full((parts, k, layer.outputs), math.nan, device=DEVICE)

    def weights() -> list[Tensor]:
        kernels.convolve_weights(given.x, given.above, of_w, of_b, layer.how, scale)
        return [of_w, of_b]

    return weights


def exact(name: str, given: Inputs) -> dict[str, list[Tensor]]:
    """What torch finds in float64, without cuDNN."""
    how, scaled = (LAYERS | COLOUR)[name].how, name.startswith("up4")
    x, w, bias = (part.double().contiguous().requires_grad_() for part in given[:3])
    layer = conv_transpose2d if how.transposed else conv2d
    with torch.backends.cudnn.flags(enabled=False):
        each = [layer(*one, how.stride, how.padding) for one in zip(x, w, bias, strict=True)]
        raw = torch.stack(each)
        scale = given.scale.double() if scaled else torch.ones_like(given.scale).double()
        above = given.above.double() * scale[:, None, None, None, None]
        of_x, of_w, of_b = torch.autograd.grad(raw, (x, w, bias), above)
    of_w = of_w.permute((0, 3, 4, 1, 2) if how.transposed else (0, 3, 4, 2, 1))
    return {
        "forward": [raw.detach() if scaled else raw.detach().relu()], "below": [of_x * (given.x > 0)],
        "weights": [of_w, of_b],
    }  # fmt: skip


def error(case: Case, given: Inputs, wanted: list[Tensor]) -> float:
    """The largest relative error of a tensor, into memory that is NaN before."""
    memory = kernels._images
    with mock.patch.object(kernels, "_images", lambda *like: memory(*like).fill_(math.nan)):
        found = calls(case, given)()
    found = [part.double().sum(0) for part in found] if case.direction == "weights" else found
    pairs = zip(found, wanted, strict=True)
    return max(float((mine.double() - theirs).norm() / theirs.norm()) for mine, theirs in pairs)


def seconds(call: Callable[[], object], repeats: int = 7, times: int = 4) -> float:
    """The median time of a call, several in one CUDA graph so that launching does not count."""
    if DEVICE == "cpu":
        return math.nan
    call()
    torch.cuda.synchronize()
    graph, found = torch.cuda.CUDAGraph(), []
    with torch.cuda.graph(graph):
        for _ in range(times):
            call()
    graph.replay()
    for _ in range(repeats):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        found.append(begin.elapsed_time(end) / 1e3 / times)
    return statistics.median(found)


def floor(case: Case, given: Inputs) -> float:
    """Microseconds a model that the bytes of a case take: what is read and written once, and partial sums."""
    size = {name: part[0].numel() * part.element_size() for name, part in given._asdict().items()}
    moved = size["x"] + size["above"] + size["w"]
    if case.direction == "below":
        moved += size["x"]
    if case.direction == "weights":
        layer = (LAYERS | COLOUR)[case.layer]
        parts = kernels.parts_of_convolution(given.x.shape, given.w.shape, layer.how, given.x.dtype)
        moved += 4 * parts * given.w[0].numel() - size["w"]
    return moved / BANDWIDTH * 1e6


@contextmanager
def using(key: Key, blocks: Blocks) -> Iterator[None]:
    with mock.patch.dict(BLOCKS, {key: blocks}):
        kernels._plan.cache_clear()
        yield
    kernels._plan.cache_clear()


def compile_one(case: Case, blocks: Blocks, b: int) -> None:
    """Leave the kernels of a configuration in Triton's cache."""
    given = inputs_of((LAYERS | COLOUR)[case.layer], case.precision, 1, b)
    with using(case.key, blocks):
        try:
            calls(case, given)()
        except Exception as problem:  # noqa: BLE001  too large for the GPU: said where it is measured
            print(f"{case.layer} {case.direction} {blocks}: {type(problem).__name__}", flush=True)


def configurations(case: Case, most: int) -> list[Blocks]:
    """Those of the table first."""
    return [BLOCKS[case.key], *(other for other in OTHERS[case.key] if other != BLOCKS[case.key])][:most]


def measure(case: Case, given: Inputs, few: Inputs, wanted: list[Tensor], most: int) -> dict[Blocks, float]:
    """Microseconds a model by configuration; infinite where it fails or is wrong, with a line that says so."""
    found = {}
    for blocks in configurations(case, most):
        with using(case.key, blocks):
            try:
                off = error(case, few, wanted)
                found[blocks] = seconds(calls(case, given)) / len(given.x) * 1e6
            except Exception as problem:  # noqa: BLE001  too large for the GPU
                print(f"  {case.layer} {case.direction} {blocks}: {str(problem)[:100]}")
                found[blocks] = math.inf
                continue
        if not off <= BOUNDS[case.precision]:
            print(f"  {case.layer} {case.direction} {blocks}: WRONG, off by {off:.1e}")
            found[blocks] = math.inf
    return found


def report(found: dict[Case, dict[Blocks, float]]) -> None:
    """By entry of the table the sum over its layers, in one channel and in colour."""
    for key in dict.fromkeys(case.key for case in found):
        rows = [times for case, times in found.items() if case.key == key]
        sums = {blocks: sum(row[blocks] for row in rows) for blocks in rows[0]}
        print(f"{key}")
        for blocks, total in sorted(sums.items(), key=lambda pair: pair[1]):
            mark = "  <- the table's" if blocks == BLOCKS[key] else ""
            print(f"  {total:7.2f}  {tuple(blocks)}  {' '.join(f'{row[blocks]:.2f}' for row in rows)}{mark}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--precision", choices=DTYPES, default="bf16")
    parser.add_argument("--layers", nargs="*", default=[*LAYERS, *COLOUR])
    parser.add_argument("--models", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument(
        "--most", type=int, default=99, help="configurations of a product, of which the table's is first"
    )
    options = parser.parse_args()
    begun, wanted_cases = time.perf_counter(), cases(options.layers, options.precision)
    if DEVICE == "cuda":
        jobs = [(case, blocks) for case in wanted_cases for blocks in configurations(case, options.most)]
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
            for job in [pool.submit(compile_one, *job, options.batch) for job in jobs]:
                job.result()
        print(f"{len(jobs)} kernels compiled after {time.perf_counter() - begun:.0f} s")
    found: dict[Case, dict[Blocks, float]] = {}
    sums = [0.0, 0.0, 0.0]
    print(f"{'layer':16} {'direction':8} {'now':>7} {'best':>7} {'floor':>7}  microseconds a model")
    for name in options.layers:
        layer = (LAYERS | COLOUR)[name]
        given, few = (inputs_of(layer, options.precision, k, options.batch) for k in (options.models, 2))
        wanted = exact(name, few)
        for case in (case for case in wanted_cases if case.layer == name):
            found[case] = measure(case, given, few, wanted[case.direction], options.most)
            best = min(found[case], key=lambda blocks: found[case][blocks])
            row = [found[case][BLOCKS[case.key]], found[case][best], floor(case, given)]
            sums = [a + b for a, b in zip(sums, row, strict=True)] if name in LAYERS else sums
            print(f"{name:16} {case.direction:8} {row[0]:7.2f} {row[1]:7.2f} {row[2]:7.2f}  {tuple(best)}", flush=True)
    print(f"{'sum, one channel':25} {sums[0]:7.2f} {sums[1]:7.2f} {sums[2]:7.2f}")
    report(found)
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
