"""A study that sees nothing decides nothing; what cannot exist in a study is not applicable to it."""

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from distaff.analysis.claims.claim import CLAIMS, assess
from distaff.analysis.claims.evidence import evidence
from distaff.analysis.claims.scorecard import basis_text, scorecard
from distaff.analysis.claims.verdict import CONTRADICTED, NOT_APPLICABLE, OPEN, SUPPORTED
from distaff.analysis.intervals import centred, seed_weights
from distaff.analysis.paper import RANGES, comparable, in_range
from distaff.analysis.reliability import PERMUTATIONS, SURE, reliabilities
from distaff.analysis.scores import paper_six
from distaff.analysis.selection import best_anew, transfer_game
from distaff.analysis.variance import variance_explained
from distaff.reports.pages.scorecard import html
from distaff.reports.pages.summary import summarise
from distaff.testing.simulated_study import DATASETS, METRICS, Truth, noise_study, simulated, simulated_study

SETS = DATASETS[:3]
ABSENCE = [
    "no_method_dominates",
    "settings_hardly_transfer_to_another_data_set",
    "settings_hardly_transfer_to_another_data_set_and_metric",
    "no_score_without_labels_selects_well",
    "modularity_disagrees",
    "strength_and_seed_outweigh_the_method",
    "factor_vae_keeps_sampled_total_correlation",
    "metrics_have_no_reliable_link_with_efficiency",
]
GAMES = [name for name, claim in CLAIMS.items() if claim.figure in ("transfer_game", "selection_without_labels")]


def verdicts(seeds: int, studies: int, shared: float = 0.0, claims=CLAIMS) -> dict[str, Counter]:
    found = {name: Counter() for name in claims}
    for number in range(studies):
        study = evidence(noise_study(seeds, 1000 * seeds + number, shared=shared), resamples=100)
        for name in claims:
            found[name][assess(CLAIMS[name], study)["verdict"]] += 1
    return found


def decided(of: Counter) -> float:
    return (of[SUPPORTED] + of[CONTRADICTED]) / of.total()


@pytest.mark.parametrize("seeds", [2, 5])
def test_noise_supports_no_claim_of_absence(seeds):
    for name, of in verdicts(seeds, 10, claims=ABSENCE).items():
        assert of[SUPPORTED] <= 1, name


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_noise_decides_one_claim_in_twenty(seeds):
    studies = 200
    found = {name: decided(of) for name, of in verdicts(seeds, studies).items()}
    print(seeds, {name: f"{rate:.1%}" for name, rate in found.items() if rate})  # noqa: T201
    assert np.mean(list(found.values())) <= 0.05
    assert max(found.values()) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)  # the worst of 30


@pytest.mark.slow
def test_a_quality_that_all_runs_of_a_seed_share_supports_no_claim_of_absence():
    found = {name: of[SUPPORTED] / of.total() for name, of in verdicts(10, 100, 0.3, ABSENCE).items()}
    assert max(found.values()) <= 0.05, found


def test_p_values_of_noise_are_uniform_and_those_of_settings_that_differ_small():
    settings, seeds = np.repeat(np.arange(8), 3), np.tile(np.arange(3), 8)
    found = []
    for number in range(200):
        draw = np.random.default_rng([3, number])
        noise = [draw.standard_normal(24) for _ in range(2)]
        found.append(reliabilities(("a", "b"), [noise], [settings], [seeds], number))
    for p in ([one.all_settings for one in found], [one.all_together for one in found]):
        assert np.mean(p) == pytest.approx(0.5, abs=0.07)
        assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean([one.more_than_noise() for one in found]) <= SURE + 0.03
    signal = [10.0 * settings + one for one in noise]
    real = reliabilities(("a", "b"), [signal], [settings], [seeds], 0)
    assert real.all_settings == real.all_together == 1 / (1 + PERMUTATIONS)
    assert real.reliability == pytest.approx(1, abs=0.05)
    assert real.differ()
    assert real.differ("a")
    assert real.more_than_noise("b")


