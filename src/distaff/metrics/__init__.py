"""What a representation is worth, from plain arrays: codes [n d] and factors [n f] to a `Score`.

A metric sees arrays, never images or models. A file of this folder is a metric: one function of its name under
`@metric(...)`. Three kinds of rows exist:

* `rows=10_000`: the metric takes the rows it is given, by default 10,000 draws of the factors;
* `rows=10_000, test_rows=5_000`: it is trained on `codes, factors` and tested on `test=(codes, factors)`;
  without `test`, a third of the rows is held out by a draw from `seed`;
* `rows="grid"`: it looks up rows that share a factor's value in a table of a complete grid. `codes` may be that table,
  an object with `codes[rows]`, or a function `sample(factors)` that makes the codes of factor values [m f].

Arrays are NumPy's, torch's, or frames of pandas or polars, whose column names the parts of a score then carry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from distaff.plugins.ranges import Ranges
from distaff.plugins.registry import METRICS


@dataclass(frozen=True)
class Score:
    """One number with its parts: `float(score)` is the headline, NaN only with a `reason`."""

    value: float
    parts: Mapping[str, float] = field(default_factory=dict)
    matrix: NDArray[np.float64] | None = field(
        default=None, repr=False, compare=False
    )  # [d f]: how much code i depends on factor j
    reason: str | None = None

    def __float__(self) -> float:
        return self.value


Metric = TypeVar("Metric", bound=Callable[..., Score])


def metric(
    *,
    paper: str,
    rows: int | str,
    test_rows: int = 0,
    range: tuple[float, float],
    about: str = "",
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
) -> Callable[[Metric], Metric]:
    """Mark a function as a metric and declare what it needs and what its numbers mean.

    `rows` and `test_rows` are the draws that the 2019 study used; `range` the least and largest value there can be.
    `about` states what the number is about, and thereby which analyses it enters: "factors" (a disentanglement score),
    "codes" (a score without labels) or "views" (parts that other scores are made of, which enter none). A function
    that can be called without `factors`, as it lacks the argument or gives it a default, is about "codes" by itself;
    any other is about "factors".
    `label` is its name as its paper writes it, `symbol` a short form to which the name of a part is appended;
    `study_2019` is its place, from 1, among the scores of its kind that Locatello et al. (2019) compared: the claims
    of that study are tested on these alone. `higher_is_better=False` where less is better.
    `depends_on` names what the score changes with although one might expect it not to (the "scale", "shift" or "sign"
    of single codes, or the "values" of factors as numbers). `distaff check` evaluates with the options `quick`, and
    lets the score differ by `tolerance` where the same is expected, as that of a network with other first weights.
    `version` is raised by hand when the mathematics changes; `since` gives a parameter that was added later its value
    in earlier scores, so that their ids stay valid; `ranges` are those of the options, as `distaff.plugins.ranges`
    writes them: {"bins": "[1, inf)"}. The registry reads all of them from the file.
    """
    del paper, rows, test_rows, range, about, label, symbol, study_2019, higher_is_better, depends_on, quick, tolerance
    del version, since, ranges
    return lambda function: function


if TYPE_CHECKING:
    from distaff.metrics.beta_vae_score import beta_vae_score as beta_vae_score
    from distaff.metrics.dci import dci as dci
    from distaff.metrics.dcimig import dcimig as dcimig
    from distaff.metrics.explicitness import explicitness as explicitness
    from distaff.metrics.factor_vae_score import factor_vae_score as factor_vae_score
    from distaff.metrics.gaussian_total_correlation import gaussian_total_correlation as gaussian_total_correlation
    from distaff.metrics.gaussian_wasserstein_correlation import (
        gaussian_wasserstein_correlation as gaussian_wasserstein_correlation,
    )
    from distaff.metrics.infomec import infomec as infomec
    from distaff.metrics.irs import irs as irs
    from distaff.metrics.jemmig import jemmig as jemmig
    from distaff.metrics.mcc import mcc as mcc
    from distaff.metrics.med import med as med
    from distaff.metrics.mig import mig as mig
    from distaff.metrics.mig_sup import mig_sup as mig_sup
    from distaff.metrics.modularity import modularity as modularity
    from distaff.metrics.nk import nk as nk
    from distaff.metrics.pairwise_mutual_information import pairwise_mutual_information as pairwise_mutual_information
    from distaff.metrics.sap import sap as sap
    from distaff.metrics.snc import snc as snc
    from distaff.metrics.unified_scores import unified_scores as unified_scores
else:  # `from distaff.metrics import dci` gives the function of the file, not the module of the same name
    globals().update({name: METRICS.unguarded(name) for name in METRICS.packaged()})
    __all__ = ["Score", "metric", *METRICS.packaged()]  # noqa: PLE0604
