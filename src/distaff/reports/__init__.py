"""The report of a study, as pages that open from disk: figures are plug-ins, one file each.

A file of `figures/` holds one function of its name under `@figure(...)`: it takes the table of scores and returns
the tidy frame behind the figure with the charts drawn from it, so that a test can assert on the frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from distaff.plugins.ranges import Ranges
from distaff.plugins.registry import FIGURES

if TYPE_CHECKING:
    import altair as alt
    import polars as pl


@dataclass(frozen=True)
class Figure:
    """The numbers of a figure, its charts by caption, and how many runs stand behind it, in words."""

    frame: pl.DataFrame
    charts: Mapping[str, alt.Chart | alt.LayerChart] = field(repr=False)
    n: str

    @property
    def chart(self) -> alt.TopLevelMixin:
        """All charts side by side as one Altair chart, for a notebook or a paper; it can be saved as it is."""
        import altair as alt

        fixed = [one.properties(width=WIDTH) for one in self.charts.values()]
        if len(fixed) == 1:
            return fixed[0]
        titled = [one.properties(title=name) for name, one in zip(self.charts, fixed, strict=True)]
        return alt.hconcat(*titled) if len(titled) < 4 else alt.concat(*titled, columns=3)

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        """The representation in a notebook."""
        return self.chart._repr_mimebundle_(*args, **kwargs)


WIDTH = 300  # pixels of a chart in a notebook


Plotter = TypeVar("Plotter", bound=Callable[..., Figure])


def figure(
    *,
    title: str,
    question: str,
    reading: str,
    interval: str,
    order: int,
    paper: str = "",
    legend: bool = True,
    untrained: bool = False,
    repeats: bool = False,
    matrices: bool = False,
    study: bool = False,
    columns: int = 2,
    ranges: Ranges | None = None,
) -> Callable[[Plotter], Plotter]:
    """Mark a function as a figure and declare the text about it on the page.

    `question` is the question of the figure, `reading` how to read it, `interval` what its error bars are, `order` its
    place on the page, `paper` what it reproduces. `legend` requests the key of methods, `untrained` the scores of
    untrained models, `repeats` those of repeated evaluations of one run and `matrices` the factor-code matrices of
    some runs, as keywords of that name, `study` the table of all data sets at once; `columns` is how
    many charts stand side by side where there is room; `ranges` are those of its options.
    """
    del title, question, reading, interval, order, paper, legend, untrained, repeats, matrices, study, columns, ranges
    return lambda function: function


if TYPE_CHECKING:
    from distaff.reports.figures.accuracy_by_thirds import accuracy_by_thirds as accuracy_by_thirds
    from distaff.reports.figures.correlation_of_means import correlation_of_means as correlation_of_means
    from distaff.reports.figures.efficiency import efficiency as efficiency
    from distaff.reports.figures.factor_groups import factor_groups as factor_groups
    from distaff.reports.figures.factor_tree import factor_tree as factor_tree
    from distaff.reports.figures.metric_agreement import metric_agreement as metric_agreement
    from distaff.reports.figures.metric_pairs import metric_pairs as metric_pairs
    from distaff.reports.figures.metric_tree import metric_tree as metric_tree
    from distaff.reports.figures.metric_variance import metric_variance as metric_variance
    from distaff.reports.figures.mig_overview import mig_overview as mig_overview
    from distaff.reports.figures.pairwise_information import pairwise_information as pairwise_information
    from distaff.reports.figures.score_by_method import score_by_method as score_by_method
    from distaff.reports.figures.score_by_strength import score_by_strength as score_by_strength
    from distaff.reports.figures.selection_without_labels import selection_without_labels as selection_without_labels
    from distaff.reports.figures.setting_pairs import setting_pairs as setting_pairs
    from distaff.reports.figures.strength_curves import strength_curves as strength_curves
    from distaff.reports.figures.total_correlation import total_correlation as total_correlation
    from distaff.reports.figures.transfer_between_datasets import transfer_between_datasets as transfer_between_datasets
    from distaff.reports.figures.transfer_game import transfer_game as transfer_game
    from distaff.reports.figures.unified_views import unified_views as unified_views
    from distaff.reports.figures.unsupervised_scores import unsupervised_scores as unsupervised_scores
    from distaff.reports.figures.usefulness import usefulness as usefulness
    from distaff.reports.figures.usefulness_without_labels import usefulness_without_labels as usefulness_without_labels
    from distaff.reports.figures.variance_explained import variance_explained as variance_explained
else:  # `from distaff.reports import total_correlation` gives the function of the file; altair waits until it draws
    _names = FIGURES.names()

    def __getattr__(name: str) -> Any:
        if name not in _names:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return FIGURES.function(name)

    __all__ = ["Figure", "figure", *_names]  # noqa: PLE0604
