"""The two learners of the downstream tasks, by name: logistic regression and boosted trees."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from distaff.errors import DistaffError, unknown

LEARNERS = ("logistic", "trees")


class Predictor(Protocol):
    """What has learnt a factor."""

    def predict(self, x: NDArray[Any]) -> NDArray[Any]:
        """The class of each row of `x` [n d]."""
        ...


def check(task: str, learner: str, **counts: int) -> None:
    """Refuse a learner that does not exist and counts below one."""
    if learner not in LEARNERS:
        raise unknown("learner", learner, LEARNERS)
    for name, count in counts.items():
        if count < 1:
            raise DistaffError(f"{task}: {name} is {count}, it wants at least 1")


def learn(learner: str, x: NDArray[Any], y: NDArray[Any], seed: int, jobs: int = 1) -> Predictor:
    """The learner taught classes `y` [n] by `x` [n d]; one class alone is always predicted."""
    if learner == "logistic":
        from distaff.metrics.core.logistic import fit_logistic

        return fit_logistic(x, y, jobs)
    from distaff.metrics.core.trees import classify

    return classify(x, y, seed=seed, jobs=jobs)
