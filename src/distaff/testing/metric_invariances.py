"""What a score does not change with, as declared: orders, ties, signs, scales, shifts, sizes, names of values."""

from __future__ import annotations

import functools
import math
import unittest
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from distaff.metrics import Score
from distaff.testing.check import expect, expect_near, property_of
from distaff.testing.metric_evaluations import DRAWN, GRID, PERFECT, TIED, Array, MetricEvaluations, Rows
from distaff.testing.metric_form import ANY, METRICS_ONLY, without_labels

EXACT = 1e-9
ROUNDED_ROOTS = 1e-15  # of squares: a root makes 1e-8 of the 1e-16 by which two sums round
SUMMED_ROOTS = 5e-8  # of a score above 1
POWERS = (-300, -160, -30, -12, 12, 19, 30, 100, 160, 300)  # of ten
POWERS_OF_FLOAT32 = (-120, -65, 65, 124)  # of two
SHIFTS = np.array([4.0, -64.0, 0.5])
WORDS_OF_SCALE = ("scale", "size", "unit", "range", "deviation")


def _declares(what: str) -> Callable[[MetricEvaluations], str]:
    return lambda metric: f"it declares depends_on={what!r}" if metric.depends_on(what) else ""


def _declares_no(what: str) -> Callable[[MetricEvaluations], str]:
    return lambda metric: "" if metric.depends_on(what) else f"it does not declare depends_on={what!r}"


def _same_score(metric: MetricEvaluations, rows: Rows, whole: Score, what: str, tolerance: float | None = None) -> None:
    near = metric.tolerance if tolerance is None else tolerance
    expect_near(metric.score(rows).value, whole.value, near, f"the score {what}")


