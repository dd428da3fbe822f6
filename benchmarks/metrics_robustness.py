"""How metrics behave on codes whose faults are known: the table of docs/metrics/README.md.

    python benchmarks/metrics_robustness.py [--write] [--metrics mig dci]

Four factors of 3, 4, 5 and 6 values; 3,000 rows to train on and 1,500 to test on, out of a table of 4,320 (each
cell of the grid twelve times). `--write` puts the table into the page. It takes half a minute of CPU time.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.metrics.evaluate import evaluate
from distaff.plugins.registry import METRICS

Array = NDArray[np.float64]
PAGE = Path(__file__).parent.parent / "docs" / "metrics" / "README.md"
BEGIN, END = "<!-- robustness -->", "<!-- end of robustness -->"
PARTS = {  # what else a metric reports that is a score of its own
    "dci": ("completeness", "informativeness_test"),
    "infomec": ("compactness", "explicitness"),
}


def factors(repeats: int = 12) -> NDArray[np.int64]:
    """The grid [n 4]."""
    cells = np.stack(np.unravel_index(np.arange(360), (3, 4, 5, 6)), axis=1)
    return np.tile(cells, (repeats, 1))


def _turned(z: Array, rng: np.random.Generator) -> Array:
    return z @ np.linalg.qr(rng.standard_normal((4, 4)))[0]


FAULTS: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "perfect": lambda z, _: z,
    "noise": lambda z, rng: rng.standard_normal(z.shape),
    "noisy": lambda z, rng: z + 0.5 * rng.standard_normal(z.shape),
    "mixed": lambda z, _: 0.7 * z + 0.3 * np.roll(z, 1, axis=1),
    "rotated": _turned,
    "bent": lambda z, _: z**3,
    "spare": lambda z, rng: np.hstack([z, rng.standard_normal((len(z), 6))]),
    "copied": lambda z, rng: np.hstack([z, z + 0.01 * rng.standard_normal(z.shape)]),
    "hidden": lambda z, _: 0.7 * z + 0.3 * np.roll(z, 2, axis=1),  # of these, two factors are measured
    "few rows": lambda z, rng: z + 0.5 * rng.standard_normal(z.shape),
}


def names() -> list[str]:
    """The metrics of which more is better."""
    return [name for name in METRICS.names() if METRICS.plugin(name).marks.get("higher_is_better", True)]


def line(name: str) -> list[str]:
    """The lines of the table for a metric: its score, and the parts that are scores, under every fault."""
    columns: dict[str, list[float]] = {part: [] for part in ("", *PARTS.get(name, ()))}
    known = factors()
    z = (known - known.mean(axis=0)) / known.std(axis=0)
    for fault, made in FAULTS.items():
        codes = made(z, np.random.Generator(np.random.Philox(7)))
        measured = known[:, :2] if fault == "hidden" else known
        limits = {"rows": 200, "test_rows": 100} if fault == "few rows" else {"rows": 3_000, "test_rows": 1_500}
        if fault == "few rows":  # a metric of a grid is given no more than the others
            rows = np.random.Generator(np.random.Philox(8)).permutation(len(codes))[:300]
            codes, measured = codes[rows], measured[rows]
        score = evaluate(name, codes, measured, **limits)
        for part, values in columns.items():
            values.append(score.parts[part] if part else float(score))
    return [
        f"| {f'{name}: {part}' if part else f'[{name}]({name}.md)'} | {' | '.join(map(_two, values))} |"
        for part, values in columns.items()
    ]


def _two(value: float) -> str:
    return f"{abs(value) if abs(value) < 0.005 else value:.2f}"


def lines(metrics: Iterable[str]) -> list[str]:
    """The whole table."""
    head = [f"| metric | {' | '.join(FAULTS)} |", "|---|" + "---:|" * len(FAULTS)]
    return head + [text for name in metrics for text in line(name)]


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--metrics", nargs="*", default=names())
    options: Any = parser.parse_args()
    text = "\n".join(lines(options.metrics))
    print(text)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        before, after = page[: page.index(BEGIN) + len(BEGIN)], page[page.index(END) :]
        PAGE.write_text(f"{before}\n{text}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
