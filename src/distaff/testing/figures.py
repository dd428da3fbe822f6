"""What holds of every figure: a frame and charts of a small table, the same whatever the order of its rows."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from distaff.errors import DistaffError
from distaff.plugins.file import Plugin
from distaff.plugins.registry import FIGURES
from distaff.plugins.spec import Spec
from distaff.reports import Figure
from distaff.testing.check import Property, expect, property_of
from distaff.testing.simulated_study import Truth, matrices, repeats, simulated_study, untrained

FIGURE_PROPERTIES: list[Property[FigureUnderCheck]] = []
TEXTS = ("title", "question", "reading", "interval")
BESIDE: Mapping[str, Callable[[], pl.DataFrame]] = {"untrained": untrained, "repeats": repeats, "matrices": matrices}


@functools.cache
def small_table() -> pl.DataFrame:
    """The scores of 2 data sets, 6 methods, 3 strengths and 3 seeds, with tasks and unified scores."""
    return simulated_study(("toy", "other"), 3, strengths=3, truth=Truth(tasks=True, views=True))[0]


@dataclass(frozen=True, eq=False)
class FigureUnderCheck:
    """The figure of a specification, with what its decorator declares."""

    spec: Spec
    plugin: Plugin
    function: Callable[..., Figure]

    @property
    def table(self) -> pl.DataFrame:
        """What a report gives it: the table of one data set, or of all with `study=True`."""
        whole = small_table()
        return whole if self.plugin.marks.get("study") else whole.filter(pl.col("dataset") == "toy")

    def figure(self, table: pl.DataFrame, **beside: pl.DataFrame) -> Figure:
        """The figure of a table, and of those beside it that its decorator requests."""
        values = dict(self.spec.values)
        for name in (name for name in BESIDE if self.plugin.marks.get(name)):
            values[name] = beside.get(name, BESIDE[name]())  # type: ignore[assignment]
        return self.function(table, **values)

    @functools.cached_property
    def drawn(self) -> Figure:
        """The figure of the small table."""
        figure = self.figure(self.table)
        expect(isinstance(figure, Figure), f"it returns {type(figure).__name__}; return Figure(frame, charts, n)")
        return figure


def figure_under_check(spec: Spec) -> FigureUnderCheck:
    """The figure of `spec`; its file is imported."""
    return FigureUnderCheck(spec, FIGURES.plugin(spec.name), FIGURES.unguarded(spec.name))


def _without_beside(figure: FigureUnderCheck) -> str:
    return "" if any(figure.plugin.marks.get(name) for name in BESIDE) else "it requests no other table"


@property_of(FIGURE_PROPERTIES)
def it_has_its_texts_and_its_place_on_the_page(figure: FigureUnderCheck) -> None:
    """Title, question, reading and interval, and a whole number `order`."""
    marks = figure.plugin.marks
    for name in TEXTS:
        given = isinstance(marks.get(name), str) and marks[name].strip()
        expect(given, f"@figure(...) has no {name}= as a literal text")
    expect(isinstance(marks.get("order"), int), f"order={marks.get('order')!r}: its place on the page, a whole number")
    expect(figure.plugin.summary, "it has no docstring: which figure of which paper it is")


@property_of(FIGURE_PROPERTIES)
def it_gives_a_frame_and_charts_by_caption_of_a_small_table(figure: FigureUnderCheck) -> None:
    """The frame holds what the charts show, so that a test can assert on it."""
    frame, charts, n = figure.drawn.frame, figure.drawn.charts, figure.drawn.n
    kind = type(frame).__name__
    expect(isinstance(frame, pl.DataFrame), f"the frame is {kind}; make it a polars.DataFrame")
    expect(frame.height > 0, "the frame has no rows, for a table of 2 data sets, 6 methods, 3 strengths and 3 seeds")
    expect(isinstance(n, str) and n.strip(), f"n={n!r}: how many runs stand behind it, in words")
    expect(charts, "there are no charts")
    for caption, chart in charts.items():
        expect(isinstance(caption, str), f"the caption {caption!r} is {type(caption).__name__}, not text")
        expect(hasattr(chart, "to_dict"), f"chart {caption!r} is {type(chart).__name__}, not a chart of Altair")
        json.dumps(_specification(chart), allow_nan=False)  # a page holds it


@property_of(FIGURE_PROPERTIES)
def its_frame_can_be_written_as_csv_and_parquet(figure: FigureUnderCheck) -> None:
    """A report writes both beside the charts: no nested columns."""
    import io

    figure.drawn.frame.write_csv(io.BytesIO())
    figure.drawn.frame.write_parquet(io.BytesIO())


@property_of(FIGURE_PROPERTIES)
def it_repeats_itself_and_leaves_the_table_alone(figure: FigureUnderCheck) -> None:
    """Resampling draws from a seed."""
    kept = figure.table.clone()
    again = figure.figure(figure.table)
    expect(
        again.frame.equals(figure.drawn.frame), "the frame of the same table differs, a second time: draw from a seed"
    )
    expect(figure.table.equals(kept), "it writes into the table")


@property_of(FIGURE_PROPERTIES)
def the_order_of_the_tables_rows_is_of_no_matter(figure: FigureUnderCheck) -> None:
    """But for the order of the frame's own rows."""
    shuffled = figure.figure(figure.table.sample(fraction=1, shuffle=True, seed=0)).frame
    expected = figure.drawn.frame
    columns = expected.columns  # which may follow the table's own order
    expect(set(shuffled.columns) == set(columns), "a shuffled table gives other columns")
    expect(shuffled.height == expected.height, "a shuffled table gives another number of rows")
    digits = pl.selectors.float().round(9)
    parts = [part.select(columns).with_columns(digits).sort(columns, nulls_last=True) for part in (shuffled, expected)]
    expect(parts[0].equals(parts[1]), "a shuffled table gives other numbers: sort before what depends on order")


@property_of(FIGURE_PROPERTIES)
def an_empty_table_is_refused_in_words_or_drawn(figure: FigureUnderCheck) -> None:
    """`DistaffError` says what is missing; a page then shows that instead of the figure."""
    for what, table in (("an empty table", figure.table.clear()), ("a table of one score", figure.table.head(1))):
        try:
            found = figure.figure(table)
        except DistaffError as error:
            expect(str(error).strip(), f"{what} is refused without words")
            continue
        except Exception as error:  # noqa: BLE001  # it is what is reported
            expect(False, f"{what} ends in {type(error).__name__}: {error}; raise DistaffError with what is missing")
        expect(isinstance(found, Figure), f"{what} gives {type(found).__name__}")


@property_of(FIGURE_PROPERTIES, unless=_without_beside)
def a_table_beside_it_that_is_not_there_is_refused_in_words_or_left_out(figure: FigureUnderCheck) -> None:
    """Untrained models, repeats and matrices are not of every study: it is given None."""
    nothing: dict[str, Any] = dict.fromkeys(BESIDE)
    try:
        found = figure.figure(figure.table, **nothing)
    except DistaffError as error:
        expect(str(error).strip(), "it is refused without words")
        return
    expect(isinstance(found, Figure), f"it gives {type(found).__name__}")


def _specification(chart: Any) -> dict[str, Any]:
    specification: dict[str, Any] = chart.to_dict(validate=False)
    return specification
