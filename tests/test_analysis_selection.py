"""The transfer game gives what it must on tables of known truth, and what playing it by hand gives."""

import itertools

import numpy as np
import polars as pl
import pytest

from distaff.analysis.score_array import score_array
from distaff.analysis.selection import Outcomes, beats, best, best_anew, expected, selection, transfer_game
from distaff.analysis.settings import complete
from distaff.errors import DistaffError
from distaff.testing.simulated_study import DATASETS, Truth, simulated, simulated_study

CATEGORIES = [(metric, dataset) for metric in ("different", "same") for dataset in ("different", "same")]


def table_of(values: np.ndarray) -> pl.DataFrame:
    """Scores [dataset metric setting seed] as a tidy table."""
    return pl.DataFrame(
        {
            "id": f"{d}-{c}-{s}",
            "dataset": f"data{d}",
            "method": "beta_vae",
            "strength_index": c,
            "strength": float(c),
            "spec": f"beta_vae(beta={c})",
            "seed": s,
            "representation": "mean",
            "metric": f"metric{m}",
            "about": "factors",
            "value": float(value),
        }
        for (d, m, c, s), value in np.ndenumerate(values)
    )


def probabilities(values: np.ndarray) -> dict[tuple[str, str], float]:
    found = transfer_game(table_of(values), resamples=10)
    return {(row["metric"], row["dataset"]): row["probability"] for row in found.iter_rows(named=True)}


def played_by_hand(values: np.ndarray) -> dict[tuple[str, str], float]:
    """The game, one outcome after another: a setting, its run at another seed, and a random model."""
    d, m, c, s = values.shape
    won, played = dict.fromkeys(CATEGORIES, 0.0), dict.fromkeys(CATEGORIES, 0.0)
    places = list(itertools.product(range(d), range(m)))

    def category(source: tuple[int, int], target: tuple[int, int]) -> tuple[str, str]:
        return tuple("same" if a == b else "different" for a, b in zip(source, target, strict=True))[::-1]

    for source, target, chosen in itertools.product(places, places, range(s)):
        kind = category(source, target)
        scores, there = values[target], values[target][np.isfinite(values[target])]
        sources = sum(category(other, target) == kind for other in places)
        top = np.nanmax(values[source][:, chosen])
        tied = [setting for setting in range(c) if values[source][setting, chosen] == top]
        for setting, again in itertools.product(tied, (a for a in range(s) if a != chosen)):
            if np.isfinite(scores[setting, again]):
                won[kind] += (scores[setting, again] >= there).sum() / len(tied) / sources
                played[kind] += len(there) / len(tied) / sources
    return {kind: won[kind] / played[kind] for kind in CATEGORIES}


def test_the_game_equals_playing_it_by_hand_also_with_ties():
    values = np.random.default_rng(0).integers(0, 4, (2, 3, 4, 3)).astype(float)
    found, slow = probabilities(values), played_by_hand(values)
    assert found.keys() == slow.keys()
    for category, value in slow.items():
        assert found[category] == pytest.approx(value, abs=1e-12)


def test_ten_thousand_draws_as_in_the_paper_give_the_same_within_their_error():
    values = np.random.default_rng(1).standard_normal((2, 2, 6, 5)) + np.arange(6)[:, None]
    draw = np.random.default_rng(2)
    won = []
    for _ in range(10_000):
        i, j = draw.integers(2, size=2)
        chosen, again = draw.choice(5, size=2, replace=False)
        setting = values[i, j, :, chosen].argmax()
        won.append(values[i, j, setting, again] >= values[i, j, draw.integers(6), draw.integers(5)])
    assert probabilities(values)["same", "same"] == pytest.approx(np.mean(won), abs=4 * 0.5 / 100)


def test_a_pure_effect_of_the_setting_transfers_always():
    values = np.broadcast_to(np.arange(8.0)[:, None], (2, 2, 8, 5))
    assert set(probabilities(values).values()) == {1.0}


def test_metrics_that_rank_settings_the_other_way_round_transfer_the_worst():
    up = np.broadcast_to(np.arange(8.0)[:, None], (8, 5))
    found = probabilities(np.stack([np.stack([up, -up]), np.stack([up, -up])]))
    assert found["same", "same"] == 1
    assert found["different", "same"] == found["different", "different"] == 1 / 8  # it beats itself alone


def test_a_pure_effect_of_the_seed_leaves_chance():
    values = np.broadcast_to(np.arange(5.0), (2, 2, 8, 5))
    assert list(probabilities(values).values()) == pytest.approx([(5 + 1) / (2 * 5)] * 4)


def test_ties_everywhere_count_as_wins_everywhere():
    assert set(probabilities(np.ones((2, 2, 4, 3))).values()) == {1.0}


def test_without_effects_the_game_is_at_chance_and_its_intervals_hold_it():
    found = transfer_game(simulated_study(DATASETS[:2], 50, method=0, strength=0, strengths=3)[0], resamples=200)
    assert found["chance"].unique().to_list() == [pytest.approx(0.5, abs=0.002)]
    for row in found.iter_rows(named=True):
        assert row["probability"] == pytest.approx(row["chance"], abs=0.03)
        assert row["low"] - 0.01 < row["chance"] < row["high"] + 0.01


def test_one_data_set_and_one_metric_play_the_one_game_that_they_can():
    found = transfer_game(simulated(4, metrics=("mig",))[0], resamples=5)
    assert found.select("metric", "dataset").rows() == [("same", "same")]


