"""Unfairness: how much do predictions of one factor change with another that should not matter?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics.core.code_lookup import LookUp, look_up
from distaff.metrics.core.grid_rows import GridRows
from distaff.tasks import Score, task
from distaff.tasks._classifiers import check_options, fit_classifier

ENOUGH = 20  # lines of a grid that is not complete: of fewer, all interventions would be on the same few combinations


@task(
    paper="https://arxiv.org/abs/1905.13662",
    label="Unfairness",
    rows="grid",
    range=(0, 1),
    higher_is_better=False,
    quick={"labels": 100, "per_value": 20},
    ranges={"labels": "[1, inf)", "per_value": "[1, inf)", "learner": ("logistic", "trees")},
    version=2,
)
def fairness(
    codes: Any,
    factors: Any,
    jobs: int = 1,
    lines: Any = None,
    *,
    seed: int = 0,
    labels: int = 10_000,
    per_value: int = 100,
    learner: str = "trees",
) -> Score:
    r"""Unfairness (Locatello et al., 2019b, Sec. 3): total variation of predictions over a sensitive factor's values.

    A classifier of each factor i is trained on `labels` rows. For each other factor j, `per_value` rows are drawn and
    factor j of all is set to each of its values c in turn; TV_c = 1/2 sum_p |P(p | c) - P(p)| compares the predictions
    for c with those for all. The score is the mean over i, j and c, from 0 to 1: lower is better, and 0 is fair.

    `codes` is a table [n d], an object with `codes[rows]`, or a function `sample(factors)` of factor values; `factors`
    [n f] are the rows. Of a table that is not a complete grid, rows are drawn whose cell occurs with every value of
    factor j. A sample of a large grid has hardly any: `lines=(codes, factors)` are then the rows in which factors are
    set to values, whole lines of the grid, which `evaluate` provides for a data set. Without them, rows that hold each
    value are drawn independently, as many as there are of the rarest; the score is then a little too high, since the
    groups differ by chance too. Parts: `mean` (the score), `max_of_means`, `mean_of_maxima`, `max`, with the maxima
    over c. Matrix: the mean over c for predicted factor i and sensitive factor j [f f], 0 on the diagonal. A sensitive
    factor with one value is always fair. With one factor, or codes that are not finite, NaN with a reason. 10,000 rows,
    100 a value and boosted trees are the fairness study's.

    Raises `DistaffError` for lines of other factors, an unknown `learner`, or counts below one.
    """
    check_options("fairness", learner, labels=labels, per_value=per_value)
    rows, rng = GridRows(factors), generator("fairness", seed)
    f, codes_of = len(rows.sizes), look_up(codes, rows)
    if f < 2:
        return Score(math.nan, reason="with one factor there is no other that could be sensitive")
    train_rows = rows.anywhere(labels, rng)
    x = codes_of(train_rows)
    sources = [(rows, codes_of)] if lines is None else [_lines(lines[0], lines[1], f), (rows, codes_of)]
    groups, group_codes = [], []
    for j in range(f):
        group, codes_at = _groups(sources, j, per_value, rng)
        groups.append(group)
        group_codes.append(codes_at(group.reshape(-1)))
    if not all(np.isfinite(part).all() for part in [x, *group_codes]):
        return Score(math.nan, reason="codes hold values that are not finite")
    mean, greatest = np.zeros((f, f)), np.zeros((f, f))
    for i in range(f):
        model = fit_classifier(learner, x, rows.classes[train_rows, i], int(rng.integers(2**63)), jobs)
        for j in range(f):
            if i != j:
                predicted = model.predict(group_codes[j]).reshape(groups[j].shape)
                counts = np.stack([np.bincount(group, minlength=rows.sizes[i]) for group in predicted], axis=1)
                mean[i, j], greatest[i, j] = between_groups(counts)
    off = ~np.eye(f, dtype=bool)
    parts = {
        "mean": float(mean[off].mean()),
        "max_of_means": float(mean[off].max()),
        "mean_of_maxima": float(greatest[off].mean()),
        "max": float(greatest[off].max()),
    }
    return Score(parts["mean"], parts, mean)


def between_groups(counts: NDArray[Any]) -> tuple[float, float]:
    """Mean, weighted by size, and maximum of the total variation between each column of `counts` [p c] and all."""
    pooled = counts.sum(axis=1) / counts.sum()
    sizes = counts.sum(axis=0)
    distances = 0.5 * np.abs(counts / sizes - pooled[:, None]).sum(axis=0)
    return float(distances @ sizes / sizes.sum()), float(distances.max())


def _lines(codes: Any, factors: Any, f: int) -> tuple[GridRows, LookUp]:
    rows = GridRows(factors)
    if len(rows.sizes) != f:
        raise DistaffError(f"fairness: lines have {len(rows.sizes)} factors where the table has {f}")
    return rows, look_up(codes, rows)


def _groups(
    sources: list[tuple[GridRows, LookUp]], j: int, per_value: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], LookUp]:
    """Rows [c n] that differ, from one group to the next, in the value of factor j only, and where their codes are."""
    for rows, codes_of in sources:
        movable, line = rows.on_whole_lines(j)
        if len(movable) == len(rows):
            return _intervened(rows, movable[rng.integers(len(movable), size=per_value)], j, rng), codes_of
        lines, first = np.unique(line, return_index=True)
        if len(lines) >= ENOUGH:  # each line once: groups of fewer distinct combinations differ more by chance
            return _intervened(rows, movable[rng.permutation(first)[:per_value]], j, rng), codes_of
    rows, codes_of = sources[-1]
    values, counts = np.unique(rows.values[:, j], return_counts=True)
    return rows.sharing(np.full(len(values), j), values, max(per_value, int(counts.min())), rng), codes_of


def _intervened(rows: GridRows, drawn: NDArray[np.int64], j: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The rows `drawn` [n] with factor j at each of its values in turn [c n]."""
    values = np.unique(rows.values[:, j])
    combinations = np.tile(rows.values[drawn], (len(values), 1))
    combinations[:, j] = np.repeat(values, len(drawn))
    return rows.at(combinations, rng).reshape(len(values), len(drawn))
