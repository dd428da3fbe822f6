"""Whatever goes wrong inside a plug-in is one line: which plug-in, where, what happened, and what it must be."""

from __future__ import annotations

import pickle

from distaff.errors import DistaffError, PluginError


def test_a_plugin_error_is_one_line_of_what_where_and_what_would_be_right() -> None:
    error = PluginError(
        "metric", "mine", "mine.py:3", "ZeroDivisionError: one\n  over zero.", "a metric returns a Score"
    )
    assert isinstance(error, DistaffError)
    assert str(error) == "metric mine (mine.py:3): ZeroDivisionError: one over zero; a metric returns a Score"


def test_a_plugin_error_crosses_processes_whole() -> None:
    error = PluginError("metric", "mine", "mine.py:3", "ValueError: no", "a metric returns a Score")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert (str(again), vars(again)) == (str(error), vars(error))