def test_a_run_that_failed_is_never_chosen_and_judges_nothing():
    values = np.random.default_rng(4).standard_normal((2, 2, 4, 4))
    values[0, :, 1, 2] = np.nan
    found = played_by_hand(values)
    for category, probability in probabilities(values).items():
        assert probability == pytest.approx(found[category], abs=1e-12)


def test_what_is_not_in_common_is_left_out_of_the_array():
    one, other = simulated(4)[0], simulated(4, "other")[0].filter(pl.col("method") != "beta_vae")
    found = score_array(pl.concat([one, other.filter(pl.col("metric") != "dci")]), ["mig", "dci"])
    assert found.metrics == ("mig",)
    assert len(found.settings) == 15
    with pytest.raises(DistaffError, match="too few scores in common"):
        score_array(simulated(1)[0], ["mig"])


def test_a_seed_drawn_twice_does_not_judge_its_own_choice():
    won = np.random.default_rng(0).random((3, 3, 3))
    found = expected(Outcomes(won, np.ones((3, 3, 3))), np.array([[2.0, 1.0, 0.0], [3.0, 0.0, 0.0]]))
    value = 2 * sum(2 * won[a, b, 0] + won[a, b, 1] for a, b in ((0, 1), (1, 0))) / (4 * 3)
    assert found[0] == pytest.approx(value)
    assert np.isnan(found[1])


def test_a_loss_that_knows_the_quality_selects_and_one_that_does_not_is_at_chance():
    table_of_choices = selection(
        simulated(30, truth=Truth(losses_know=1.0))[0].filter(pl.col("metric") != "modularity"), resamples=100
    )
    nll = table_of_choices.row(by_predicate=pl.col("selector") == "train.nll", named=True)
    assert nll["selected"] > 0.9
    assert nll["regret"] < 0.1
    blind = selection(simulated(30, method=0, strength=0)[0], resamples=100)
    row = blind.row(by_predicate=pl.col("selector") == "train.nll", named=True)
    assert row["probability"] == pytest.approx(0.5, abs=0.06)
    assert row["regret"] == pytest.approx(1, abs=0.12)


def test_udr_counts_as_a_score_without_labels_of_which_more_is_better():
    table = simulated(20, metrics=("mig", "dci"))[0]
    udr = table.filter(pl.col("metric") == "mig").with_columns(pl.lit("udr").alias("metric"))
    found = selection(complete(pl.concat([table, udr]).drop("about")), resamples=50)
    row = found.row(by_predicate=pl.col("selector") == "udr", named=True)
    assert row["selected"] > 0.94
    assert row["low"] > 0.7


def test_the_best_share_a_tie_and_beat_themselves():
    values = np.array([[[[1.0, 3.0], [1.0, 2.0], [0.0, 2.0]]]])
    assert best(values)[0, 0].tolist() == [[0.5, 1.0], [0.5, 0.0], [0.0, 0.0]]
    assert beats(values)[0, 0, 0].tolist() == [[3.0, 0.0], [3.0, 3.0]]


def test_a_choice_is_made_anew_in_each_resample_and_less_its_optimism() -> None:
    draw = np.random.default_rng(3)
    statistics, seeds = draw.normal([[0.5], [0.52], [0.4]], 0.05, (3, 401)), 5
    plain, drawn = statistics[:, 0], statistics[:, 1:]
    gains = []
    for b in range(drawn.shape[1]):
        anew = [plain[k] + np.sqrt(6 / 4) * (drawn[k, b] - drawn[k].mean()) for k in range(3)]
        chosen = int(np.argmax(anew))
        gains.append(anew[chosen] - plain[chosen])
    best = best_anew(statistics, seeds)
    assert best[0] == pytest.approx(plain.max() - np.mean(gains))
    assert best[1:].mean() == pytest.approx(best[0]), "its draws lie around it"
    biased = np.hstack([statistics[:, :1], drawn + np.array([[0.3], [-0.2], [0.1]])])
    np.testing.assert_allclose(best_anew(biased, seeds), best, err_msg="the bias of a resample is not a gain")


def test_a_setting_that_lacks_the_score_of_one_seed_still_plays() -> None:
    fixed = {"dataset": "toy", "method": "beta_vae", "strength_index": 0, "representation": "mean", "metric": "mig"}
    rows = [
        {
            "id": f"{beta}-{seed}",
            "strength": beta,
            "spec": f"beta_vae(beta={beta})",
            "seed": seed,
            "value": 0.1,
            **fixed,
        }
        for beta in (1.0, 2.0, 4.0)
        for seed in range(3)
    ]
    rows[1]["value"], rows[6]["value"], rows[7]["value"], rows[8]["value"] = None, None, None, None
    array = score_array(complete(pl.DataFrame(rows)), ["mig"])
    assert array.values.shape == (1, 1, 2, 3), "and one without any score does not"
    assert np.isnan(array.values[0, 0, 0]).tolist() == [False, True, False]


def test_two_settings_of_two_seeds_are_enough_and_fewer_are_refused() -> None:
    values = np.arange(8.0).reshape(1, 1, 4, 2)
    assert score_array(table_of(values[:, :, :2]), ["metric0"]).values.shape == (1, 1, 2, 2)
    for few in (values[:, :, :1], values[:, :, :, :1]):
        with pytest.raises(DistaffError, match="at least two settings with two seeds"):
            score_array(table_of(few), ["metric0"])
