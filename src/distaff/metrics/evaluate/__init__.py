"""The one function that gives a metric or a task its rows.

A study, `distaff score`, baselines, intervals, repeats and the explorer evaluate by this function, so that the same
codes with the same sizes have the same score, to the last digit, wherever they come from.

The sampling `"disjoint"` is the default. The images of a table are split at random in the proportion
`rows : test_rows`; train rows are drawn without replacement from one part and test rows from the other, as many as
requested or available. A metric that predicts nothing is given `rows` rows without replacement. All metrics share
these rows. The sampling `"2019"` is the 2019 study's: each metric draws its train and its test rows independently and
with replacement, so that test rows of a small grid were mostly trained on. It is for comparison with that study alone.
Metrics of a grid have the whole table and draw from it themselves.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.metrics import Score
from distaff.metrics.evaluate.sampled import Sampled
from distaff.metrics.evaluate.split import Split, disjoint, overlap, split_of_2019, split_text
from distaff.metrics.evaluate.table import EvaluationTable, evaluation_table
from distaff.plugins.registry import metric_or_task, registry_of
from distaff.plugins.spec import Spec
from distaff.sampling import DISJOINT, OF_2019, ROWS, SAMPLINGS, TEST_ROWS

__all__ = [
    "DISJOINT",
    "OF_2019",
    "ROWS",
    "SAMPLINGS",
    "TEST_ROWS",
    "EvaluationTable",
    "Sampled",
    "Split",
    "evaluate",
    "evaluate_table",
    "evaluation_table",
    "intervenes",
    "is_grid",
    "predicts",
    "specification",
    "split_record",
    "split_text",
    "splits",
]  # fmt: skip


def evaluate(
    metric: str | Spec,
    codes: Any,
    factors: Any,
    *,
    images: Any = None,
    rows: int = ROWS,
    test_rows: int = TEST_ROWS,
    sampling: str = DISJOINT,
    draw: int = 0,
    active: Any = None,
    lines: tuple[Any, Any] | None = None,
    jobs: int = 1,
) -> Score:
    """The score of codes [n d] and factors [n f] by a metric or task such as "mig(bins=30)", on rows chosen here.

    `codes` may be `Sampled(mean, logvar)`. `images` [n] numbers the image that each row shows, where several rows show
    one: otherwise each row is an image of its own. At most `rows` rows are given to a metric, and `test_rows` more to
    one that predicts; of a smaller table both shrink in proportion (`sampling="disjoint"`), or rows repeat
    (`sampling="2019"`). `draw` numbers the draw of rows and of the noise of sampled codes. `active` [d] is the mask of
    latents that the encoder uses, for metrics that take one, `jobs` the threads of those that have them. `lines` are
    (codes, factors) of whole lines of the grid, for a task that intervenes when the table is a sample.

    Raises `DistaffError` for arrays that do not fit together, an unknown metric or sampling, a table of one image
    where some are to be held out, and as the metric does.
    """
    table = evaluation_table(
        codes, factors, images=images, rows=rows, test_rows=test_rows, sampling=sampling, active=active, lines=lines,
        jobs=jobs,
    )  # fmt: skip
    return evaluate_table(specification(metric), table, draw)


def evaluate_table(
    spec: Spec, table: EvaluationTable, draw: int = 0, split: Split | None = None, seed: int | None = None
) -> Score:
    """The score of a checked table; `split` gives the rows in place of the draw, and `seed` the metric's own seed."""
    function, options = registry_of(spec).function(spec.name), dict(spec.values)
    if seed is not None and "seed" in options:
        options["seed"] = seed
    parameters = inspect.signature(function).parameters
    extras: dict[str, Any] = {"jobs": table.jobs, "active": table.active}
    options |= {name: value for name, value in extras.items() if name in parameters and value is not None}
    rng = generator(spec.name, draw) if table.sampling == OF_2019 else generator(f"{spec.name} noise", draw)
    codes: Any = _drawn(table.codes, rng)
    if is_grid(spec):
        return function(codes, table.factors, **options, **_grid_arguments(table, parameters, draw, rng))  # type: ignore[no-any-return]
    if split is None:
        # the draws of 2019 come from the generator of the noise, as they did: rows first, then noise
        split = _split(spec, table, draw, rng)
    factors = () if "factors" not in parameters else (table.factors[split.train],)
    if predicts(spec):
        if not len(split.train) or not len(split.test):
            raise DistaffError(f"{spec} predicts: it needs at least two images, one to train on and one to test on")
        train = codes[split.train]
        return function(train, *factors, test=(codes[split.test], table.factors[split.test]), **options)  # type: ignore[no-any-return]
    return function(codes[split.train], *factors, **options)  # type: ignore[no-any-return]