def test_the_reliability_of_a_metric_is_the_correlation_of_halves_of_the_seeds():
    draw = np.random.default_rng(0)
    settings, n = 400, 6
    truth = draw.standard_normal(settings)
    scores = truth[:, None] + 2 * draw.standard_normal((settings, 2 * n))
    halves = np.corrcoef(scores[:, :n].mean(axis=1), scores[:, n:].mean(axis=1))[0, 1]
    settings, seeds = np.repeat(np.arange(settings), n), np.tile(np.arange(n), settings)
    found = reliabilities(("a",), [[scores[:, :n].ravel()]], [settings], [seeds], 0)
    assert found.reliability[0] == pytest.approx(halves, abs=0.08)


def test_a_modularity_that_is_noise_does_not_disagree():
    for reliable, verdict in ((True, SUPPORTED), (False, OPEN)):
        truth = Truth(odd_is_reliable=reliable)
        study = evidence(simulated_study(SETS, 20, strengths=3, truth=truth)[0], resamples=100)
        row = assess(CLAIMS["modularity_disagrees"], study)
        assert row["verdict"] == verdict
        assert reliable or "modularity differs by seeds" in row["needs"]


def test_the_best_of_many_choices_is_at_chance_where_all_are_and_the_naive_one_is_not():
    naive, found, held = [], [], 0
    for number in range(300):
        runs = 0.5 + 0.1 * np.random.default_rng([1, number]).standard_normal((6, 8))  # six choices, eight seeds
        drawn = np.concatenate([runs.mean(axis=1)[:, None], runs @ seed_weights(range(8), 200, number).T / 8], axis=1)
        best = best_anew(drawn, 8)
        naive.append(drawn[:, 0].max())
        found.append(best[0])
        interval = centred(best[0], best[1:], 8, 8)
        held += interval.low <= 0.5 <= interval.high
    assert np.mean(naive) > 0.54
    assert abs(np.mean(found) - 0.5) < 0.4 * (np.mean(naive) - 0.5)
    assert held / 300 > 0.93


def test_one_choice_alone_is_not_corrected():
    drawn = np.random.default_rng(0).standard_normal((1, 500))
    found = best_anew(drawn, 5)
    assert found[0] == pytest.approx(drawn[0, 0])
    assert found[1:] - found[1:].mean() == pytest.approx(drawn[0, 1:] - drawn[0, 1:].mean())


def test_fewer_than_four_seeds_have_no_interval_of_a_game():
    for seeds, known in ((2, False), (3, False), (4, True)):
        table = simulated_study(SETS, seeds, strengths=3)[0]
        assert transfer_game(table, resamples=20)["low"].is_not_null().all() == known
        card = scorecard(table, resamples=20).filter(pl.col("name").is_in(GAMES))
        assert card["low"].is_not_null().all() == known
        assert known or card.select("verdict", "needs").unique().rows() == [(OPEN, "needs four seeds a setting")]


def test_what_one_method_cannot_show_is_not_applicable():
    card = scorecard(simulated(5)[0].filter(pl.col("method") == "beta_vae"), resamples=20)
    found = {name: (verdict, needs) for name, verdict, needs in card.select("name", "verdict", "needs").rows()}
    assert found["method_explains_about_37_per_cent"] == (
        NOT_APPLICABLE, "needs two methods of the paper on one data set"
    )  # fmt: skip
    assert found["settings_hardly_transfer_to_another_data_set"] == (NOT_APPLICABLE, "needs a second data set")
    assert found["mean_total_correlation_rises_for_factor_vae"][0] == NOT_APPLICABLE
    assert found["mean_total_correlation_rises_for_beta_vae"] == (SUPPORTED, None)
    assert card.filter(pl.col("verdict") == NOT_APPLICABLE)["value"].is_null().all()


def test_a_constant_metric_leaves_the_shares_of_variance_open():
    flat = simulated(5)[0].with_columns(value=pl.lit(0.5))
    row = assess(CLAIMS["seed_explains_about_41_per_cent"], evidence(flat, resamples=5))
    assert row["verdict"] == OPEN
    assert "varies" in row["needs"]


def test_the_ranges_are_those_of_the_study_of_2019():
    text = (Path(__file__).parent.parent / "studies" / "unsupervised_2019.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    sweeps = [
        [ast.literal_eval(argument) for argument in call.args]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "sweep"
    ]
    assert {method: (min(values), max(values)) for method, _, values in sweeps} == RANGES


