"""The 2019 study's nine evaluations of one representation, beside the same written plainly with scikit-learn.

    python benchmarks/metrics.py [--jobs 2] [--stages 5] [--alone] [--scale]

Factors and sizes are dSprites': a table of 737,280 codes (ten, mixed and noisy), 10,000 rows to train on and 5,000 to
test on, 10 to 10,000 labels downstream. scikit-learn's trees take a quarter of an hour for all 100 stages, so that
it grows `--stages`, whose time is multiplied up (a stage costs what the one before did); `--stages 100` grows them all.
`--alone` leaves scikit-learn out. `--scale` times the histogram metrics on a million rows of 128 codes instead.
CPU seconds are of all threads. A ratio is scikit-learn's seconds over ours, both of this run.

Measured on 2 cores with nothing beside it, `--jobs 2 --stages 5`: the nine in 46.8 CPU seconds, 27.6 of wall time and
620 MiB, where scikit-learn takes 836 CPU seconds (17.9x). DCI 31.8x in CPU time and 54.2x in wall time, downstream
trees 26.6x and 42.1x, downstream logistic 10.6x in CPU time, BetaVAE and FactorVAE scores 1.0 s together. That was
before fits took one BLAS thread. Beside a study on both cores the threads of the BLAS spun: the logistic tasks of 10 to
10,000 labels took 82 CPU seconds, and 9.3 with one thread; NK 71, and 9.7.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZES = np.array([3, 6, 40, 32, 32])
LABELS = (10, 100, 1_000, 10_000)


def dsprites_like(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Codes [n 10] and factors [n 5] of the whole grid: standardised factors, mixed, noisy, and five codes of noise."""
    rng = np.random.Generator(np.random.Philox(seed))
    factors = np.stack(np.unravel_index(np.arange(SIZES.prod()), SIZES), axis=1)
    z = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixed = z @ (np.eye(5) + 0.15 * rng.standard_normal((5, 5))) + 0.1 * rng.standard_normal(z.shape)
    return np.hstack([mixed, 0.03 * rng.standard_normal(z.shape)]).astype(np.float32), factors


def timed(work: Callable[[], Any]) -> NDArray[np.float64]:
    """CPU and wall seconds of `work`."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return np.array([time.process_time() - cpu, time.perf_counter() - wall])


def ours(table: Any, cells: Any, train: Any, test: Any, jobs: int) -> dict[str, Callable[[], Any]]:
    """The nine evaluations as this library computes them."""
    from distaff import metrics, tasks

    x, y, held_out = table[train], cells[train], (table[test], cells[test])
    unsupervised = [getattr(metrics, f"gaussian_{kind}_correlation") for kind in ("total", "wasserstein")]
    unsupervised.append(metrics.pairwise_mutual_information)

    def downstream(learner: str) -> Callable[[], Any]:
        return lambda: [tasks.downstream(x, y, held_out, jobs, labels=n, learner=learner) for n in LABELS]

    return {
        "BetaVAE score": lambda: metrics.beta_vae_score(table, cells),
        "FactorVAE score": lambda: metrics.factor_vae_score(table, cells),
        "MIG": lambda: metrics.mig(x, y),
        "modularity, explicitness": lambda: (metrics.modularity(x, y), metrics.explicitness(x, y, held_out)),
        "DCI": lambda: metrics.dci(x, y, held_out, jobs),
        "SAP": lambda: metrics.sap(x, y, held_out),
        "unsupervised": lambda: [score(x) for score in unsupervised],
        "downstream, logistic": downstream("logistic"),
        "downstream, trees": downstream("trees"),
    }


def theirs(table: Any, cells: Any, train: Any, test: Any, stages: int) -> dict[str, Callable[[], Any]]:
    """The same with scikit-learn; of trees, the first `stages`."""
    import metrics_reference as plain

    x, y, x_test, y_test = table[train], cells[train], table[test], cells[test]
    rng = np.random.Generator(np.random.Philox(1))
    return {
        "BetaVAE score": lambda: plain.beta_vae(table, SIZES, rng),
        "FactorVAE score": lambda: plain.factor_vae(table, SIZES, rng),
        "MIG": lambda: plain.mig(x, y),
        "modularity, explicitness": lambda: plain.modularity_and_explicitness(x, y, x_test, y_test),
        "DCI": lambda: plain.trees(x, y, stages),
        "SAP": lambda: plain.sap(x, y, x_test, y_test),
        "unsupervised": lambda: plain.unsupervised(x),
        "downstream, logistic": lambda: [plain.logistic(x[:n], y[:n]) for n in LABELS],
        "downstream, trees": lambda: [plain.trees(x[:n], y[:n], stages) for n in LABELS],
    }


def nine(options: argparse.Namespace) -> None:
    """One line an evaluation, and the sum."""
    table, cells = dsprites_like()
    rng = np.random.Generator(np.random.Philox(2))
    train, test = rng.integers(len(table), size=10_000), rng.integers(len(table), size=5_000)
    few = train[:200]
    warm = ours(table, cells, few, few, 1)
    spent = timed(lambda: [warm[name]() for name in warm if "VAE" not in name])
    print(f"compiling or loading kernels: {spent[0]:.1f} CPU s")
    ratios = {} if options.alone else theirs(table, cells, train, test, options.stages)
    total, reference = np.zeros(2), np.zeros(2)
    for name, work in ours(table, cells, train, test, options.jobs).items():
        spent = timed(work)
        total += spent
        line = f"{name:26} CPU {spent[0]:7.2f} s  wall {spent[1]:7.2f} s"
        if name in ratios:
            other = timed(ratios[name]) * (100 / options.stages if name in ("DCI", "downstream, trees") else 1)
            reference += other
            line += (
                f"   scikit-learn CPU {other[0]:7.1f} s: {other[0] / spent[0]:6.1f}x   wall {other[1] / spent[1]:6.1f}x"
            )
        print(line, flush=True)
    line = f"{'all nine':26} CPU {total[0]:7.2f} s  wall {total[1]:7.2f} s"
    print("(beside it: encoding all of dSprites costs 200 CPU s with conv64; the old library encodes four times that)")
    print(line + (f"   scikit-learn CPU {reference[0]:7.1f} s: {reference[0] / total[0]:6.1f}x" if ratios else ""))


def million() -> None:
    """Histogram metrics on a million rows of 128 codes."""
    from distaff import metrics

    rng = np.random.Generator(np.random.Philox(3))
    factors = rng.integers(0, SIZES, size=(1_000_000, 5))
    codes = rng.standard_normal((1_000_000, 128), dtype=np.float32)
    codes[:, :5] += factors
    metrics.mig(codes[:200], factors[:200])
    for name in ("mig", "modularity", "mig_sup", "jemmig", "dcimig", "med", "pairwise_mutual_information", "irs"):
        cpu, wall = timed(lambda name=name: getattr(metrics, name)(codes, factors))
        print(f"{name:28} CPU {cpu:6.2f} s  wall {wall:6.2f} s", flush=True)


def main() -> None:
    """Time what the options select."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--stages", type=int, default=5)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--scale", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # scikit-learn's solvers stop unconverged, here and in the study
    if options.scale:
        million()
    else:
        nine(options)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
