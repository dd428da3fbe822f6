"""The two classifiers of the downstream tasks, by the names of the option `learner`."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from distaff.errors import DistaffError, unknown

LEARNERS = ("logistic", "trees")


class Classifier(Protocol):
    """A fitted classifier of one factor."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """The class of each row of `x` [n d]."""
        ...


def check_options(task: str, learner: str, **counts: int) -> None:
    """Raise `DistaffError` for an unknown learner and for counts below one."""
    if learner not in LEARNERS:
        raise unknown("learner", learner, LEARNERS)
    for name, count in counts.items():
        if count < 1:
            raise DistaffError(f"{task}: {name} is {count}, it must be at least 1")


def fit_classifier(learner: str, x: NDArray[Any], y: NDArray[Any], seed: int, jobs: int = 1) -> Classifier:
    """The classifier fitted to codes `x` [n d] and classes `y` [n]; a single class is always predicted."""
    if learner == "logistic":
        from distaff.metrics.core.linear.logistic import fit_logistic

        return fit_logistic(x, y, jobs)
    from distaff.metrics.core.trees import classify

    return classify(x, y, seed=seed, jobs=jobs)
