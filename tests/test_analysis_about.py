"""What a score is about stands at its decorator: a plug-in changes no verdict on what the papers said."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from distaff.analysis.agreement import agreement
from distaff.analysis.claims.scorecard import scorecard
from distaff.analysis.marks import ABOUT, head, marks
from distaff.analysis.scores import (
    PAPER_ORDER,
    TRAINING,
    paper_six,
    paper_unsupervised,
    sign,
    supervised,
    unsupervised,
)
from distaff.analysis.selection import selection, transfer_game
from distaff.analysis.settings import complete
from distaff.analysis.variance import variance_explained
from distaff.errors import DistaffError
from distaff.plugins.places import EXTRA_PLUGINS
from distaff.plugins.registry import METRICS, TASKS
from distaff.reports.charts.theme import label, metric_label
from distaff.scoring.table import read
from distaff.testing.simulated_study import Truth, simulated

LABEL_FREE = '''
"""The spread of codes."""
from distaff.metrics import Score, metric

@metric(paper="https://example.org", label="Spread", rows=100, range=(0, 1), higher_is_better=False, study_2019=1)
def spread_of_codes(codes):
    """The spread."""
    return Score(float(codes.std()))
'''
ALSO_FREE = LABEL_FREE.replace("spread_of_codes(codes)", "spread_again(codes, factors=None)")
TASK = '''
"""A task of one's own."""
from distaff.tasks import Score, task

@task(paper="https://example.org", label="My task", rows=100, range=(0, 1))
def my_task(codes, factors):
    """The task."""
    return Score(0.5)
'''
OF_FACTORS = '''
"""A disentanglement score of one's own."""
from distaff.metrics import Score, metric

@metric(paper="https://example.org", label="Mine", rows=100, range=(0, 1), study_2019=1)
def my_score(codes, factors):
    """The score."""
    return Score(0.5)
'''
FILES = {
    "metrics/spread_of_codes.py": LABEL_FREE,
    "metrics/spread_again.py": ALSO_FREE,
    "metrics/my_score.py": OF_FACTORS,
    "tasks/my_task.py": TASK,
}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.setenv(EXTRA_PLUGINS, str(tmp_path))
    return tmp_path


TABLE = simulated(4, truth=Truth(tasks=True))[0]


def added(*names: str) -> pl.DataFrame:
    """The table with further metrics, which rank runs as MIG does, the other way round: they would change much."""
    mig = TABLE.filter((pl.col("metric") == "mig") & (pl.col("representation") == "mean"))
    more = [mig.with_columns(metric=pl.lit(name), value=1 - pl.col("value")) for name in names]
    return complete(pl.concat([TABLE, *more]).drop("about"))


def test_a_plug_in_task_or_label_free_metric_changes_no_verdict(plugins):
    table = added("spread_of_codes", "spread_again", "my_task")
    assert supervised(table) == supervised(TABLE)
    assert_frame_equal(scorecard(table, resamples=20), scorecard(TABLE, resamples=20))
    assert_frame_equal(transfer_game(table, resamples=2), transfer_game(TABLE, resamples=2))
    assert_frame_equal(variance_explained(table, resamples=2), variance_explained(TABLE, resamples=2))
    names = supervised(table)
    assert_frame_equal(agreement(table, names, resamples=2), agreement(TABLE, names, resamples=2))


def test_a_label_free_plug_in_is_among_the_scores_that_choose_without_labels(plugins):
    table = added("spread_of_codes")
    assert set(unsupervised(table)) - set(unsupervised(TABLE)) == {"spread_of_codes"}
    assert "spread_of_codes" in selection(table, resamples=2)["selector"].to_list()
    assert paper_unsupervised(table) == paper_unsupervised(TABLE)  # but not among those that the paper speaks of


def test_what_a_plug_in_is_about_follows_from_its_arguments(plugins):
    assert marks("spread_of_codes").about == "codes"
    assert marks("spread_again").about == "codes"
    assert marks("my_score").about == "factors"
    assert marks("my_task(labels=10).train").about == "task"
    assert paper_six(added("my_score")) == paper_six(TABLE)  # whatever it declares
    assert "my_score" in supervised(added("my_score"))
    assert (sign("spread_of_codes"), sign("my_task")) == (-1, 1)
    assert (metric_label("spread_of_codes"), metric_label("my_task")) == ("Spread", "My task")


def test_a_table_of_plug_ins_that_are_not_here_is_read_by_what_it_says(plugins, tmp_path, monkeypatch):
    added("spread_of_codes", "my_task", "my_score").write_csv(tmp_path / "scores.csv")
    monkeypatch.delenv(EXTRA_PLUGINS)
    found = read(tmp_path / "scores.csv")
    assert "my_score" in supervised(found)
    assert "spread_of_codes" in unsupervised(found)
    assert "my_task" not in (*supervised(found), *unsupervised(found))
    found.drop("about").write_csv(tmp_path / "older.csv")
    older = read(tmp_path / "older.csv")  # and one that does not say takes part in nothing
    assert older.filter(pl.col("metric") == "my_score")["about"].null_count() == older["id"].n_unique()
    assert supervised(older) == supervised(TABLE)
    losses = [name.replace("train.", "train.curve_") for name in TRAINING]
    assert [name for name in unsupervised(TABLE) if name not in TRAINING] == unsupervised(older)
    assert set(losses[:2]) <= set(older["metric"])  # which were means over the end of a curve


def test_a_mark_that_there_is_not_is_refused(plugins):
    path = plugins / "metrics" / "my_score.py"
    path.write_text(OF_FACTORS.replace("rows=100", 'about="factor", rows=100'))
    with pytest.raises(DistaffError, match=r"about= of my_score 'factor'. Did you mean 'factors'"):
        marks("my_score")


def test_the_six_metrics_of_the_paper_stand_in_its_order():
    assert PAPER_ORDER == ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap")
    assert paper_six(TABLE) == list(PAPER_ORDER)
    several = TABLE.with_columns(metric=pl.col("metric").replace({"mig": "mig(bins=10)", "sap": "mig(bins=30)"}))
    assert paper_six(several) == ["beta_vae_score", "factor_vae_score", "mig(bins=10)", "dci", "modularity"]


def test_less_is_better_of_losses_and_dependence_and_more_of_elbo():
    lower = [name for name in unsupervised(TABLE) if sign(name) < 0]
    assert set(lower) == {*TRAINING[:2], *(n for n in unsupervised(TABLE) if head(n) == "gaussian_total_correlation")}
    assert sign("train.elbo") == sign("udr") == sign("downstream") == 1
    assert sign("fairness") == -1  # a task, of which less is better


@pytest.mark.parametrize("name", [*METRICS.packaged(), *TASKS.packaged()])
def test_every_score_declares_what_it_is_about_and_its_name(name):
    declared = (METRICS if name in METRICS.packaged() else TASKS).plugin(name).marks
    assert declared["label"]
    assert marks(name).about in ABOUT
    assert ("about" in declared) == (name in METRICS.packaged())


def test_methods_are_called_as_their_decorators_say():
    assert [label(name) for name in ("ada_gvae", "beta_vae", "mine_own")] == ["Ada-GVAE", "β-VAE", "mine own"]
