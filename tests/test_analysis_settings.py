"""A study of two networks and two values of a second hyperparameter has four settings of three seeds, everywhere."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from distaff.analysis.claims.evidence import evidence
from distaff.analysis.claims.scorecard import scorecard
from distaff.analysis.intervals import medians, setting_numbers
from distaff.analysis.score_array import score_array
from distaff.analysis.scores import RUN, paper_six, scores, wide
from distaff.analysis.selection import transfer_game
from distaff.analysis.settings import POINT, complete, labelled, labels
from distaff.analysis.transfer import between_datasets, paired_medians
from distaff.analysis.variance import variance_explained
from distaff.errors import DistaffError
from distaff.plugins.registry import FIGURES
from distaff.reports.charts.figure_files import FigureJob, compute_figure
from distaff.reports.pages.site import build
from distaff.reports.pages.study_facts import StudyFacts, count_settings
from distaff.reports.pages.summary import summarise
from distaff.runs import Study, cross
from distaff.scoring.protocol import protocol_of
from distaff.scoring.table import SCORES, read, runs, table
from distaff.seal import sealed
from distaff.store.records import run_record
from distaff.store.store import Store
from distaff.store.studies import save_study

NETWORKS = ("mlp(width=4)", "mlp(width=8)")
METHODS = ("dip_vae_i(lambda_od=1, lambda_d_factor=2)", "dip_vae_i(lambda_od=1)")
METRICS = ("mig", "dci", "modularity", "gaussian_total_correlation")
RUNS = tuple(
    one for network in NETWORKS for one in cross(["toy", "toy_color"], METHODS, range(3), network=network, updates=10)
)
STUDY = Study("four", RUNS, METRICS)
VARIANTS = {f"lambda_d_factor={value}, {network}" for value in (2, 10) for network in NETWORKS}


def filled(folder: Path, study: Study = STUDY) -> Store:
    """A store of scored runs, written by hand: their scores are of the setting, and a little of the seed."""
    draw = np.random.default_rng(0)
    quality = {one.setting.configuration: place / 10 for place, one in enumerate(RUNS[::3])}
    for one in study.runs:
        place = folder / "runs" / one.id
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps({"format": 1, **run_record(one)}))
        (place / "provenance.json").write_text(json.dumps({"seconds": 1.5}))
        steps = [1.0, 2.0]
        pl.DataFrame({"step": steps, "objective": steps, "kl.0": steps, "term.nll": steps}).write_parquet(
            place / "curve.parquet"
        )
        rows = [
            {
                "representation": kind,
                "metric": name,
                "value": quality[one.setting.configuration] + draw.uniform(0, 0.01),
            }
            for kind in ("mean", "sampled")
            for name in METRICS
        ]
        kept = {"format": 2, "run": one.id, "asked": protocol_of(study).record(), "scores": rows}
        (place / protocol_of(study).file).write_bytes(sealed(kept))
    return Store(folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return filled(tmp_path_factory.mktemp("four"))


@pytest.fixture(scope="module")
def both(store) -> pl.DataFrame:
    return table(STUDY, store)


@pytest.fixture(scope="module")
def toy(both) -> pl.DataFrame:
    return both.filter(pl.col("dataset") == "toy")


def test_a_table_says_of_each_run_which_setting_it_is_of(both):
    assert both.schema == SCORES
    by_id = {run.id: run for run in RUNS}
    for row in both.unique("id").iter_rows(named=True):
        setting = by_id[row["id"]].setting
        assert (row["setting"], row["configuration"], row["optim"]) == (setting.id, setting.configuration, "lr=0.0001")
        assert (row["network"], row["updates"], row["batch"], row["precision"]) == (
            str(setting.network),
            10,
            64,
            "fp32",
        )
    assert both.group_by("dataset").agg(pl.col("setting").n_unique())["setting"].to_list() == [4, 4]
    assert both.unique("id")["strength_index"].to_list() == [0] * 24  # which is why no statistic may group by it


def test_statistics_count_four_settings_of_three_seeds(toy):
    played = score_array(toy, ["mig", "dci"])
    assert played.values.shape == (1, 2, 4, 3)
    assert np.isfinite(played.values).all()
    study = evidence(toy, resamples=2)
    assert (study.seeds, study.runs) == (3, 12)
    assert len(np.unique(setting_numbers(wide(toy, ["mig"])))) == 4
    assert medians(scores(toy, "mig"), POINT)["n"].to_list() == [3] * 4
    levels = variance_explained(toy, resamples=2).filter(pl.col("metric") == "mig").select("predictor", "levels")
    assert dict(levels.iter_rows()) == {"method": 1, "setting": 4}
    assert transfer_game(toy, resamples=2).select("settings", "seeds").row(0) == (4, 3)


def test_what_is_not_the_seed_is_of_the_setting(toy):
    """All but a hundredth of the scores is planted in the four settings: the seed explains next to nothing."""
    found = variance_explained(toy, resamples=2).filter(pl.col("metric") == "mig", pl.col("predictor") == "setting")
    assert found["r2"].item() > 0.99


def test_settings_of_two_data_sets_are_matched_by_configuration(both):
    assert score_array(both, ["mig"]).values.shape == (2, 1, 4, 3)
    assert between_datasets(both, ["mig"], resamples=2)["n"].unique().to_list() == [4]
    pairs = paired_medians(both, "mig")
    assert pairs.height == 4
    assert pairs["n"].to_list() == [3] * 4
    assert (pairs["median"] - pairs["median on other"]).abs().max() < 0.02  # and not of another setting


def test_labels_say_what_tells_settings_apart_and_nothing_else(toy):
    found = labels(toy)
    assert set(found["variant"]) == VARIANTS
    assert found["label"].n_unique() == 4
    plain = labels(toy.filter(pl.col("network") == NETWORKS[0], pl.col("spec") == METHODS[1]))
    assert plain.select("label", "variant").rows() == [("dip_vae_i(lambda_od=1)", "")]


def test_a_label_gives_the_default_of_the_parameter_that_the_other_setting_changes() -> None:
    fixed = {"dataset": "toy", "method": "annealed_vae", "strength": 5.0, "strength_index": 0, "seed": 0}
    rows = [
        {"id": spec, "spec": spec, "representation": "mean", "metric": "mig", "value": 0.1, **fixed}
        for spec in ("annealed_vae(c_max=5)", "annealed_vae(c_max=5, gamma=10)")
    ]
    assert set(labels(complete(pl.DataFrame(rows)))["variant"]) == {"gamma=1000", "gamma=10"}


@pytest.mark.parametrize("name", ["strength_curves", "score_by_strength", "mig_overview", "total_correlation"])
def test_figures_show_each_setting_by_itself_and_name_it(toy, name):
    found = compute_figure(FigureJob(name, "toy"), toy, {})
    assert found.frame["n"].to_list() == [3] * found.frame.height
    assert set(found.frame["variant"]) == VARIANTS
    spec = json.dumps([chart.to_dict() for chart in found.charts.values()])
    for variant in VARIANTS:
        assert variant in spec


@pytest.mark.parametrize("name", ["strength_curves", "total_correlation"])
def test_a_chart_over_strength_draws_a_line_a_setting_with_a_legend(toy, name):
    chart = next(iter(compute_figure(FigureJob(name, "toy"), toy, {}).charts.values())).to_dict()
    dashed = [layer["encoding"]["strokeDash"] for layer in chart["layer"] if "strokeDash" in layer["encoding"]]
    assert dashed
    assert {one["field"] for one in dashed} == {"variant"}
    assert set(dashed[0]["scale"]["domain"]) == VARIANTS
    assert dashed[0]["legend"] is not None


def test_the_pages_count_and_name_four_settings(both, store, tmp_path):
    planned = runs(STUDY, store)
    assert count_settings(planned) == 8
    assert "in 8 settings of 3 seeds each" in summarise(both, planned, scorecard(both, resamples=2)).ran
    toy, of_toy = both.filter(pl.col("dataset") == "toy"), planned.filter(pl.col("dataset") == "toy")
    build(StudyFacts("four"), toy, of_toy, tmp_path, formats=())
    method = (tmp_path / "method-dip_vae_i.html").read_text()
    listed = (tmp_path / "runs.js").read_text()
    for label in labels(toy)["label"]:
        assert f">{label}</a></td><td>toy</td><td class='num'>3</td>" in method
        assert listed.count(json.dumps(label)) == 3
    for name in FIGURES.names():  # no frame pools what the settings tell apart
        path = tmp_path / "figures" / f"{name}-toy.parquet"
        if path.exists() and {"n", "setting"} <= set((frame := pl.read_parquet(path)).columns):
            assert frame["n"].to_list() == [3] * frame.height, name


@pytest.mark.parametrize(
    "measure", [lambda t: score_array(t, ["mig"]), lambda t: scores(t, "mig"), lambda t: wide(t, ["mig"])]
)
def test_two_runs_of_one_setting_and_one_seed_raise(toy, measure):
    first = toy["id"][0]
    again = toy.filter(pl.col("id") == first).with_columns(id=pl.lit("f" * 16))
    with pytest.raises(DistaffError, match=rf"runs ({first} and f+|f+ and {first}) are of one setting and one seed"):
        measure(pl.concat([toy, again]))


def test_a_table_of_an_earlier_version_is_completed_from_what_it_has(toy, tmp_path):
    plain = toy.filter(pl.col("network") == NETWORKS[0]).select(
        "id", "dataset", "method", "strength", "strength_index", "spec", "seed", "representation", "metric", "value"
    )
    plain.write_csv(tmp_path / "scores.csv")
    found = read(tmp_path / "scores.csv")
    assert found.schema == SCORES
    assert found["setting"].n_unique() == 2  # only `spec` tells them apart here
    assert found["network"].null_count() == found.height
    assert set(found.select("metric", "about").unique().rows()) >= {("mig", "factors"), ("train.curve_nll", "training")}
    assert paper_six(found) == ["mig", "dci", "modularity"]
    pooled = toy.drop(name for name in ("setting", "configuration", "network", "about"))
    with pytest.raises(DistaffError, match="of one setting and one seed"):
        scores(pooled, "mig")
    known = complete(pooled.with_columns(toy["network"]))
    assert known["setting"].n_unique() == 4


def test_the_rank_of_a_strength_does_not_change_when_a_store_is_partial(tmp_path):
    many = Study("more", cross(["toy"], [f"dip_vae_i(lambda_od={value})" for value in (0.5, 1, 4)], range(2)), METRICS)
    here = replace(many, runs=tuple(run for run in many.runs if run.strength[1] != 0.5))
    for one in here.runs:
        place = tmp_path / "runs" / one.id
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps({"format": 1, **run_record(one)}))
        (place / "provenance.json").write_text(json.dumps({"seconds": 1.5}))
        pl.DataFrame({"step": [1.0], "objective": [1.0], "kl.0": [1.0], "term.nll": [1.0]}).write_parquet(
            place / "curve.parquet"
        )
    assert set(read(tmp_path)["strength_index"]) == {0, 1}  # of a store that nobody planned
    save_study(tmp_path, many)
    assert set(read(tmp_path)["strength_index"]) == {1, 2}


def test_labels_go_with_any_frame_of_settings(toy):
    frame = labelled(wide(toy, ["mig", "dci"]), toy)
    assert frame.height == 12
    assert frame["label"].null_count() == 0
    assert set(RUN) <= set(frame.columns)
