"""The one door from the store to the table: names, strengths, and what is not a store."""

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from distaff.errors import DistaffError
from distaff.runs import Study, cross, run, sweep
from distaff.scoring.metric_names import metric_naming
from distaff.scoring.protocol import protocol_of
from distaff.scoring.table import SCORES, read, runs, table
from distaff.seal import sealed
from distaff.store.records import run_record
from distaff.store.store import Store
from distaff.testing.simulated_study import simulated

SMALL = {"network": "mlp(latents=2, width=4)", "updates": 10}
ASKED = ("mig", "downstream(labels=10)", "downstream")
STUDY = Study("small", cross(["toy"], sweep("beta_vae", "beta", [1, 4]), range(2), **SMALL), ASKED)


def filled(folder: Path, study: Study = STUDY) -> Store:
    """A store in the format that the design describes, written by hand, without weights."""
    for number, one in enumerate(study.runs):
        place = folder / "runs" / one.id
        place.mkdir(parents=True)
        (place / "run.json").write_text(json.dumps({"format": 1, **run_record(one)}))
        (place / "provenance.json").write_text(json.dumps({"seconds": 1.5}))
        steps = [1.0, 2.0, 3.0]
        curve = {"step": steps, "objective": steps, "kl.0": [1.0, 1.0, 2.0], "kl.1": [0.0, 0.0, 1.0], "term.nll": steps}
        pl.DataFrame(curve).write_parquet(place / "curve.parquet")
        rows = [
            {"representation": "mean", "metric": "mig", "value": 0.1 * number},
            {"representation": "sampled", "metric": "mig", "value": None, "reason": "no reason"},
            {"representation": "mean", "metric": "downstream", "value": 0.5, "spec": "downstream(labels=10)"},
            {"representation": "mean", "metric": "downstream.min_test", "value": 0.2, "spec": "downstream(labels=10)"},
            {"representation": "mean", "metric": "downstream", "value": 0.7},
        ]
        content = {"format": 2, "run": one.id, "asked": protocol_of(study).record(), "scores": rows}
        (place / protocol_of(study).file).write_bytes(sealed(content))
    return Store(folder)


def test_a_store_alone_gives_the_same_table_as_its_study(tmp_path):
    store = filled(tmp_path)
    alone, planned = read(tmp_path), table(STUDY, store)
    assert alone.sort(alone.columns).equals(planned.sort(planned.columns))
    assert alone.schema == SCORES
    assert alone.select("strength", "strength_index").unique().sort("strength").rows() == [(1.0, 0), (4.0, 1)]
    assert alone.filter(pl.col("metric") == "train.curve_kl")["value"].to_list() == [3.0] * 4
    assert alone.filter((pl.col("metric") == "mig") & (pl.col("representation") == "sampled"))["value"].is_null().all()


def test_a_metric_of_two_specifications_is_named_with_its_options(tmp_path):
    filled(tmp_path)
    names = set(read(tmp_path)["metric"])
    assert {"downstream", "downstream(labels=10)", "downstream(labels=10).min_test"} <= names


def test_a_metric_that_was_evaluated_again_on_more_rows_counts_once(tmp_path):
    store = filled(tmp_path)
    for one in STUDY.runs:
        rows = [{"representation": "mean", "metric": "mig", "value": 0.9}]
        more = replace(protocol_of(STUDY), rows=20_000).record()
        content = {"format": 2, "run": one.id, "asked": more, "scores": rows}
        (store.run_folder(one.id) / "scores-ffffffffffffffff.json").write_bytes(sealed(content))
    for found in (read(tmp_path), table(replace(STUDY, metrics=()), store), table(STUDY, store)):
        mean = found.filter((pl.col("metric") == "mig") & (pl.col("representation") == "mean"))
        assert mean["id"].is_duplicated().sum() == 0
    assert mean["value"].max() < 0.5  # the study's sampling


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("factor_vae_score(train=2000)", "factor_vae_score"),
        ("gaussian_total_correlation(dims='active')", "gaussian_total_correlation(dims='active')"),
    ],
)
def test_a_metric_of_one_specification_keeps_its_plain_name_unless_it_is_about_other_latents(spec, name):
    metric = spec.split("(")[0]
    assert metric_naming([(metric, spec)])(metric, spec) == name


def test_strengths_are_ranked_among_all_that_are_planned(tmp_path):
    store = filled(tmp_path)
    more = Study("more", (run("toy", "beta_vae(beta=0.5)", **SMALL), *STUDY.runs), ASKED)
    assert set(table(more, store)["strength_index"]) == {1, 2}
    assert runs(more, store)["status"].to_list() == ["missing", *["done"] * 4]


def test_a_table_that_was_written_is_read_back(tmp_path):
    scores = simulated(2)[0]
    scores.write_csv(tmp_path / "scores.csv")
    scores.write_parquet(tmp_path / "scores.parquet")
    for name in ("scores.csv", "scores.parquet"):
        assert read(tmp_path / name).sort("id", "metric")["value"].to_list() == pytest.approx(
            scores.sort("id", "metric")["value"].to_list()
        )


def test_what_is_no_store_is_named(tmp_path):
    with pytest.raises(DistaffError, match="neither a store"):
        read(tmp_path)
    pl.DataFrame({"id": ["a"]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DistaffError, match="lacks dataset"):
        read(tmp_path / "t.parquet")
