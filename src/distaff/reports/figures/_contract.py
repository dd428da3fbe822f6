"""What a figure gives: a frame, charts by caption, and how many runs stand behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from distaff.plugins.boundary import Origin, Violation
from distaff.plugins.file import Plugin
from distaff.reports import Figure


def received(origin: Origin, figure: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The figure of one table."""
    del origin, arguments, keywords
    if not isinstance(figure, Figure):
        raise Violation(f"it returned a {type(figure).__name__}, not a Figure(frame, charts, n)")
    if not isinstance(figure.frame, pl.DataFrame):
        raise Violation(f"its frame is a {type(figure.frame).__name__}, not a polars DataFrame")
    if not isinstance(figure.charts, Mapping) or not figure.charts:
        raise Violation(f"its charts are {type(figure.charts).__name__} {figure.charts!r:.40}, not charts by caption")
    for caption, chart in figure.charts.items():
        if not isinstance(caption, str) or not hasattr(chart, "to_dict"):
            raise Violation(f"its chart {caption!r} is a {type(chart).__name__}, not a chart of Altair by its caption")
    if not isinstance(figure.n, str):
        raise Violation(f"its n is {figure.n!r}, not a text such as '450 runs'")
    return figure


def trial(function: Callable[..., Any], plugin: Plugin) -> None:
    """None: a figure is a function of the table of a study, and which columns it needs only that table shows."""
    del function, plugin
