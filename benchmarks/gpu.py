"""What a GPU makes of the study: every kernel checked, a table of model-steps, a profile by kernel, a study in small.

    python benchmarks/gpu.py                   all four, in at most eight minutes
    python benchmarks/gpu.py check table       some of them: check, table, profile, study
    python benchmarks/gpu.py table --rows "32 models, bf16"

A model-step is one update of one model at batch 64, microseconds of the wall, draws included.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import torch
from gpu_compiled import compile_kernels
from rich.console import Console
from rich.table import Table
from torch.func import functional_call

from distaff.methods import Outputs
from distaff.networks.layers.likelihood import LIKELIHOODS
from distaff.runs import Run, run
from distaff.training import cuda_graph
from distaff.training.cuda_graph import capture_step
from distaff.training.device import exact
from distaff.training.pack import Group, Pack, State, begin, pack
from distaff.training.passes.choice import passes_for
from distaff.training.step import Draws, clock, draw_batch, update_models

CONSOLE = Console(width=120)


class Row(NamedTuple):
    """A row of the table: so many models of one setting, side by side."""

    models: int
    method: str = "beta_vae(beta=4)"
    precision: str = "bf16"
    dataset: str = "dsprites"
    network: str = "conv64"


SHORT = """
from distaff.runs import Study, cross

METHODS = ["beta_vae(beta=4)", "annealed_vae(c_max=25)", "factor_vae(gamma=10)", "dip_vae_i(lambda_od=5)",
           "dip_vae_ii(lambda_od=5)", "beta_tc_vae(beta=4)"]
study = Study("short", cross(["dsprites"], METHODS, range({seeds}), updates={updates}, precision="bf16"),
              ("mig", "sap", "modularity", "factor_vae_score", "dci"), rows=5_000, test_rows=2_500, grid_rows=20_000,
              pack=32, pictures=0)
