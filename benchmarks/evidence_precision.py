"""What training in bfloat16 does to scores: the same seeds in both precisions, and their paired differences.

    make evidence-precision      128 models of toy, some ten minutes of CPU time, a table to docs/evidence_precision.md

A pair begins with the same weights and sees the same images and noise, so that its difference is the precision's alone.
"""

from __future__ import annotations

import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from distaff.plugins.registry import metric_or_task
from distaff.runs import PRECISIONS, Optim, Run, run
from distaff.scoring.protocol import EvaluationProtocol
from distaff.scoring.score import evaluate_run
from distaff.training.fit import fit

SEEDS, UPDATES = 32, 4_000
METHODS = ("beta_vae(beta=2)", "beta_tc_vae(beta=4)")
METRICS = (
    "mig", "dci", "sap", "modularity", "factor_vae_score(train=2000, test=1000)", "gaussian_total_correlation",
)  # fmt: skip
PAGE = Path(__file__).parent.parent / "docs" / "evidence_precision.md"
HEAD = f"""# What bfloat16 does to scores

Written by `make evidence-precision`: {SEEDS} seeds of toy, dense networks, Adam at 1e-3, {UPDATES:,} updates, trained
in float32 and again with `--precision bf16`. A pair shares its first weights, images and noise. Scores are of mean
codes; the difference is bf16 less fp32, with the 95 % interval of its mean (Student's t over pairs); beside it the
standard deviation over seeds in fp32, for scale.

| method | score | fp32, mean | difference | 95 % interval | spread over seeds |
|---|---|---|---|---|---|
"""
Scores = dict[str, float]


def runs(method: str, precision: str) -> tuple[Run, ...]:
    return tuple(
        run("toy", method, "mlp(latents=6, width=64)", seed=seed, updates=UPDATES, precision=precision,
            optim=Optim(lr=1e-3))
        for seed in range(SEEDS)
    )  # fmt: skip


def scored(method: str, precision: str) -> dict[int, Scores]:
    """The headline scores of each seed's mean codes."""
    protocol = EvaluationProtocol(
        tuple(metric_or_task(text) for text in METRICS), rows=2_000, test_rows=1_000, grid_rows=10_000
    )
    names = {spec.name for spec in protocol.metrics}
    return {
        one.run.seed: {
            row["metric"]: row["value"]
            for row in evaluate_run(one.run, one.params, protocol)
            if row["representation"] == "mean" and row["metric"] in names
        }
        for one in fit(runs(method, precision))
    }


def line(method: str, metric: str, before: NDArray[np.float64], after: NDArray[np.float64]) -> str:
    apart = after - before
    half = t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart))
    low, high = apart.mean() - half, apart.mean() + half
    numbers = f"{before.mean():.3f} | {apart.mean():+.3f} | {low:+.3f} to {high:+.3f} | {before.std(ddof=1):.3f}"
    return f"| `{method}` | {metric} | {numbers} |"


def main() -> None:
    jobs = [(method, precision) for method in METHODS for precision in PRECISIONS]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        scores = dict(zip(jobs, pool.map(scored, *zip(*jobs, strict=True)), strict=True))
    lines = []
    for method in METHODS:
        columns: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for seed in range(SEEDS):
            for metric, value in scores[method, "fp32"][seed].items():
                columns[metric].append((value, scores[method, "bf16"][seed][metric]))
        lines += [line(method, metric, *np.array(pairs).T) for metric, pairs in columns.items()]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
