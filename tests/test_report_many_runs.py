"""A report knows no bound on the number of runs."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from distaff.reports.charts.figure_files import FigureJob, draw_figure
from distaff.reports.charts.theme import specification


def test_a_chart_of_more_rows_than_altair_allows_is_drawn() -> None:
    import altair as alt

    chart = alt.Chart(pl.DataFrame({"x": range(6_000)})).mark_point().encode(x="x:Q")
    (rows,) = specification(chart)["datasets"].values()
    assert len(rows) == 6_000


def test_figures_of_more_than_5_000_runs_of_one_data_set_are_drawn(tmp_path: Path) -> None:
    from distaff.testing.simulated_study import simulated

    table, runs = simulated(seeds=285, metrics=("mig", "dci"))
    assert runs.height > 5_000
    for name in ("metric_pairs", "score_by_method"):
        assert draw_figure(FigureJob(name, "toy"), table, {}, tmp_path, ()).section, name
