"""Is a disentangled code worth having? Accuracy of downstream tasks, and how few labels it takes."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl

from distaff.analysis.intervals import RESAMPLES, Interval, median, setting_numbers
from distaff.analysis.marks import head
from distaff.analysis.scores import wide

LEARNERS = {"logistic": "LR", "lr": "LR", "trees": "GBT", "gbt": "GBT"}
LABELS = 10_000  # where the name of a column gives none: the default of the task
PARTS = re.compile(r"\.(mean|min|train|test)_|\.(few|many)$")
FEWER = 100  # times fewer labels, as 100 for 10,000 in the paper
LONG = {"LR": "logistic", "GBT": "trees"}
GROUPS = ("lowest third", "middle third", "highest third")


class Task(NamedTuple):
    """A column of downstream accuracy: its learner, LR or GBT, and how many labels it learned from."""

    column: str
    learner: str
    labels: int


def task(column: str) -> Task:
    """The task of a column by its name: `downstream.trees_100`, `downstream(labels=100)`, `statistical_efficiency`."""
    if head(column) == "downstream":
        digits = re.search(r"labels=(\d+)" if "(" in column else r"(\d+)", column)
        return Task(column, _learner(column, "LR"), int(digits[1]) if digits else LABELS)
    return Task(column, _learner(column, "GBT"), 0)


def accuracies(table: pl.DataFrame) -> list[Task]:
    """The columns of downstream accuracy, by learner and labels."""
    return _tasks(table, "downstream")


def efficiencies(table: pl.DataFrame) -> list[Task]:
    """The columns of statistical efficiency, by learner."""
    return _tasks(table, "statistical_efficiency")


def with_efficiency(table: pl.DataFrame) -> pl.DataFrame:
    """The table with statistical efficiency from its accuracies, where no run was scored with that task.

    The paper's (Locatello et al., 2019, 5.5): accuracy from 100 labels over that from 10,000; in general from a
    hundredth of the most labels that a learner had, if it was evaluated with so many.
    """
    if efficiencies(table):
        return table
    tables = [table]
    for learner in dict.fromkeys(one.learner for one in accuracies(table)):
        columns = {one.labels: one.column for one in accuracies(table) if one.learner == learner}
        many = max(columns)
        if (few := many // FEWER) in columns:
            name = f"statistical_efficiency(few={few}, many={many}, learner={LONG[learner]!r})"
            least, most = (table.filter(pl.col("metric") == columns[labels]) for labels in (few, many))
            both = most.join(least.select("id", "representation", least="value"), ["id", "representation"])
            ratio = both.with_columns(metric=pl.lit(name), value=pl.col("least") / pl.col("value"))
            tables.append(ratio.select(table.columns))
    return pl.concat(tables)


def task_label(of: Task) -> str:
    """The short name that the paper gives a column: LR100, GBT10000, Efficiency (GBT)."""
    return f"{of.learner}{of.labels}" if of.labels else f"Efficiency ({of.learner})"


def by_thirds(table: pl.DataFrame, metric: str, *, seed: int = 0, resamples: int = RESAMPLES) -> pl.DataFrame:
    """Figures 22 and 23 of the paper: accuracy by labels, for runs in the lowest, middle and highest third of a score.

    Per data set, learner and number of labels the median over the runs of a third, with low, high and n. A run's third
    is fixed: the interval weighs seeds, as everywhere.
    """
    tasks = accuracies(table)
    runs = wide(table, [metric, *(one.column for one in tasks)])
    rows: list[dict[str, object]] = []
    for (dataset,), part in runs.drop_nulls(metric).group_by("dataset", maintain_order=True):
        third = np.argsort(np.argsort(part[metric].to_numpy(), kind="stable")) * 3 // part.height
        for one in (one for one in tasks if one.column in part.columns):
            for number, name in enumerate(GROUPS):
                chosen = part.filter(pl.Series(third == number)).drop_nulls(one.column)
                if chosen.height:
                    interval = _median(chosen, one.column, seed, resamples)
                    labels = {"dataset": dataset, "metric": metric, "learner": one.learner, "labels": one.labels}
                    rows.append({**labels, "group": name, **_numbers(interval)})
    return pl.DataFrame(rows, schema_overrides={"low": pl.Float64, "high": pl.Float64})


def _median(part: pl.DataFrame, column: str, seed: int, resamples: int) -> Interval:
    return median(
        part[column].to_numpy(), setting_numbers(part), part["seed"].to_numpy(), seed=seed, resamples=resamples
    )


def _numbers(interval: Interval) -> dict[str, float | int | None]:
    numbers = {"median": interval.value, "low": interval.low, "high": interval.high}
    return {**{name: None if np.isnan(value) else value for name, value in numbers.items()}, "n": interval.n}


def _tasks(table: pl.DataFrame, name: str) -> list[Task]:
    names = table.filter(pl.col("representation") == "mean")["metric"].unique().sort().to_list()
    tasks = [task(column) for column in names if head(column) == name and not PARTS.search(column)]
    return sorted(tasks, key=lambda one: (one.learner != "LR", one.labels, one.column))


def _learner(column: str, default: str) -> str:
    short_names = [short for word, short in LEARNERS.items() if re.search(rf"(?<![a-z]){word}(?![a-z])", column)]
    return short_names[0] if short_names else default
