"""What every score is: a plain float in its range, the same again, NaN only with a reason; and what is refused."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from distaff.errors import DistaffError
from distaff.testing.check import CheckFailed, Property, expect, expect_near, expect_refusal, property_of
from distaff.testing.metric_evaluations import DRAWN, GRID, PERFECT, Array, MetricEvaluations, Rows

ANY: list[Property[MetricEvaluations]] = []  # of metrics and of tasks
METRICS_ONLY: list[Property[MetricEvaluations]] = []
ANY_DEPENDENCE = {"scale", "shift", "sign", "values"}


def without_labels(metric: MetricEvaluations) -> str:
    """Why a property of factors does not apply."""
    return "" if metric.labelled else "its numbers are about codes alone"


def without_test(metric: MetricEvaluations) -> str:
    """Why a property of train and test rows does not apply."""
    return "" if metric.learns else "it declares no test_rows"


@property_of(ANY)
def its_decorator_and_docstring_say_what_its_numbers_mean(metric: MetricEvaluations) -> None:
    """A range, rows, a paper, and which way is better."""
    least, most = metric.range
    expect(least < most, f"range=({least:g}, {most:g}): the least value comes first")
    rows = metric.marks.get("rows")
    expect(rows == "grid" or (isinstance(rows, int) and rows > 0), f"rows={rows!r}: a number of rows or 'grid'")
    expect(set(metric.marks.get("depends_on", ())) <= ANY_DEPENDENCE, f"depends_on is of {sorted(ANY_DEPENDENCE)}")
    way = "ower is" if metric.marks.get("higher_is_better") is False else "igher is"
    said = " ".join(metric.plugin.doc.split())
    expect(way in said, f"the docstring does not say which way is better: '{way} better', with its range")


@property_of(ANY)
def the_score_is_a_plain_float_in_its_range_with_plain_parts(metric: MetricEvaluations) -> None:
    """Not a NumPy scalar, so that it is JSON everywhere."""
    score = metric.of_drawn
    expect(type(score.value) is float, f"the value is {type(score.value).__name__}; make it float(...)")
    least, most = metric.range
    expect(least <= score.value <= most, f"{score.value:g} is outside the declared range of {least:g} to {most:g}")
    for key, value in score.parts.items():
        plain = type(key) is str and type(value) is float
        expect(plain, f"part {key!r} is {type(value).__name__}; parts are floats by name")
    if score.matrix is not None and metric.spec.kind == "metric":  # what a task's is of, its docstring says
        shape, kind = score.matrix.shape, score.matrix.dtype
        expect(
            kind == np.float64 and shape == (4, 3),
            f"the matrix is {kind} {shape} for 4 codes and 3 factors; make it float64 [d f]",
        )
    expect(score.reason is None, f"a score that has a value has the reason {score.reason!r}")


@property_of(ANY)
def the_score_repeats_itself_and_leaves_its_input_alone(metric: MetricEvaluations) -> None:
    """The same arrays and the same seed, the same digits; the arrays may be read-only."""
    rows = Rows(*(part.copy() for part in DRAWN))
    for part in rows:
        part.flags.writeable = False
    first = metric.score(rows)
    expect_near(first.value, metric.of_drawn.value, 0, "the score of the same arrays, a second time")
    expect(dict(first.parts) == dict(metric.of_drawn.parts), "the parts of the same arrays differ, a second time")


@property_of(ANY)
def it_uses_and_changes_no_global_random_numbers(metric: MetricEvaluations) -> None:
    """Randomness is the argument `seed`."""
    kept = np.random.get_state()  # noqa: NPY002  # what is looked at is the global state
    found = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        before = str(np.random.get_state())  # noqa: NPY002
        found.append(metric.score(DRAWN).value)
        same = before == str(np.random.get_state())  # noqa: NPY002
        expect(same, "it draws from np.random; draw from distaff.draws.generator(name, seed)")
    np.random.set_state(kept)  # noqa: NPY002
    expect_near(found[1], found[0], 0, "the score after np.random.seed(2)")


@property_of(ANY)
def codes_that_are_not_finite_give_nan_and_a_reason(metric: MetricEvaluations) -> None:
    """A failed run has such codes; its score is recorded, with the reason."""
    for bad in (np.nan, np.inf):
        codes = DRAWN.codes.copy()
        codes[::7, 2] = bad
        score = metric.score(DRAWN._replace(codes=codes))
        expect(math.isnan(score.value), f"codes with {bad} score {score.value:g}; return NaN with a reason")
        expect("finite" in (score.reason or ""), f"the reason is {score.reason!r}; say that codes are not finite")


@property_of(ANY)
def misfits_and_wrong_shapes_are_refused_in_words(metric: MetricEvaluations) -> None:
    """As `distaff.metrics.core.arrays.as_pair` does."""
    codes, factors = DRAWN.codes, DRAWN.factors
    takes = without_labels(metric) == ""

    def call(*arrays: Array) -> Callable[[], Any]:
        return lambda: metric.function(*(arrays if takes else arrays[:1]), **metric.quick)

    if takes:
        expect_refusal(call(codes[1:], factors), DistaffError, ("rows of codes for",), "a row of factors too many")
        expect_refusal(call(codes, factors[None]), DistaffError, ("factors have the shape",), "an axis too many")
    expect_refusal(call(codes[None], factors), DistaffError, ("codes have the shape",), "codes with an axis too many")
    words = np.full(codes.shape, "a")
    expect_refusal(call(words, factors), DistaffError, ("not numbers",), "a table of words for codes")


DEGENERATE: dict[str, Callable[[Rows], Rows]] = {
    "one dead code": lambda rows: rows.with_codes(lambda x: np.insert(x, 1, 0.25, axis=1)),
    "only dead codes": lambda rows: rows.with_codes(lambda x: np.full((len(x), 3), 0.1, np.float32)),
    "one code": lambda rows: rows.with_codes(lambda x: x[:, :1]),
    "fewer codes than factors": lambda rows: rows.with_codes(lambda x: x[:, :2]),
    "copies": lambda rows: rows.with_codes(lambda x: np.hstack([x, x])),
    "a nearly constant code": lambda rows: rows.with_codes(
        lambda x: np.insert(x, 0, 1 + 1e-7 * x[:, 0], axis=1).astype(np.float32)
    ),
    "large codes": lambda rows: rows.with_codes(lambda x: x * 1e6),
    "a constant factor": lambda rows: rows.with_factors(lambda y: np.insert(y, 1, 7, axis=1)),
    "one factor": lambda rows: rows.with_factors(lambda y: y[:, :1]),
    "copied factors": lambda rows: rows.with_factors(lambda y: np.hstack([y, y])),
}


@property_of(ANY)
def degenerate_codes_and_factors_have_a_score_in_range_or_a_reason(metric: MetricEvaluations) -> None:
    """And no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for what, change in DEGENERATE.items():
            try:
                score = metric.score(change(DRAWN))
            except DistaffError:
                if metric.spec.kind == "task":  # which may need so many codes
                    continue
                raise
            metric.expect_defined(score, what)


