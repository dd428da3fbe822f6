"""Claims of tens of thousands of runs stay in bounded memory, and their numbers are those of all at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from distaff.analysis import reliability, selection, variance
from distaff.analysis.claims.evidence import evidence
from distaff.analysis.scores import is_headline
from distaff.analysis.selection import Games, Outcomes, expected
from distaff.analysis.variance import shares
from distaff.testing.simulated_study import Truth, simulated


def peak(action: Callable[[], object]) -> int:
    """The most bytes that numpy held at once for `action`."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_variance_shares_of_many_settings_are_computed_in_bounded_memory() -> None:
    runs = 8_000
    values, settings = np.random.default_rng(0).normal(size=runs), np.arange(runs) // 2
    times = np.random.default_rng(1).exponential(size=(5, runs))
    assert peak(lambda: shares(values, settings, times)) < 3 * 8 * variance.MEMBERS  # a whole matrix has 256 MB


def test_variance_shares_of_some_settings_at_a_time_are_those_of_all() -> None:
    draw = np.random.default_rng(0)
    values, settings, times = draw.normal(size=900), draw.integers(0, 300, 900), draw.exponential(size=(20, 900))
    parts, whole = variance._sums(values, times, settings, 1), variance._sums(values, times, settings)
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)
    member = (settings[:, None] == np.unique(settings)).astype(np.float64)
    np.testing.assert_array_equal(whole[0], times @ (values[:, None] * member), "in one part no bit differs")


def games(seeds: int, cells: int) -> Games:
    draw = np.random.default_rng(3)
    scores = draw.normal(size=(5, seeds))
    scores[2, 1] = np.nan
    return Games(
        [(draw.dirichlet(np.ones(5), seeds), scores), (draw.dirichlet(np.ones(5), seeds), scores[::-1])], cells
    )


def test_games_of_some_seeds_at_a_time_are_those_of_all() -> None:
    weights = np.random.default_rng(4).exponential(size=(7, 12))
    whole, parts = games(12, 12**3), games(12, 3 * 12**2)
    ((_, all_outcomes),) = whole.blocks()
    blocks = [block for _, block in parts.blocks()]
    assert [block.won.shape for block in blocks] == [(12, 12, 3)] * 4
    np.testing.assert_allclose(np.concatenate([block.won for block in blocks], axis=2), all_outcomes.won, rtol=1e-14)
    np.testing.assert_allclose(expected(parts, weights), expected(whole, weights), rtol=1e-13)
    np.testing.assert_array_equal(expected(whole, weights), expected(Outcomes(*all_outcomes), weights))


def test_games_of_many_seeds_are_played_in_bounded_memory() -> None:
    seeds, cells = 150, 2**18
    weights = np.ones((3, seeds))
    assert peak(lambda: expected(games(seeds, cells), weights)) < 8 * 8 * cells < 8 * seeds**3


def test_blocks_of_permutations_change_no_bit_of_the_reliability(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    settings, seeds = np.repeat(np.arange(8), 6), np.tile(np.arange(6), 8)
    scores = [[draw.normal(size=48) + settings, draw.normal(size=48)]]
    scores[0][1][7] = np.nan
    whole = reliability.reliabilities(("a", "b"), scores, [settings], [seeds], 0)
    monkeypatch.setattr(reliability._permuted, "__defaults__", (48 * 7,))
    for one, other in zip(reliability.reliabilities(("a", "b"), scores, [settings], [seeds], 0), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_permutations_of_a_large_study_are_drawn_some_at_a_time() -> None:
    settings, seeds = np.repeat(np.arange(1_000), 20), np.tile(np.arange(20), 1_000)
    blocks = reliability._permuted(np.random.default_rng(6).normal(size=20_000), settings, seeds, (0,))
    assert max(block.values.size for block in blocks) <= reliability.AT_ONCE


def test_parts_of_scores_are_no_evidence_and_take_no_memory() -> None:
    table, _ = simulated(3, truth=Truth(tasks=True))
    with_parts = table.with_columns(metric=table["metric"].replace({"mig": "mig.factor_0"}))
    names = set(evidence(with_parts, resamples=2).table["metric"].unique())
    assert names == {name for name in with_parts["metric"].unique() if is_headline(name)}
    assert "mig.factor_0" not in names
    assert {"train.nll", "dci", "statistical_efficiency"} <= names


def test_a_block_of_games_holds_no_more_than_its_bound() -> None:
    assert all(block.won.size <= selection.OUTCOMES for _, block in games(250, selection.OUTCOMES).blocks())
