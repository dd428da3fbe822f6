"""The facts of a study that every page of a report shows, beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from distaff.analysis.settings import SETTING
from distaff.metrics.evaluate import split_text
from distaff.reports.charts import theme


@dataclass(frozen=True)
class StudyFacts:
    """The facts of a study beside its numbers.

    `made_with` holds versions and devices by name, `grids` how many values the factors of each data set have, `splits`
    the records of the train and test rows of its scores, `notices` what else a reader of its numbers has to know.
    """

    name: str
    purpose: str = ""
    command: str = ""
    planned: int | None = None
    made_with: Mapping[str, str] = field(default_factory=dict)
    grids: Mapping[str, Sequence[int]] = field(default_factory=dict)
    splits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notices: Sequence[str] = ()


def split_sentence(study: StudyFacts, dataset: str) -> str:
    """A sentence on the train and test rows of the scores of a data set; empty where no record is known."""
    record = study.splits.get(dataset)
    return f"Scores of {dataset} are of {split_text(record)}." if record else ""


def compared_datasets(table: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """The scores of each data set that has settings to compare, the one with most runs first."""
    parts = [(str(name), part) for (name,), part in table.group_by("dataset") if count_settings(part) > 1]
    return sorted(parts, key=lambda named: (-named[1]["id"].n_unique(), named[0]))


def count_settings(part: pl.DataFrame) -> int:
    """How many settings have runs."""
    return int(part.select(pl.struct(*SETTING).n_unique()).item()) if part.height else 0


def themes() -> dict[str, Any]:
    """The looks of charts on a light and on a dark screen."""
    return {"light": theme.config(), "dark": theme.config(dark=True)}
