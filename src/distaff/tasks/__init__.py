"""What a representation is good for, from plain arrays: accuracy with few labels, under a shift, and fairness.

A task has the signature of a metric and returns its `Score`; a file of this folder is one function of its name under
`@task(...)`, which declares what `@metric(...)` does. Factors are classes here: a continuous one is cut into 20.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from distaff.metrics import Score as Score
from distaff.metrics import metric
from distaff.plugins.registry import TASKS

task = metric  # a task declares what a metric declares

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Score]: ...
else:  # `from distaff.tasks import downstream` gives the function of the file, not the module of the same name
    globals().update({name: TASKS.function(name) for name in TASKS.packaged()})
    __all__ = ["TASKS", "Score", "task", *TASKS.packaged()]  # noqa: PLE0604
