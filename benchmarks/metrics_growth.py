"""What each metric costs on n rows, d codes and f factors of ten values, and a line of it on the page of each metric.

    python benchmarks/metrics_growth.py [--write] [--metrics mcc snc]

Each metric is scored in a process of its own on two sizes of codes, float32, the first of them noisy factors. Seconds
are of the processor, the least of two; MiB are the peak above what is held before the metric is called. The formula is
how the work grows, its constant what the larger size measures. A metric that needs more than four times the memory of
the larger codes, beside 64 MiB for blocks, drawn rows and libraries, is named, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PAGES = Path(__file__).parent.parent / "docs" / "metrics"
BEGIN, END = "<!-- cost -->", "<!-- end of cost -->"
ROWS, MOST, BESIDE = 10_000, 4, 64  # the last in MiB
PAIRS = "n d f"
GROWTH = {  # how the work of the sizes below grows, and options with which it is measured
    "beta_vae_score": ("p b d", {}),
    "dci": ("n log n d f c", {}),
    "explicitness": ("n d f c", {}),
    "factor_vae_score": ("p b d", {}),
    "gaussian_total_correlation": ("n d^2 + d^3 / 3", {}),
    "gaussian_wasserstein_correlation": ("n d^2 + 4 d^3 / 3", {}),
    "infomec": (PAIRS, {}),
    "nk": ("n d f", {"steps": 300, "width": 32}),
    "pairwise_mutual_information": ("n d^2", {}),
    "unified_scores": ("n log n d f c", {}),
}
NARROW = {"dci": (10, 20), "unified_scores": (10, 20), "nk": (20, 40), "explicitness": (20, 200)}
SIZES, FACTORS = (128, 512), 5
TERMS = {  # the numbers of a formula: ten values a factor, and the points and pairs of the 2019 study
    "c": 10.0,
    "p": 15_000.0,
    "b": 64.0,
}


def wide(d: int, f: int, n: int = ROWS) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Codes [n d] of which the first f are noisy factors, and factors [n f]."""
    rng = np.random.Generator(np.random.Philox(0))
    factors = rng.integers(0, 10, size=(n, f))
    codes = rng.standard_normal((n, d), dtype=np.float32)
    shared = min(d, f)
    codes[:, :shared] = 0.3 * codes[:, :shared] + factors[:, :shared]
    return codes, factors


def _status(name: str) -> float:
    """A line of this process's status, in MiB."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) / 1024


def measured(name: str, d: int) -> tuple[float, float]:
    """CPU seconds of a metric on d codes, and the peak of its memory in MiB."""
    from distaff import metrics

    score, options = getattr(metrics, name), GROWTH.get(name, (PAIRS, {}))[1]
    score(*wide(10, FACTORS, 600), **options)  # compiles
    codes, factors = wide(d, FACTORS)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before, seconds = _status("VmRSS"), []
    for _ in range(2):
        start = time.process_time()
        score(codes, factors, **options)
        seconds.append(time.process_time() - start)
        if seconds[0] > 10:
            break
    return min(seconds), _status("VmHWM") - before


def apart(name: str, d: int) -> tuple[float, float]:
    """The same in a process of its own."""
    call = [sys.executable, __file__, "--one", name, str(d)]
    seconds, peak = json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)
    return float(seconds), float(peak)


def work(formula: str, d: int) -> float:
    """The value of a formula such as "n d^2 + d^3 / 3" for d codes."""
    names = {"n": float(ROWS), "d": float(d), "f": float(FACTORS), **TERMS}
    total = 0.0
    for term in formula.replace("log n", "logn").split(" + "):
        value, _, divisor = term.partition(" / ")
        product = 1.0
        for word in value.split():
            base, _, power = word.partition("^")
            number = np.log2(ROWS) if base == "logn" else names[base] if base in names else float(base)
            product *= number ** int(power or 1)
        total += product / float(divisor or 1)
    return total


def cpu() -> str:
    """The name of this processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "unknown")


def line(name: str) -> tuple[str, bool]:
    """The sentence of a page, and whether the metric kept to its memory."""
    formula = GROWTH.get(name, (PAIRS, {}))[0]
    small, large = NARROW.get(name, SIZES)
    results = [apart(name, d) for d in (small, large)]
    (first, _), (seconds, peak) = results
    constant = 1e9 * seconds / work(formula, large)
    kept = peak <= MOST * ROWS * large * 4 / 2**20 + BESIDE
    legend = {"c": "c = 10 values", "p": "p = 15,000 points", "b": "b = 64 rows"}
    given = "".join(f", {text}" for letter, text in legend.items() if letter in formula.split())
    cost = f"{float(f'{constant:.2g}'):g} ns times {formula}{given}"
    sizes = f"{first:.2g} s at d = {small}, {seconds:.2g} s and {max(peak, 1):.0f} MiB at d = {large}"
    return f"Cost: {cost} ({sizes}; n = 10,000, f = {FACTORS}; {cpu()}).", kept


def write(name: str, text: str) -> None:
    """Put the sentence into the page, at its end where it has none."""
    page = PAGES / f"{name}.md"
    old = page.read_text(encoding="utf-8")
    if BEGIN not in old:
        old += f"\n## What it costs\n{BEGIN}\n{END}\n"
    before, after = old[: old.index(BEGIN) + len(BEGIN)], old[old.index(END) :]
    page.write_text(f"{before}\n{text}\n{after}", encoding="utf-8")


def main() -> None:
    """Print a line a metric, or write it into the pages."""
    from distaff.plugins.registry import METRICS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--metrics", nargs="*", default=METRICS.packaged())
    parser.add_argument("--one", nargs=2, metavar=("METRIC", "CODES"), help="measure one size in this process")
    options: Any = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one[0], int(options.one[1]))))
        return
    sys.exit(1 if _over(options.metrics, options.write) else 0)


def _over(metrics: Iterable[str], written: bool) -> list[str]:
    over = []
    for name in metrics:
        text, kept = line(name)
        print(f"{name}: {text}{'' if kept else ' MORE THAN FOUR TIMES THE MEMORY OF ITS CODES'}", flush=True)
        over += [] if kept else [name]
        if written:
            write(name, text)
    return over


if __name__ == "__main__":
    main()