"""
ROWS = {
    "32 models, bf16": Row(32),
    "128 models, bf16": Row(128),
    "one model, bf16": Row(1),
    "32 models, fp32": Row(32, precision="fp32"),
    "one model, fp32": Row(1, precision="fp32"),
    "32 FactorVAE with critics, bf16": Row(32, "factor_vae(gamma=10)"),
    "128 FactorVAE with critics, bf16": Row(128, "factor_vae(gamma=10)"),
    "32 FactorVAE with critics, fp32": Row(32, "factor_vae(gamma=10)", "fp32"),
    "32 models of color_dsprites, bf16": Row(32, dataset="color_dsprites"),
    "32 models of noisy_dsprites, bf16": Row(32, dataset="noisy_dsprites"),
    "32 models of shapes3d_lookalike, bf16": Row(32, dataset="shapes3d_lookalike"),
    "32 models of mlp, bf16": Row(32, network="mlp"),
    "32 models of toy, bf16": Row(32, dataset="toy", network="mlp(width=64, latents=6)"),
}


def runs(row: Row, models: int | None = None) -> tuple[Run, ...]:
    """The runs of a row, or so many of them."""
    return tuple(
        run(row.dataset, row.method, row.network, seed=seed, precision=row.precision)
        for seed in range(models or row.models)
    )


def check(rows: Sequence[Row]) -> None:
    """The gradients of an update, of every kind of row, against float64; and its repetition, bit for bit."""
    drawn = Table("gradients against float64", "precision", "worst tensor", "its error", "all", "repeats", box=None)
    for row in dict.fromkeys(row._replace(models=3) for row in rows):
        packed = pack(runs(row), "cuda")
        one, other = gradients(packed), gradients(packed)
        errors = relative(one, exact_gradients(packed))
        worst = max(errors, key=lambda name: errors[name])
        repeats = all(torch.equal(one[name], other[name]) for name in one)
        drawn.add_row(f"{row.method} on {row.dataset}, {row.network}", row.precision, worst, f"{errors[worst]:.1e}",
                      f"{whole(one, exact_gradients(packed)):.1e}", "yes" if repeats else "NO")  # fmt: skip
    CONSOLE.print(drawn, "")


def gradients(packed: Pack) -> dict[str, torch.Tensor]:
    """Those of the first update of a pack, as it is trained; memory is poisoned before."""
    state = begin(packed)
    passes = passes_for(packed, state)
    poison()
    update_models(packed, state, passes, draw_batch(packed, 0), clock(packed, 0))
    found = dict(passes.vae.gradients())
    if passes.critic is not None:
        found |= {f"critic.{name}": part for name, part in passes.critic.gradients().items()}
    return {name: part.double().clone() for name, part in found.items()}


def poison() -> None:
    """Fill free memory with NaN, so that what a kernel does not write is seen."""
    parts = [
        torch.full((size,), torch.nan, device="cuda") for size in (2**10, 2**16, 2**20, 2**24, 2**26) for _ in "123"
    ]
    del parts


def exact_gradients(packed: Pack) -> dict[str, torch.Tensor]:
    """The same by autograd in float64, one model after the other."""
    state, drawn = begin(packed), draw_batch(packed, 0)
    each: list[dict[str, torch.Tensor]] = []
    for group in packed.groups:
        for j in range(group.models.start, group.models.stop):
            hyper = {name: values[j - group.models.start].double() for name, values in group.hyper.items()}
            each.append(_of_model(packed, group, hyper, state, drawn, j))
    return {name: torch.stack([one[name] for one in each]) for name in each[0]}


def _of_model(packed: Pack, group: Group, hyper: dict[str, Any], state: State, drawn: Draws, j: int) -> dict[str, Any]:
    vae, critic = (
        {name: p[j].detach().double().requires_grad_() for name, p in part.items()}
        for part in (state.params, state.critic)
    )
    x, noise = drawn.x[j].double(), drawn.noise[j].double()
    mean, logvar = functional_call(packed.vae.encoder, under("encoder", vae), x).chunk(2, -1)
    z = mean + torch.exp(0.5 * logvar) * noise
    nll = LIKELIHOODS[packed.vae.likelihood].nll(functional_call(packed.vae.decoder, under("decoder", vae), z), x)
    out = Outputs(nll, mean, logvar, z, torch.tensor(0.0, device=x.device, dtype=x.dtype))
    found = {}
    if packed.critic is not None:
        assert drawn.order is not None
        shuffled = z.detach().gather(0, drawn.order[j])
        out = out._replace(real=functional_call(packed.critic, critic, z))
        apart = out._replace(real=functional_call(packed.critic, critic, z.detach()),
                             fake=functional_call(packed.critic, critic, shuffled))  # fmt: skip
        loss = group.hooks.critic(apart)
        found = {
            f"critic.{name}": g for name, g in zip(critic, torch.autograd.grad(loss, [*critic.values()]), strict=True)
        }
    objective = torch.stack(list(group.terms(out, **hyper).values())).sum()
    return found | dict(zip(vae, torch.autograd.grad(objective, list(vae.values())), strict=True))


def under(part: str, weights: dict[str, Any]) -> dict[str, Any]:
    """The weights of one part of a network."""
    return {name.removeprefix(f"{part}."): p for name, p in weights.items() if name.startswith(f"{part}.")}


def whole(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """The relative error of all gradients together."""
    off = sum(float((found[name] - e).square().sum()) for name, e in expected.items())
    return (off / sum(float(e.square().sum()) for e in expected.values())) ** 0.5


def relative(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> dict[str, float]:
    """||found - expected|| / ||expected|| of each tensor."""
    return {name: float((found[name] - e).norm() / e.norm()) for name, e in expected.items()}


def table(rows: dict[str, Row], seconds: float) -> None:
    """Microseconds of a model-step of each row, captured and replayed, draws and all; the median of five stretches."""
    drawn = Table(f"{torch.cuda.get_device_name()}, batch 64", "us a model-step", "first update, s", "way", box=None)
    for name, row in rows.items():
        began = time.perf_counter()
        packed = pack(runs(row), "cuda")
        state = begin(packed)
        passes = passes_for(packed, state)
        take = capture_step(packed, state, passes)
        state, _, _ = take(state)
        torch.cuda.synchronize()
        first = time.perf_counter() - began
        took = stretches(take, state, seconds)
        drawn.add_row(name, f"{1e6 * took / row.models:.1f}", f"{first:.1f}", passes.vae.name)
        CONSOLE.print(f"{name}: {1e6 * took / row.models:.1f} us a model-step (first update after {first:.1f} s)")
        del take, passes, state, packed
        gc.collect()
        torch.cuda.empty_cache()
    CONSOLE.print(drawn, "")


def stretches(take: Callable[..., Any], state: State, seconds: float) -> float:
    """The median time of an update in five stretches of so many seconds in all."""

    def stretch(n: int) -> float:
        nonlocal state
        began = time.perf_counter()
        for _ in range(n):
            state, _, _ = take(state)
        torch.cuda.synchronize()
        return (time.perf_counter() - began) / n

    once = stretch(5)
    return statistics.median(stretch(max(5, int(seconds / 5 / once))) for _ in range(5))


def profile(row: Row, replays: int = 20) -> None:
    """Where the time of a step goes, kernel by kernel."""
    packed = pack(runs(row), "cuda")
    state = begin(packed)
    take = capture_step(packed, state, passes_for(packed, state))
    for _ in range(3):
        state, _, _ = take(state)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as seen:
        for _ in range(replays):
            state, _, _ = take(state)
        torch.cuda.synchronize()
    with tempfile.TemporaryDirectory() as folder:
        seen.export_chrome_trace(str(Path(folder, "trace.json")))
        events = json.loads(Path(folder, "trace.json").read_text())["traceEvents"]
    of: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") in ("kernel", "gpu_memcpy", "gpu_memset"):
            of[event["name"][:70], str(event.get("args", {}).get("grid", ""))].append(event["dur"])
    step = replays * row.models
    drawn = Table(f"kernels of {row}", "grid", "launches a step", "us a model-step", box=None)
    for (name, grid), times in sorted(of.items(), key=lambda item: -sum(item[1]))[:45]:
        drawn.add_row(name, grid, f"{len(times) / replays:.0f}", f"{sum(times) / step:.2f}")
    everything = [time for times in of.values() for time in times]
    drawn.add_row("all", "", f"{len(everything) / replays:.0f}", f"{sum(everything) / step:.1f}")
    CONSOLE.print(drawn, "")


def study(device: str = "cuda", runs: int = 24, updates: int = 2_000) -> None:
    """A study from its file to its scores, as its user runs it: so many short runs of six methods."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "short.py")
        file.write_text(SHORT.format(seeds=runs // 6, updates=updates), encoding="utf-8")
        began = time.perf_counter()
        command = [sys.executable, "-m", "distaff", "study", "run", str(file), "--out", folder, "--device", device]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        CONSOLE.print(done.stdout[-400:], done.stderr[-400:], style=None if done.returncode == 0 else "red")
        CONSOLE.print(
            f"{runs} runs of {updates:,} updates, trained and scored in {time.perf_counter() - began:.0f} s\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="of check, table, profile and study; all by default")
    parser.add_argument("--rows", nargs="*", choices=list(ROWS), default=list(ROWS), help="of the table")
    parser.add_argument("--seconds", type=float, default=4.0, help="for which a row of the table is timed")
    parser.add_argument("--host-draws", action="store_true", help="draw batches on the CPU, as before they fitted")
    options = parser.parse_args()
    exact()
    if options.host_draws:
        cuda_graph.resident = lambda *_: None
    rows = {name: ROWS[name] for name in options.rows}
    parts = options.parts or ["check", "table", "profile", "study"]
    began = time.perf_counter()
    compile_kernels(runs(row, 2) for row in rows.values())
    CONSOLE.print(f"compiled in {time.perf_counter() - began:.0f} s", "")
    if "check" in parts:
        check(list(rows.values()))
    if "table" in parts:
        table(rows, options.seconds)
    if "profile" in parts:
        for row in list(rows.values())[: len(rows) if options.rows != list(ROWS) else 1]:
            profile(row)
    if "study" in parts:
        study()


if __name__ == "__main__":
    main()