@property_of(ANY, unless=without_labels)
def factors_that_are_all_constant_have_a_reason_or_a_value_in_range(metric: MetricEvaluations) -> None:
    """There is nothing to know of them."""
    metric.expect_defined(metric.score(DRAWN.with_factors(np.ones_like)), "factors with one value each")


@property_of(METRICS_ONLY, unless=without_labels)
def factors_that_are_all_constant_give_nan_and_the_reason(metric: MetricEvaluations) -> None:
    """What is about factors has no value where none varies."""
    score = metric.score(GRID.with_factors(np.ones_like))
    expect(math.isnan(score.value), f"the score is {score.value:g}; return NaN with a reason")
    expect("value" in (score.reason or ""), f"the reason is {score.reason!r}; say that factors have one value")


@property_of(ANY, unless=without_test)
def classes_that_only_training_or_only_the_test_has_do_not_stop_it(metric: MetricEvaluations) -> None:
    """A small sample lacks some; a single test row has a score or a reason."""
    seen, known = DRAWN.factors[:, 2] < 4, DRAWN.test_factors[:, 2] > 0
    few = DRAWN._replace(codes=DRAWN.codes[seen], factors=DRAWN.factors[seen])
    expect(math.isfinite(metric.score(few).value), "a class that training lacks gives no finite score")
    few = DRAWN._replace(test_codes=DRAWN.test_codes[known], test_factors=DRAWN.test_factors[known])
    expect(math.isfinite(metric.score(few).value), "a class that the test lacks gives no finite score")
    one = DRAWN._replace(test_codes=DRAWN.test_codes[:1], test_factors=DRAWN.test_factors[:1])
    metric.expect_defined(metric.score(one), "a single test row")