def splits(spec: Spec, table: EvaluationTable, draw: int = 0) -> Split:
    """The rows on which a metric is trained, or computed, and those on which it is tested, if it predicts."""
    return _split(spec, table, draw, generator(spec.name, draw))


def split_record(specs: Iterable[Spec], table: EvaluationTable, draw: int = 0) -> dict[str, Any]:
    """The record of the rows beside scores: the sampling, and the numbers of images, train and test rows.

    `overlap` is the share of test rows whose image was trained on, mean over the metrics that predict; None without.
    """
    predicting = [spec for spec in specs if predicts(spec)]
    record: dict[str, Any] = {"sampling": table.sampling, "images": len(np.unique(table.images)), "rows": len(table)}
    if not predicting:
        return {**record, "train": min(table.rows, len(table)), "test": 0, "overlap": None}
    if table.sampling == DISJOINT:
        predicting = predicting[:1]  # all share their rows
    drawn = [splits(spec, table, draw) for spec in predicting]
    shares = [overlap(split, table.images) for split in drawn]
    share = None if any(math.isnan(one) for one in shares) else round(float(np.mean(shares)), 4)
    return {**record, "train": len(drawn[0].train), "test": len(drawn[0].test), "overlap": share}


def specification(metric: str | Spec) -> Spec:
    """The metric that a text writes, such as `mig(bins=30)`, or the task; raises `DistaffError` if it is neither."""
    return metric if isinstance(metric, Spec) else metric_or_task(metric)


def is_grid(spec: Spec) -> bool:
    """Whether the metric looks up rows of a grid, and draws them itself."""
    return bool(registry_of(spec).plugin(spec.name).marks["rows"] == "grid")


def predicts(spec: Spec) -> bool:
    """Whether the metric is trained on some rows and tested on others."""
    return bool(registry_of(spec).plugin(spec.name).marks.get("test_rows"))


def intervenes(spec: Spec) -> bool:
    """Whether the task sets factors to values, and so takes `lines` of a grid that is not encoded as a whole."""
    return is_grid(spec) and "lines" in inspect.signature(registry_of(spec).function(spec.name)).parameters


def _split(spec: Spec, table: EvaluationTable, draw: int, rng: np.random.Generator) -> Split:
    test_rows = table.test_rows if predicts(spec) else 0
    if table.sampling == OF_2019:
        return split_of_2019(len(table), table.rows, test_rows, rng)
    alone, train, test = disjoint(table.images, table.rows, table.test_rows, draw)
    return Split(train, test) if test_rows else Split(alone, alone[:0])


def _grid_arguments(table: EvaluationTable, parameters: Any, draw: int, rng: np.random.Generator) -> dict[str, Any]:
    """The further arguments of a task of a grid: the lines, and the rows to train and to test on."""
    arguments: dict[str, Any] = {}
    if "lines" in parameters and table.lines is not None:
        arguments["lines"] = (_drawn(table.lines[0], rng), table.lines[1])
    if "split" in parameters and table.sampling == DISJOINT:
        # every row is on one side, in the same proportion: the task draws from each as many as its options say
        n = len(table)
        _, train, test = disjoint(table.images, table.rows * n, table.test_rows * n, draw)
        arguments["split"] = (train, test)
    return arguments


def _drawn(codes: Any, rng: np.random.Generator) -> Any:
    return replace(codes, noise=rng) if isinstance(codes, Sampled) else codes
