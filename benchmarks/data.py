"""What data costs: batches against a DataLoader in the same run, look-alikes, opening, and the share of a step.

    python benchmarks/data.py [--build] [--stream 1036800]

CPU time (user and system) of one thread. Batches are taken in turn by every contender in every round, and the median of
the rounds' ratios is printed, with nine tenths above the first figure in brackets and nine tenths below the second: a
neighbour of the machine's memory slows all of them. `--build` draws the look-alikes of Cars3D and SmallNORB anew, in
minutes; `--stream N` writes N images in the format of MPI3D and converts them, which needs 12.7 GB of disk for
1,036,800. Both work in a folder that is deleted afterwards.

Measured on two cores of an EPYC of 2024, fifteen runs: a batch of 64 of dsprites in 21 to 26 us, of which 13 write a
megabyte of floats, 2 to 6 wait for cold memory, and 2 draw rows. By item over bytes in memory a DataLoader takes 23 to
28 times as long; over the packed array 19.1 to 22.9 times, the median 21.1; with a batch sampler 12 to 15 times. (In
one run, all of it slowed by half, 32, 25 and 15 times.) Of a step of conv64 on dsprites less than a thousandth is data,
of one on Scream-dSprites 4 %. shapes3d_lookalike has its tables in 0.9 CPU s and then 93,449 images a second; those of
Cars3D and SmallNORB are drawn in 85 and 126 s, with 352 and 375 MB at most. 12.7 GB in MPI3D's format are converted in
49 s with 477 MB at most.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

from distaff import data, rng
from distaff.data.cache.built import FOLDER

BATCH, ROUNDS = 64, 7


class Packed(Dataset[torch.Tensor]):
    """The usual data set over the same array, packed and mapped: one item as floats."""

    def __init__(self, words: NDArray[np.uint64]) -> None:
        self.words = words

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: Any) -> torch.Tensor:
        bits = np.unpackbits(self.words[index].view(np.uint8), bitorder="little")
        return torch.from_numpy(bits.reshape(1, 64, 64)).float()


class Items(Dataset[torch.Tensor]):
    """The same over an array that is unpacked, 3 GB in memory: one item, or a list of them, as floats."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> torch.Tensor:
        return self.images[index].float() / 255


def least(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """The least CPU seconds of `rounds` calls."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def batches(rounds: int = 41) -> None:
    """Batches of dsprites, rows drawn and all, and the same from DataLoaders, each in turn in every round."""
    from distaff.data import dsprites

    dataset, step = data.load("dsprites"), itertools.count()
    whole = np.concatenate([dataset.images(rows) for rows in np.array_split(np.arange(len(dataset)), 200)])
    items = Items(torch.from_numpy(whole.reshape(-1, 1, 64, 64)))
    sampler = BatchSampler(RandomSampler(items), BATCH, drop_last=True)
    packed = iter(DataLoader(Packed(dsprites._drawn()), batch_size=BATCH, shuffle=True))
    single = iter(DataLoader(items, batch_size=BATCH, shuffle=True))
    batched = iter(DataLoader(items, sampler=sampler, batch_size=None))
    contenders: dict[str, tuple[Callable[[], Any], int]] = {
        "dsprites": (lambda: dataset.batch(dataset.draw_rows(0, next(step), BATCH)), 100),
        "DataLoader, per item, the same packed array": (lambda: next(packed), 6),
        "DataLoader, per item, unpacked in memory": (lambda: next(single), 6),
        "DataLoader, batch sampler, unpacked in memory": (lambda: next(batched), 12),
    }
    seconds = {name: np.empty(rounds) for name in contenders}
    for at in range(-1, rounds):  # the first round is overwritten: an epoch's beginning and the compiler are left out
        for name, (work, n) in contenders.items():
            began = time.process_time()
            for _ in range(n):
                work()
            seconds[name][at] = (time.process_time() - began) / n
    for name, taken in seconds.items():
        low, ratio, high = np.percentile(taken / seconds["dsprites"], (10, 50, 90))
        print(f"a batch of 64, {name}: {1e6 * np.median(taken):.0f} us, {ratio:.1f}x ({low:.1f} to {high:.1f})")


def room() -> None:
    """The look-alike of 3D Shapes: tables and composition."""
    from distaff.data import shapes3d_lookalike as lookalike

    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get(FOLDER)
        os.environ[FOLDER] = folder
        dataset = data.load("shapes3d_lookalike")
        lookalike._tables.cache_clear()
        seconds = least(lambda: dataset.images(np.array([0])), 1)
        rows = [dataset.draw_rows(0, step, BATCH) for step in range(100)]
        rate = 100 * BATCH / least(lambda: [dataset.images(some) for some in rows])
        print(f"shapes3d_lookalike: tables in {seconds:.1f} CPU s, {rate:,.0f} images a second")
        _restore(before)
        lookalike._tables.cache_clear()


def _restore(before: str | None) -> None:
    os.environ.pop(FOLDER)
    if before is not None:
        os.environ[FOLDER] = before


def opening() -> None:
    """A built set, opened in a fresh process: time and memory."""
    data.load("dsprites").images(np.array([0]))
    print("opening 377 MB of dsprites: {:.1f} ms, {:.1f} MB more in memory".format(*_in_process(_open)))


def _open(out: Any) -> None:
    from distaff.data import dsprites
    from distaff.data.cache import built as _files

    began, memory = time.perf_counter(), _resident()
    _files.open_or_build(*dsprites.DRAWN, ())
    out.send((1e3 * (time.perf_counter() - began), _resident() - memory))


def _in_process(work: Callable[[Any], None], *arguments: Any) -> Any:
    """What `work` sends from a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(theirs, *arguments))
    process.start()
    result = ours.recv()
    process.join()
    return result


