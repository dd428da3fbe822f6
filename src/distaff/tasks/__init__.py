"""What a representation is good for, from plain arrays: accuracy with few labels, under a shift, and fairness.

A task has the signature of a metric and returns its `Score`; a file of this folder is one function of its name under
`@task(...)`, which declares what `@metric(...)` does. Factors are classes here: a continuous one is cut into 20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from distaff.metrics import Score as Score
from distaff.plugins.ranges import Ranges
from distaff.plugins.registry import TASKS

Task = TypeVar("Task", bound=Callable[..., Score])


def task(
    *,
    paper: str,
    rows: int | str,
    test_rows: int = 0,
    range: tuple[float, float],
    label: str = "",
    symbol: str = "",
    study_2019: int = 0,
    higher_is_better: bool = True,
    depends_on: tuple[str, ...] = (),
    quick: Mapping[str, Any] | None = None,
    tolerance: float = 0.0,
    version: int = 1,
    since: Mapping[str, Any] | None = None,
    ranges: Ranges | None = None,
) -> Callable[[Task], Task]:
    """Mark a function as a task; it declares what `@metric(...)` does, but for what its numbers are about.

    They are about the task: what codes are good for is not a disentanglement score, and is never pooled with one.
    """
    del paper, rows, test_rows, range, label, symbol, study_2019, higher_is_better, depends_on, quick, tolerance
    del version, since, ranges
    return lambda function: function


if TYPE_CHECKING:
    from distaff.tasks.downstream import downstream as downstream
    from distaff.tasks.fairness import fairness as fairness
    from distaff.tasks.reduced_downstream import reduced_downstream as reduced_downstream
    from distaff.tasks.statistical_efficiency import statistical_efficiency as statistical_efficiency
    from distaff.tasks.strong_downstream import strong_downstream as strong_downstream
else:  # `from distaff.tasks import downstream` gives the function of the file, not the module of the same name
    globals().update({name: TASKS.unguarded(name) for name in TASKS.packaged()})
    __all__ = ["TASKS", "Score", "task", *TASKS.packaged()]  # noqa: PLE0604
