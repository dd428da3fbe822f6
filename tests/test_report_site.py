"""The page holds what it promises, escapes what it is given, and says what is missing."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from distaff.errors import DistaffError
from distaff.registry import FIGURES
from distaff.report import metric_agreement, mig_overview, total_correlation
from distaff.report.site import StudyFacts, build
from distaff.report.theme import config, looks
from simulated_study import Truth, simulated, simulated_study, untrained


def page(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_every_figure_lands_as_numbers_and_as_charts_and_nothing_comes_from_a_network(tmp_path):
    table, runs = simulated_study(("toy", "other"), 3, strengths=3, truth=Truth(tasks=True, views=True))
    html = page(build(StudyFacts("quick"), table, runs, {}, tmp_path, untrained()))
    for name in FIGURES.names():
        slug = f"{name}-study" if FIGURES.plugin(name).marks.get("study") else f"{name}-toy"
        assert f'id="{slug}"' in html
        assert (tmp_path / "figures" / f"{slug}.csv").is_file()
        assert list((tmp_path / "figures").glob(f"{slug}*.svg"))
        assert {"title", "question", "reading", "interval", "order"} <= FIGURES.plugin(name).marks.keys()
    assert "Not drawn" not in html
    assert not re.search(r'(src|href)="https?:', html)
    for link in re.findall(r'(?:href|src)="([^"#:,]+)"', html):
        assert (tmp_path / link).is_file(), link


def test_what_the_study_is_called_cannot_break_the_page(tmp_path):
    table, runs = simulated(2)
    bad = runs.with_columns(pl.lit("</script><b>").alias("reason"))
    html = page(build(StudyFacts("<script>x</script>", "a & b"), table, bad, {}, tmp_path))
    assert "<script>x" not in html
    assert "a &amp; b" in html
    assert "</script><b>" not in html
    data = re.search(r"const REPORT = (.*);</script>", html)
    assert data is not None
    assert json.loads(data[1])["runs"]["rows"]


def test_a_partial_study_says_what_is_missing(tmp_path):
    table, runs = simulated(1)
    runs = runs.with_columns(
        pl.when(pl.col("method") == "beta_vae").then(pl.lit("failed")).otherwise("status").alias("status")
    )
    table = table.filter((pl.col("method") != "beta_vae") & ~pl.col("metric").str.contains("total_correlation"))
    html = page(build(StudyFacts("part", planned=90), table, runs, {}, tmp_path))
    assert "72 runs of 90 are not done yet" in html
    assert "3 runs failed" in html
    assert "Not drawn: no run has gaussian_total_correlation" in html
    assert "One seed a setting" in html


def test_a_study_without_scores_still_gives_a_page_and_without_runs_an_error(tmp_path):
    table, runs = simulated(1)
    html = page(
        build(StudyFacts("new"), table.clear(), runs.with_columns(pl.lit("missing").alias("status")), {}, tmp_path)
    )
    assert "nothing to draw" in html
    with pytest.raises(DistaffError, match="no run"):
        build(StudyFacts("none"), table, runs.clear(), {}, tmp_path)


def test_a_data_set_with_one_run_is_named_and_not_drawn(tmp_path):
    table, runs = simulated(2)
    other, more = simulated(1, "dsprites")
    one = more["id"][0]
    both = pl.concat([table, other.filter(pl.col("id") == one)]), pl.concat([runs, more.filter(pl.col("id") == one)])
    html = page(build(StudyFacts("two"), *both, {}, tmp_path))
    assert "dsprites has 1 scored run of one setting" in html
    assert 'id="mig_overview-dsprites"' not in html


def test_the_overview_tells_which_medians_lie_above_the_best_untrained_model():
    floor = untrained()
    frame = mig_overview(simulated()[0], untrained=floor).frame
    assert frame["floor"].unique().to_list() == [floor["value"].max()]
    assert frame["above_floor"].to_list() == (frame["median"] > floor["value"].max()).to_list()
    assert mig_overview(simulated()[0]).frame["above_floor"].is_null().all()


def test_total_correlation_shows_the_planted_directions():
    frame = total_correlation(simulated()[0]).frame.filter(pl.col("method") == "beta_vae").sort("strength_index")
    assert frame.filter(pl.col("representation") == "mean")["median"].is_sorted()
    assert frame.filter(pl.col("representation") == "sampled")["median"].is_sorted(descending=True)


def test_agreement_needs_two_metrics():
    with pytest.raises(DistaffError, match="two"):
        metric_agreement(simulated(2, metrics=("mig",))[0])


def test_every_method_has_its_own_look_and_both_themes_the_same_fields():
    found = looks(["beta_vae", "annealed_vae", "factor_vae", "mine", "yours"])
    assert len(set(found.values())) == 5
    assert config().keys() == config(dark=True).keys()