def _resident() -> float:
    """Megabytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def _peak() -> float:
    """The most megabytes that this process has had in memory; ru_maxrss would count those of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def share(dataset: str, method: str, network: str, n: int = 5) -> None:
    """The part of a training step that goes to rows, images and nuisance."""
    from distaff.runs import run
    from distaff.training.pack import begin, pack
    from distaff.training.passes.choice import passes_for
    from distaff.training.step import take_step

    packed = pack((run(dataset, method, network, updates=10),))
    state, inputs = begin(packed), packed.dataset
    passes = passes_for(packed, state)

    def images() -> None:
        for at in range(n):
            u = rng.uniform(0, "nuisance", at, (BATCH, *inputs.nuisance)) if inputs.nuisance else None
            inputs.batch(inputs.draw_rows(0, at, BATCH), u)

    images()
    take_step(packed, state, passes)
    whole, part = least(lambda: [take_step(packed, state, passes) for _ in range(n)], 3), least(images)
    print(f"{method} on {dataset}, {network}: {1e3 * whole / n:.2f} ms a step, {100 * part / whole:.1f} % of it data")


def built() -> None:
    """The look-alikes that are drawn once."""
    for name in ("cars3d_lookalike", "smallnorb_lookalike"):
        with tempfile.TemporaryDirectory() as folder:
            costs = _in_process(_build, name, folder)
            print("{}: {:.0f} s on {} cores, {:.0f} CPU s, {:.0f} MB at most".format(name, *costs))


def _build(out: Any, name: str, folder: str) -> None:
    os.environ[FOLDER] = folder
    wall, cpu = time.perf_counter(), time.process_time()
    data.load(name).images(np.array([0]))
    peak = _peak()
    out.send((time.perf_counter() - wall, os.cpu_count(), time.process_time() - cpu, peak))


def stream(n: int) -> None:
    """A file in the format of MPI3D, converted: the memory that it takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mpi3d.npz"
        _write(path, n)
        size = path.stat().st_size / 1e9
        wall, peak = _in_process(_convert, str(path), n, folder)
        print(f"MPI3D's format, {n * 12288 / 1e9:.1f} GB from {size:.2f} GB: {wall:.0f} s, {peak:.0f} MB at most")


def _write(path: Path, n: int) -> None:
    header = {"descr": "|u1", "fortran_order": False, "shape": (n, 64, 64, 3)}
    block = np.zeros((100, 64, 64, 3), dtype=np.uint8).tobytes()  # what it holds does not matter for memory
    archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("images.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, n, 100):
            file.write(block[: min(100, n - start) * 12288])


def _convert(out: Any, path: str, n: int, folder: str) -> None:
    from distaff.data._formats.mpi3d import convert

    os.environ[FOLDER] = folder
    began = time.perf_counter()
    convert("mpi3d_toy", Path(path), ((n,),))
    out.send((time.perf_counter() - began, _peak()))


def main() -> None:
    """Print every figure."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--build", action="store_true")
    arguments.add_argument("--stream", type=int, default=0)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    opening()
    batches()
    room()
    share("dsprites", "beta_vae(beta=4)", "conv64")
    share("scream_dsprites", "beta_vae(beta=4)", "conv64")
    share("shapes3d_lookalike", "beta_vae(beta=4)", "conv64")
    share("toy", "beta_vae(beta=4)", "mlp(width=64, latents=6)", 50)
    if options.build:
        built()
    if options.stream:
        stream(options.stream)


if __name__ == "__main__":
    main()
