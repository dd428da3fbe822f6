"""One metric asked about one table, with the rows that it declares to need."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics import Score
from distaff.metrics.core.arrays import as_array, as_codes
from distaff.plugins.registry import Spec, metric_or_task, registry_of

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Codes [n d] and factors [n f] of the same rows, and how many of them a metric is given at most."""

    codes: NDArray[Any]
    factors: Any  # an array, or a frame whose column names the parts of scores carry
    rows: int = 10_000
    test_rows: int = 5_000
    jobs: int = 1

    def __len__(self) -> int:
        return len(self.codes)

    def holding(self, codes: NDArray[Any]) -> Table:
        """The same rows with other codes."""
        return replace(self, codes=codes)


def table(codes: Any, factors: Any, rows: int = 10_000, test_rows: int = 5_000, jobs: int = 1) -> Table:
    """Checked arrays; raises `DistaffError` where they do not fit together or no rows are asked for."""
    checked, n = as_codes(codes), len(as_array(factors))
    if len(checked) != n:
        raise DistaffError(f"{len(checked)} rows of codes for {n} rows of factors: give one for each")
    if min(rows, test_rows) < 1:
        raise DistaffError(f"rows={rows} and test_rows={test_rows} want at least 1")
    return Table(checked, _by_row(factors), rows, test_rows, jobs)


def _by_row(factors: Any) -> Any:
    """Factors that are indexed by row and keep their names: a frame of polars, or an array."""
    names = getattr(factors, "columns", None)
    if names is None:
        return as_array(factors)
    import polars

    return polars.DataFrame({str(name): np.asarray(factors[name].to_numpy()) for name in names})


def specification(metric: str | Spec) -> Spec:
    """The metric that a text writes, such as `mig(bins=30)`, or the task; raises `DistaffError` if it is neither."""
    return metric if isinstance(metric, Spec) else metric_or_task(metric)


def is_grid(spec: Spec) -> bool:
    """Whether the metric looks up rows of a grid, and draws them itself."""
    return bool(registry_of(spec).plugin(spec.name).marks["rows"] == "grid")


def ask(spec: Spec, told: Table, given: tuple[Ints, ...] | None = None, seed: int | None = None) -> Score:
    """The score of the table, or of the rows `given`: those to learn from, and those to be tested on if there are any.

    A metric of a grid has the whole table.
    """
    function, options = registry_of(spec).function(spec.name), dict(spec.values)
    if seed is not None and "seed" in options:
        options["seed"] = seed
    if "jobs" in inspect.signature(function).parameters:
        options["jobs"] = told.jobs
    if is_grid(spec):
        return function(told.codes, told.factors, **options)  # type: ignore[no-any-return]
    train, *test = rows_of(spec, told) if given is None else given
    if test:
        options["test"] = told.codes[test[0]], told.factors[test[0]]  # type: ignore[assignment]
    return function(told.codes[train], told.factors[train], **options)  # type: ignore[no-any-return]


def rows_of(spec: Spec, told: Table) -> tuple[Ints, ...]:
    """The rows that a metric is computed on or learns from, and where it wants them those that it is tested on.

    At most `rows` and `test_rows` of the table, drawn alike for every metric; of fewer, a third is for the test.
    """
    order = generator("rows", 0).permutation(len(told))
    if not registry_of(spec).plugin(spec.name).marks.get("test_rows"):
        return (np.sort(order[: told.rows]),)
    most = told.rows + told.test_rows
    held = told.test_rows if len(order) >= most else len(order) // 3
    return np.sort(order[held:most]), np.sort(order[:held])
