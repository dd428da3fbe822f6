"""What the learners of metrics cost, against scikit-learn's in the same run: CPU seconds, wall seconds and ratios.

    python benchmarks/metrics_trees.py [--rows 10000] [--stages 10] [--jobs 2]

Codes are mixed factors of dSprites' sizes with noise, ten columns. scikit-learn's trees take minutes for all 100
stages, so that both sides grow `--stages`; the cost of a stage hardly changes. `--jobs` threads for the wall time.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIZES = (3, 6, 40, 32, 32)


def drawn(rows: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Codes [n 10] and factors [n 5]: standardised factors slightly mixed, with noise, and five columns of noise."""
    rng = np.random.Generator(np.random.Philox(seed))
    factors = rng.integers(0, SIZES, size=(rows, len(SIZES)))
    z = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixed = z @ (np.eye(5) + 0.15 * rng.standard_normal((5, 5))) + 0.1 * rng.standard_normal(z.shape)
    return np.hstack([mixed, 0.03 * rng.standard_normal((rows, 5))]).astype(np.float32), factors


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU and wall seconds of `work`."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def report(name: str, ours: tuple[float, float], theirs: tuple[float, float]) -> None:
    """One line of figures."""
    print(
        f"{name:34} CPU {ours[0]:7.2f} s for {theirs[0]:7.2f} s: {theirs[0] / ours[0]:5.1f}x;"
        f"  wall {ours[1]:7.2f} s for {theirs[1]:7.2f} s: {theirs[1] / ours[1]:5.1f}x",
        flush=True,
    )


def main() -> None:
    """Time trees, then logistic regression."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000)
    arguments.add_argument("--stages", type=int, default=10)
    arguments.add_argument("--jobs", type=int, default=2)
    options = arguments.parse_args()
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    from distaff.metrics.core.linear.logistic import fit_logistic
    from distaff.metrics.core.trees import classify

    warnings.simplefilter("ignore")  # scikit-learn's solver stops unconverged
    x, y = drawn(options.rows)
    first = timed(lambda: classify(x[:50], y[:50, 0], seed=0, stages=1))
    print(f"compiling or loading the kernels: {first[0]:.1f} CPU s")
    columns = range(len(SIZES))

    def ours(jobs: int) -> None:
        for j in columns:
            classify(x, y[:, j], seed=0, stages=options.stages, jobs=jobs)

    def theirs() -> None:
        for j in columns:
            GradientBoostingClassifier(n_estimators=options.stages, random_state=0).fit(x, y[:, j])

    reference = timed(theirs)
    trees = options.stages * sum(SIZES)
    print(f"{trees} trees on {options.rows} rows: scikit-learn {reference[0] / trees * 1e3:.1f} ms a tree")
    for jobs in sorted({1, options.jobs}):
        report(f"exact trees, {jobs} thread(s)", timed(lambda jobs=jobs: ours(jobs)), reference)
    for j in columns:
        fast = timed(lambda j=j: fit_logistic(x, y[:, j]))
        slow = timed(lambda j=j: LogisticRegressionCV(Cs=10, cv=KFold(5)).fit(x, y[:, j]))
        report(f"logistic regression, {SIZES[j]} classes", fast, slow)


if __name__ == "__main__":
    main()