@property_of(METRICS_ONLY)
def the_order_of_latents_is_of_no_matter_where_they_tie(metric: MetricEvaluations) -> None:
    """Copies, latents that know a factor equally well, dead ones: back to front, every pair of them swaps places."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = metric.score(TIED).value
        for order in (np.arange(15)[::-1], np.random.default_rng(0).permutation(15)):
            found = metric.score(TIED.with_codes(functools.partial(np.take, indices=order, axis=1))).value
            rounded = EXACT if abs(whole) <= 1 else SUMMED_ROOTS * abs(whole)
            same = found == whole or abs(found - whole) <= rounded or abs(found**2 - whole**2) <= ROUNDED_ROOTS
            expect(same or (math.isnan(found) and math.isnan(whole)), f"in another order {found:.9g}, not {whole:.9g}")


@property_of(ANY)
def the_order_of_latents_is_of_no_matter(metric: MetricEvaluations) -> None:
    """Latents have no names."""
    order = [2, 0, 3, 1]
    _same_score(
        metric, DRAWN.with_codes(lambda x: x[:, order]), metric.of_drawn, "of the same latents in another order"
    )


@property_of(METRICS_ONLY)
def the_matrix_follows_the_order_of_latents(metric: MetricEvaluations) -> None:
    """Row i of [d f] is about code i."""
    order = [2, 0, 1]
    expected = metric.of_grid.matrix
    if expected is None:
        raise unittest.SkipTest("its score has no matrix")
    found = metric.score(GRID.with_codes(lambda x: x[:, order])).matrix
    expect(found is not None and found.shape == expected.shape, "the matrix of reordered latents has another shape")
    apart = float(np.abs(np.asarray(found) - expected[order]).max())
    near = max(EXACT, metric.tolerance) if "tolerance" in metric.marks else EXACT
    expect(apart <= near, f"rows of the matrix differ by {apart:.3g} when latents change places; row i is code i")


@property_of(METRICS_ONLY, unless=without_labels)
def the_order_of_factors_is_of_no_matter(metric: MetricEvaluations) -> None:
    """Factors have no places."""
    order = [2, 0, 1]
    _same_score(metric, GRID.with_factors(lambda y: y[:, order]), metric.of_grid, "of the factors in another order")


@property_of(METRICS_ONLY)
def the_order_of_rows_is_of_no_matter(metric: MetricEvaluations) -> None:
    """Rows are a sample."""
    order = np.random.default_rng(2).permutation(len(DRAWN.codes))
    shuffled = DRAWN._replace(codes=DRAWN.codes[order], factors=DRAWN.factors[order])
    _same_score(metric, shuffled, metric.of_drawn, "of the same rows in another order")


@property_of(METRICS_ONLY, unless=_declares("sign"))
def the_sign_of_codes_is_of_no_matter(metric: MetricEvaluations) -> None:
    """z and -z are one code."""
    signs = np.array([-1, 1, -1, -1])
    _same_score(metric, DRAWN.with_codes(lambda x: x * signs), metric.of_drawn, "with three signs turned")


@property_of(METRICS_ONLY, unless=_declares("scale"))
def the_scale_of_single_codes_is_of_no_matter_unless_declared(metric: MetricEvaluations) -> None:
    """Or declare depends_on=("scale",)."""
    scales = np.array([4.0, 0.5, 2.0, 8.0])
    _same_score(metric, DRAWN.with_codes(lambda x: x * scales), metric.of_drawn, "with other scales of single codes")


@property_of(METRICS_ONLY, unless=_declares_no("scale"))
def the_scale_of_single_codes_does_matter_where_that_is_declared(metric: MetricEvaluations) -> None:
    """And the docstring says so."""
    scales = np.array([[40.0, 1, 1, 1], [1, 1, 1, 1e-3], [1, 1e-3, 1, 1]])
    scaled = [DRAWN.with_codes(functools.partial(np.multiply, one)) for one in scales]
    changed = [abs(metric.score(rows).value - metric.of_drawn.value) for rows in scaled]
    expect(max(changed) > 1e-3, "it declares depends_on=('scale',), and other scales change nothing")
    said = any(word in metric.plugin.doc for word in WORDS_OF_SCALE)
    expect(said, "it depends on the scale of codes, and the docstring does not say so")


@property_of(METRICS_ONLY, unless=_declares("shift"))
def a_shift_of_codes_is_of_no_matter_unless_declared(metric: MetricEvaluations) -> None:
    """Or declare depends_on=("shift",)."""
    _same_score(metric, GRID.with_codes(lambda x: x + SHIFTS), metric.of_grid, "with codes that are shifted")


@property_of(METRICS_ONLY, unless=_declares_no("shift"))
def a_shift_of_codes_does_matter_where_that_is_declared(metric: MetricEvaluations) -> None:
    """And the docstring says so."""
    apart = abs(metric.score(GRID.with_codes(lambda x: x + SHIFTS)).value - metric.of_grid.value)
    expect(apart > 1e-2, "it declares depends_on=('shift',), and shifted codes change nothing")
    expect("shift" in metric.plugin.doc, "it depends on shifts of codes, and the docstring does not say so")


@property_of(METRICS_ONLY, unless=without_labels)
def the_names_of_factor_values_are_of_no_matter(metric: MetricEvaluations) -> None:
    """Values are classes; what takes them for numbers declares depends_on=("values",) and keeps with distances."""
    names = np.array([3, 13, 23, 33, 43] if metric.depends_on("values") else [7, 1, 5, 3, 9])
    _same_score(metric, DRAWN.with_factors(lambda y: names[y]), metric.of_drawn, "with other numbers for the values")


@property_of(METRICS_ONLY, unless=without_labels)
def constant_factors_are_left_out(metric: MetricEvaluations) -> None:
    """A factor that does not vary here changes nothing, wherever it stands."""
    perfect = metric.score(PERFECT)
    for count in (1, 3):

        def beside(y: Array, count: int = count) -> Array:
            return np.insert(y, [1] * count, 7, axis=1)

        what = f"beside {count} factors with one value"
        _same_score(metric, PERFECT.with_factors(beside), perfect, f"of perfect codes {what}", EXACT)
        _same_score(metric, GRID.with_factors(beside), metric.of_grid, what, EXACT)


@property_of(METRICS_ONLY)
def codes_of_any_size_have_the_score_of_moderate_ones_or_a_reason(metric: MetricEvaluations) -> None:
    """From 1e-300 to 1e300, without a warning: squares overflow and vanish there."""
    sizes = [2.0 ** round(power / math.log10(2)) for power in POWERS]
    _expect_sizes(metric, GRID, metric.of_grid, sizes)


@property_of(METRICS_ONLY)
def float32_codes_of_any_size_have_the_score_of_moderate_ones_or_a_reason(metric: MetricEvaluations) -> None:
    """As models have them."""
    rows = GRID.with_codes(lambda x: x.astype(np.float32))
    _expect_sizes(metric, rows, metric.score(rows), [np.float32(2.0**power) for power in POWERS_OF_FLOAT32])


def _expect_sizes(metric: MetricEvaluations, rows: Rows, whole: Score, sizes: list[Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for size in sizes:
            score = metric.score(rows.with_codes(functools.partial(np.multiply, size)))
            if metric.depends_on("scale"):
                metric.expect_defined(score, f"codes times {size:.1g}", infinite=False)
            else:
                expect_near(score.value, whole.value, EXACT, f"the score of codes times {size:.1g}")


@property_of(METRICS_ONLY)
def one_huge_and_one_tiny_code_are_no_error(metric: MetricEvaluations) -> None:
    """Latents of very different sizes side by side."""
    sizes = np.array([2.0**1000, 1.0, 2.0**-1000])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = metric.score(GRID.with_codes(lambda x: x * sizes))
    metric.expect_defined(score, "codes times 1e301, 1 and 1e-301", infinite=False)
    if not metric.depends_on("scale"):
        expect_near(score.value, metric.of_grid.value, EXACT, "the score with one huge and one tiny code")


@property_of(ANY)
def rows_far_outside_those_of_training_are_no_error(metric: MetricEvaluations) -> None:
    """A test row may lie anywhere."""
    far = GRID.test_codes.copy()
    far[0], far[1] = 1e300, -1e300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = metric.score(GRID._replace(test_codes=far))
    expect(math.isfinite(score.value), f"with test codes of 1e300 the score is {score.value:g}")
