"""Is there a recipe for choosing a setting? What a choice by one score is worth against a model taken at random.

The game of the paper's Table 1: at one seed, take the setting with the best score; train it again with another seed,
and compare its score, of the same or of another metric and data set, with that of a random model. A win or a tie
counts. The paper plays it 10,000 times; here every outcome is enumerated, so the probability is exact for the table.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from distaff.analysis.duplicates import without_duplicates
from distaff.analysis.intervals import RESAMPLES, centred, seed_weights
from distaff.analysis.score_array import ScoreArray, score_array
from distaff.analysis.scores import sign, supervised, unsupervised
from distaff.errors import DistaffError

PUBLISHED = {  # (same metric, same data set): Table 1 of Locatello et al. (2019)
    (False, False): 0.549,
    (False, True): 0.626,
    (True, False): 0.593,
    (True, True): 0.807,
}
INTERVAL_COLUMNS = {"low": pl.Float64(), "high": pl.Float64()}
OUTCOMES = 2**23  # games in memory at once: those of 203 seeds
LEAST_SEEDS = 4  # of an interval: with two seeds a game has one choice and one judge, and its resamples are all alike
Array = NDArray[np.float64]


class Outcomes(NamedTuple):
    """Games won and games played [chosen trained other]: the seeds of the choice, the new run and the random model."""

    won: Array
    played: Array

    def blocks(self) -> Iterator[tuple[slice, Outcomes]]:
        """All of them at once."""
        yield slice(0, self.won.shape[2]), self


@dataclass(frozen=True, eq=False)
class Games:
    """The games of pairs of a choice [chosen setting] and the scores that judge it [setting seed].

    Of s seeds there are s^3 outcomes, 8 GB at a thousand: where they are many, they are computed some of the random
    models' seeds at a time, and never stand in memory together.
    """

    pairs: Sequence[tuple[Array, Array]]
    at_once: int = OUTCOMES

    def blocks(self) -> Iterator[tuple[slice, Outcomes]]:
        """The outcomes against the random models of some seeds, with the place of these seeds."""
        s = self.pairs[0][1].shape[1]
        together = max(1, self.at_once // s**2)
        if together >= s:
            yield slice(0, s), self._all
            return
        for first in range(0, s, together):
            others = slice(first, min(first + together, s))
            yield others, self._against(others)

    @functools.cached_property
    def _all(self) -> Outcomes:
        return self._against(slice(0, self.pairs[0][1].shape[1]))

    def _against(self, others: slice) -> Outcomes:
        s, r = self.pairs[0][1].shape[1], others.stop - others.start
        won, played = np.zeros((s, s, r)), np.zeros((s, s, r))
        for chosen, scores in self.pairs:
            there = np.isfinite(scores)
            won += (chosen @ _beaten(scores, others).reshape(-1, s * r)).reshape(s, s, r)
            played += (chosen @ there)[:, :, None] * there.sum(axis=0)[others]
        return Outcomes(won, played)


Related = Callable[[int, int, int, int], bool]  # of (data set, metric) chosen by to (data set, metric) judged by


def transfer_game(
    table: pl.DataFrame, metrics: Sequence[str] | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """Tables 1 and 6 of the paper: how often a transferred setting beats or ties a random model.

    A row for same or different metric and data set: probability, low, high (null below four seeds), chance (1/2 and
    half the ties: the rate of a random setting), published, and the settings and seeds behind it. Seeds are resampled
    for all settings together, and a run is never judged by itself. Runs of the same mathematics play once. Rows that
    need a second metric or data set are left out without. By default with all disentanglement scores.
    """
    played = score_array(without_duplicates(table), supervised(table) if metrics is None else metrics)
    chance = _chance(played.values)
    rows = []
    for (metric, dataset), published in PUBLISHED.items():
        outcomes = game_outcomes(played, metric=metric, dataset=dataset)
        if outcomes is not None:
            labels = {"metric": _word(metric), "dataset": _word(dataset)}
            numbers = {**_interval(outcomes, played, seed, resamples), "chance": chance, "published": published}
            rows.append({**labels, **numbers, "settings": len(played.settings), "seeds": len(played.seeds)})
    return pl.DataFrame(rows, schema_overrides=INTERVAL_COLUMNS)


def game_outcomes(played: ScoreArray, *, metric: bool, dataset: bool) -> Games | None:
    """The games in which metric and data set are the same, or are not; None where there is no other."""
    return _outcomes(best(played.values), played.values, lambda d, m, e, k: (d == e) == dataset and (m == k) == metric)


def selection_outcomes(played: ScoreArray, selector: str, metrics: Sequence[str]) -> Games | None:
    """The games of a choice by `selector`, judged by `metrics` on the same data set."""
    place, judges = played.metrics.index(selector), [i for i, name in enumerate(played.metrics) if name in metrics]
    winners = best(sign(selector) * played.values[:, [place]])
    return _outcomes(winners, played.values[:, judges], lambda d, _, e, __: d == e)


def selection(
    table: pl.DataFrame, metrics: Sequence[str] | None = None, *, seed: int = 0, resamples: int = RESAMPLES
) -> pl.DataFrame:
    """What choosing by a score without labels is worth, in the terms of Table 1, per selector and data set.

    `probability` (low, high) is that of the chosen setting trained with another seed, averaged over `metrics` (by
    default all disentanglement scores of the data set); `selected` that of the chosen model itself; `regret` is how
    much of the distance between a random model and the best of the seed is lost (0: the best was chosen, 1: no better
    than random). The ends of the interval are null below four seeds.
    """
    metrics, chosen_by = supervised(table) if metrics is None else metrics, unsupervised(table)
    if not chosen_by or not metrics:
        raise DistaffError("selection needs a score without labels and one with labels")
    rows = []
    for (dataset,), part in without_duplicates(table).group_by("dataset", maintain_order=True):
        played = score_array(part, [*chosen_by, *metrics])
        judges = [i for i, name in enumerate(played.metrics) if name in metrics]
        for place, name in enumerate(played.metrics):
            outcomes = selection_outcomes(played, name, metrics) if name in chosen_by else None
            if outcomes is not None:
                winners, judged = best(sign(name) * played.values[:, [place]]), played.values[:, judges]
                labels = {"selector": name, "dataset": dataset, **_interval(outcomes, played, seed, resamples)}
                labels |= {"selected": _selected(outcomes), "regret": _regret(winners, judged)}
                rows.append({**labels, "settings": len(played.settings), "seeds": len(played.seeds)})
    return pl.DataFrame(rows, schema_overrides=INTERVAL_COLUMNS)


def best(values: Array) -> Array:
    """For each data set, metric and seed, 1 at the best setting; ties share it, and a run that failed loses."""
    top = (values == np.nanmax(np.where(np.isnan(values), -np.inf, values), axis=2, keepdims=True)).astype(np.float64)
    count = top.sum(axis=2, keepdims=True)
    shared: Array = np.divide(top, count, out=np.zeros_like(top), where=count > 0)
    return shared


def beats(values: Array) -> Array:
    """[dataset metric setting seed other]: how many settings at seed `other` the run beats or ties; NaN beats none."""
    d, m, _, s = values.shape
    return np.stack([[_beaten(values[i, j], slice(0, s)) for j in range(m)] for i in range(d)])


def _beaten(scores: Array, others: slice) -> Array:
    """[setting seed other]: how many settings at each seed of `others` a run beats or ties; NaN beats none."""
    out = np.zeros((*scores.shape, others.stop - others.start))
    for place, r in enumerate(range(others.start, others.stop)):
        ordered = np.sort(scores[:, r][np.isfinite(scores[:, r])])
        out[:, :, place] = np.searchsorted(ordered, scores, side="right")
    out[np.isnan(scores)] = 0
    return out


def _outcomes(winners: Array, judged: Array, related: Related) -> Games | None:
    """The games of all pairs of a choice and a judge that are `related`."""
    pairs = []
    for e, k in np.ndindex(judged.shape[:2]):
        sources = [winners[d, m] for d, m in np.ndindex(winners.shape[:2]) if related(d, m, e, k)]
        if sources:
            pairs.append((np.mean(sources, axis=0).T, judged[e, k]))
    return Games(pairs) if pairs else None


def expected(outcomes: Outcomes | Games, weights: Array) -> Array:
    """The share of games won [b] with seeds weighted by `weights` [b s], a choice never judged by its own seed."""
    sums = [np.zeros(len(weights)), np.zeros(len(weights))]
    for seeds, block in outcomes.blocks():
        for place, part in enumerate(block):
            s, _, r = part.shape
            others = (part * (1 - np.eye(s))[:, :, None]).reshape(s, -1)
            games = (weights @ others).reshape(-1, s, r)
            sums[place] += np.einsum("bpr,bp,br->b", games, weights, weights[:, seeds])
    share: Array = np.divide(sums[0], sums[1], out=np.full(len(weights), np.nan), where=sums[1] > 0)
    return share


def seeds_drawn(played: ScoreArray, resamples: int, seed: int) -> Array:
    """The weight of each seed of the array in the study itself, and in each of the resamples [1 + resamples s]."""
    return np.vstack([np.ones(len(played.seeds)), seed_weights(played.seeds, resamples, seed)])


def best_anew(statistics: Array, seeds: float) -> Array:
    """The greatest of k statistics [k 1 + b], chosen anew in each resample, and the first one less its optimism.

    A choice in hindsight is too good: by as much, to first order, as the choice of a resample is better there than on
    the study itself (Efron, 1983), with resamples that spread as n `seeds` do (see `centred`). Where all choices are
    equal that takes off two thirds of what the naive choice gains, and where one is clearly best, nothing. The greatest
    of several varies less than any of them, but what is left after its optimism does not: the draws that are given back
    spread at least as those of the first choice.
    """
    plain, drawn = statistics[:, :1], statistics[:, 1:]
    stretch = np.sqrt((seeds + 1) / (seeds - 1)) if seeds > 1 else 1.0
    anew = plain + stretch * (drawn - drawn.mean(axis=1, keepdims=True))
    chosen, first = anew.argmax(axis=0), int(plain.argmax())
    chosen_draws = np.take_along_axis(anew, chosen[None], axis=0)[0]
    optimism = (chosen_draws - plain[chosen, 0]).mean()
    wider = max(1.0, float(anew[first].std() / chosen_draws.std())) if chosen_draws.std() > 0 else 1.0
    spread = wider / stretch * (chosen_draws - chosen_draws.mean())
    best: Array = plain[first, 0] - optimism + np.concatenate([[0.0], spread])
    return best


def _interval(outcomes: Games, played: ScoreArray, seed: int, resamples: int) -> dict[str, float | None]:
    seeds = len(played.seeds)
    value, *drawn = expected(outcomes, seeds_drawn(played, resamples, seed))
    if seeds < LEAST_SEEDS:
        return {"probability": float(value), "low": None, "high": None}
    interval = centred(float(value), np.array(drawn), seeds, seeds, (0.0, 1.0))
    return {"probability": interval.value, "low": interval.low, "high": interval.high}


def _chance(judged: Array) -> float:
    """How often a random model beats or ties another of its data set and metric."""
    there = np.isfinite(judged).sum(axis=(2, 3))
    seeds = range(judged.shape[3])
    won = [[sum(_beaten(one, slice(r, r + 1)).sum() for r in seeds) for one in of_set] for of_set in judged]
    return float((np.array(won) / there**2).mean())


def _selected(outcomes: Games) -> float:
    """How often the chosen model itself beats or ties a random one."""
    won, played = 0.0, 0.0
    for _, block in outcomes.blocks():
        won += np.einsum("ssr->", block.won)
        played += np.einsum("ssr->", block.played)
    return float(won / played)


def _regret(winners: Array, judged: Array) -> float | None:
    """The share of the distance from a random model to the best of the seed that the choice loses, over metrics."""
    chosen = winners * np.isfinite(judged)
    chosen_score = np.einsum("dmcs,dmcs->dms", chosen, np.nan_to_num(judged)) / np.maximum(chosen.sum(axis=2), 1e-12)
    top, middle = np.nanmax(judged, axis=2), np.nanmean(judged, axis=2)
    room, lost = (top - middle).mean(axis=-1), (top - chosen_score).mean(axis=-1)
    known = room > 1e-12
    return float((lost[known] / room[known]).mean()) if known.any() else None


def _word(same: bool) -> str:
    return "same" if same else "different"