def test_verdicts_rest_on_the_papers_metrics_and_strengths_and_say_how_many_settings_those_are():
    table = simulated(5, truth=Truth(tasks=True))[0]
    weak = table.filter(pl.col("method") == "beta_vae").with_columns(
        id="weak-" + pl.col("id"), strength=pl.col("strength") / 100, strength_index=pl.col("strength_index") + 3,
        spec="weak-" + pl.col("spec"), value=-pl.col("value"),
        setting=("weak-" + pl.col("setting").cast(pl.String)).cast(pl.Categorical),
    )  # fmt: skip
    other_metric = table.filter(pl.col("metric") == "mig").with_columns(metric=pl.lit("irs"), value=-pl.col("value"))
    more = pl.concat([table, weak, other_metric])
    assert paper_six(more) == list(METRICS)
    assert in_range(more).equals(pl.concat([table, other_metric]))
    plain, wider = (scorecard(one, resamples=20) for one in (table, more))
    about = ["name", "value", "low", "high", "verdict", "comparisons", "settings"]
    assert plain.select(about).equals(wider.select(about))
    assert wider.select("settings", "left_out").row(0) == (18, 3)
    assert "Of 21 settings 18 lie in the paper's range" in basis_text(wider)
    assert "Of " not in basis_text(plain)
    assert f"{plain['low'].is_not_null().sum()} comparisons are made" in basis_text(plain)


def test_figure_and_scorecard_of_the_game_and_of_variance_are_one_computation():
    table = simulated_study(SETS, 5, strengths=3)[0]
    card = scorecard(table, resamples=50)
    inside, metrics = comparable(table)
    row = transfer_game(inside, metrics, resamples=50).row(
        by_predicate=(pl.col("metric") == "same") & (pl.col("dataset") == "same"), named=True
    )
    row_of_claim = card.row(by_predicate=pl.col("name") == "settings_transfer_to_another_seed", named=True)
    assert (row["probability"], row["low"], row["high"]) == pytest.approx(
        (row_of_claim["value"], row_of_claim["low"], row_of_claim["high"])
    )
    shares = variance_explained(inside, metrics, resamples=50).group_by("predictor").agg(pl.col("adjusted").mean())
    split = dict(shares.rows())
    values = dict(card.select("name", "value").rows())
    assert values["method_explains_about_37_per_cent"] == pytest.approx(split["method"])
    assert values["seed_explains_about_41_per_cent"] == pytest.approx(1 - split["setting"])


def test_a_share_above_one_lies_in_its_interval():
    table = simulated_study(SETS, 3, strengths=3, method=0, strength=0, rng=4)[0]
    for one in scorecard(table, resamples=50).drop_nulls("low").iter_rows(named=True):
        assert one["low"] <= one["value"] <= one["high"], one["name"]


def test_the_story_and_the_scorecard_of_a_report_say_one_thing():
    table, runs = simulated_study(SETS, 5, strengths=3)
    card = scorecard(table, resamples=50)
    sentences = summarise(table, runs, card).findings
    values = {name: (value, low, high) for name, value, low, high in card.select("name", "value", "low", "high").rows()}
    for name, verb in (
        ("sampled_total_correlation_falls_for_beta_vae", "falls"),
        ("mean_total_correlation_rises_for_beta_vae", "rises"),
    ):
        assert "{} (rank correlation {:.2f}, {:.2f} to {:.2f})".format(verb, *values[name]) in sentences
    assert f"the choice of method explains {values['method_explains_about_37_per_cent'][0]:.0%}" in sentences
    assert f"the seed {values['seed_explains_about_41_per_cent'][0]:.0%}" in sentences
    page = html(card, {})
    assert basis_text(card) in page
    assert page.count('role="listitem"') == card["value"].is_not_null().sum()


def test_a_story_of_one_method_does_not_say_what_the_choice_of_method_explains():
    table, runs = (one.filter(pl.col("method") == "factor_vae") for one in simulated(5))
    sentences = summarise(table, runs, scorecard(table, resamples=20)).findings
    assert "choice of method" not in sentences
    assert "the seed explains" in sentences
    assert "β-VAE" not in sentences