@property_of(ANY)
def torch_and_polars_give_the_number_of_numpy(metric: MetricEvaluations) -> None:
    """Arrays come as their owners have them: `distaff.metrics.core.arrays` reads all; names of columns name parts."""
    import polars as pl

    names = ["shape", "size", "angle"]
    frames = Rows(*(pl.DataFrame(part) for part in GRID))._replace(  # type: ignore[arg-type]  # what callers hand in
        factors=pl.DataFrame(GRID.factors, schema=names),  # type: ignore[arg-type]
        test_factors=pl.DataFrame(GRID.test_factors, schema=names),  # type: ignore[arg-type]
    )
    found = metric.score(frames)
    expect_near(found.value, metric.of_grid.value, EXACTLY, "the score of frames of polars")
    expect(len(found.parts) == len(metric.of_grid.parts), "frames of polars give other parts")
    try:
        import torch
    except ImportError:
        return
    tensors = Rows(*(torch.tensor(part) for part in GRID))._replace(  # type: ignore[arg-type]
        codes=torch.tensor(GRID.codes, requires_grad=True)  # type: ignore[arg-type]
    )
    of_tensors = metric.score(tensors)
    expect_near(of_tensors.value, metric.of_grid.value, EXACTLY, "the score of tensors of torch")
    expect(list(of_tensors.parts) == list(metric.of_grid.parts), "tensors of torch give other parts")


EXACTLY = 1e-9


@property_of(ANY)
def double_precision_changes_nothing_that_matters(metric: MetricEvaluations) -> None:
    """Codes come as float32 from a model, and as float64 from elsewhere."""
    score = metric.score(GRID.with_codes(lambda x: x.astype(np.float32)))
    expect_near(score.value, metric.of_grid.value, max(0.01, metric.tolerance), "the score of the codes in float32")


@property_of(METRICS_ONLY)
def perfect_codes_score_within_the_declared_range(metric: MetricEvaluations) -> None:
    """With a code for each factor, and with copies."""
    for what, rows in (("perfect codes", PERFECT), ("copies", PERFECT.with_codes(lambda x: x[:, [0, 0, 1, 2, 2]]))):
        metric.expect_defined(metric.score(rows), what)


@property_of(METRICS_ONLY, unless=without_labels)
def a_perfect_code_is_better_than_a_noisy_one_and_that_than_noise(metric: MetricEvaluations) -> None:
    """Whichever way is better."""
    rng = np.random.default_rng(3)
    noise = [part + 0.5 * rng.normal(size=part.shape) for part in (DRAWN.factors, DRAWN.test_factors)]
    blind = [rng.normal(size=part.shape) for part in (DRAWN.factors, DRAWN.test_factors)]
    way = -1 if metric.marks.get("higher_is_better") is False else 1
    given = [
        DRAWN.with_codes(lambda _: _)._replace(codes=codes, test_codes=test_codes)
        for codes, test_codes in ([DRAWN.factors.astype(float), DRAWN.test_factors.astype(float)], noise, blind)
    ]

    best, middle, worst = (way * metric.score(rows).value for rows in given)
    good = best + 0.01 >= middle > worst + 0.02
    expect(
        good, f"perfect, noisy and random codes score {best:.3g}, {middle:.3g} and {worst:.3g}, where {way:+} is better"
    )


@property_of(METRICS_ONLY, unless=without_labels)
def continuous_factors_are_known_from_their_own_codes_and_not_from_noise(metric: MetricEvaluations) -> None:
    """Values that are fractions, most of them distinct."""
    rng = np.random.default_rng(4)
    factors, test_factors = rng.random((900, 3)), rng.random((400, 3))
    known = Rows(-2 * factors[:, ::-1], factors, -2 * test_factors[:, ::-1], test_factors)
    blind = Rows(rng.normal(size=(900, 3)), factors, rng.normal(size=(400, 3)), test_factors)
    way = -1 if metric.marks.get("higher_is_better") is False else 1

    noise = way * metric.score(blind).value
    for evaluate in (metric.score, metric.in_earnest):  # twenty classes take longer to learn
        best = way * evaluate(known).value
        if best > noise + 0.15 and (way < 0 or best > 0.45):
            return
    raise CheckFailed(f"codes that are the factors score {best:.3g}, random ones {noise:.3g}")
