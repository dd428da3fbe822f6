"""Trees that predict one factor from codes: ours, or those of another library with the same settings."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from distaff.errors import DistaffError, unknown
from distaff.metrics.core.train_test import TrainTest, prediction_score

TREES = ("exact", "sklearn", "lightgbm")


@dataclass(frozen=True)
class FactorTrees:
    """The result of trees that were fitted to one factor: importances of the codes and scores of the predictions."""

    importances: NDArray[np.float64]  # [d]
    train: float  # prediction_score of the rows of training
    test: float


def fit_trees(data: TrainTest, j: int, trees: str, seed: int, jobs: int = 1) -> FactorTrees:
    """Boosted trees that predict factor `j`, which must take two values in training."""
    x, y, continuous = data.train, data.train_targets[j], data.continuous[j]
    if trees == "exact":
        from distaff.metrics.core.trees import classify, regress

        model = regress(x, y, seed=seed) if continuous else classify(x, y, seed=seed, jobs=jobs)
        importances, fitted = model.importances, model.fitted
    else:
        model = _library_trees(trees, continuous, seed).fit(x, y)
        importances, fitted = np.abs(np.asarray(model.feature_importances_, dtype=np.float64)), model.predict(x)
        importances = importances / (importances.sum() or 1.0)
    test = prediction_score(data.test_targets[j], model.predict(data.test), continuous)
    return FactorTrees(importances, prediction_score(y, fitted, continuous), test)


def _library_trees(trees: str, continuous: bool, seed: int) -> Any:
    """The trees of another library, with the settings of the study as far as that library has them."""
    if trees == "sklearn":
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        return (GradientBoostingRegressor if continuous else GradientBoostingClassifier)(random_state=seed % 2**32)
    if trees != "lightgbm":
        raise unknown("trees", trees, TREES)
    try:
        lightgbm = importlib.import_module("lightgbm")
    except ImportError as error:
        raise DistaffError('trees="lightgbm" needs LightGBM: pip install lightgbm') from error
    settings = {"n_estimators": 100, "learning_rate": 0.1, "max_depth": 3, "num_leaves": 8, "min_child_samples": 1}
    return (lightgbm.LGBMRegressor if continuous else lightgbm.LGBMClassifier)(
        **settings, importance_type="gain", random_state=seed % 2**31, n_jobs=1, verbose=-1, deterministic=True
    )
