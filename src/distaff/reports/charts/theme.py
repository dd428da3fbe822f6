"""How charts look: one colour and one shape a method, and a quiet frame for paper, light and dark screens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from distaff.analysis.marks import head, marks
from distaff.analysis.usefulness import task, task_label
from distaff.plugins.registry import METHODS

if TYPE_CHECKING:
    import polars as pl

# Okabe and Ito's palette, told apart with any colour vision; its yellow and black vanish on one ground or the other.
LOOKS = {  # of the methods of the 2019 study, in its order
    "beta_vae": ("#0072B2", "circle"),
    "factor_vae": ("#E69F00", "square"),
    "beta_tc_vae": ("#009E73", "diamond"),
    "dip_vae_i": ("#CC79A7", "triangle-up"),
    "dip_vae_ii": ("#D55E00", "triangle-down"),
    "annealed_vae": ("#56B4E9", "cross"),
}
SPARE = (("#8C6D31", "stroke"), ("#7F7F7F", "triangle-left"), ("#9467BD", "triangle-right"), ("#B5651D", "arrow"))
HUES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", *(hue for hue, _ in SPARE)]
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 3], [4, 6])  # of settings that differ in more than strength
FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of the study, others after them by name."""
    place = {name: number for number, name in enumerate(LOOKS)}
    return sorted(set(methods), key=lambda name: (place.get(name, len(place)), name))


def label(method: str) -> str:
    """The name of a method as its paper writes it: as its decorator declares it, else without underscores."""
    plugin = METHODS.known(method)
    return str((plugin and plugin.marks.get("label")) or method.replace("_", " "))


def metric_label(metric: str) -> str:
    """The name of a score as its paper writes it; `@sampled` marks the score of sampled codes.

    The names come from decorators. A part is called by the symbol of its score and the name of the part.
    """
    name, _, kind = metric.partition("@")
    if head(name) in ("downstream", "statistical_efficiency"):
        return task_label(task(name))
    plain, _, options = name.partition("(")
    if plain.startswith("unified_scores."):
        return plain.split(".", 1)[1].replace(".", ": ")
    known, (_, dot, part) = marks(name), plain.partition(".")
    whole = known.label if known.about == "training" or not dot else f"{known.symbol} {part.replace('_', ' ')}"
    values = [option.split("=")[1].strip("'") for option in options.rstrip(")").split(", ") if "=" in option]
    return ", ".join([whole, *values, *([kind] if kind else [])])


def looks(methods: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The label of each method with its colour and shape; a method outside the study takes a spare by its place."""
    ordered = in_order(methods)
    others = [name for name in ordered if name not in LOOKS]
    spare = {name: SPARE[number % len(SPARE)] for number, name in enumerate(others)}
    return {label(name): LOOKS[name] if name in LOOKS else spare[name] for name in ordered}


def colour(methods: Iterable[str]) -> Any:
    """The colour channel for a column `Method` of labels."""
    import altair as alt

    known = looks(methods)
    scale = alt.Scale(domain=list(known), range=[colour for colour, _ in known.values()])
    return alt.Color("Method:N", scale=scale, legend=alt.Legend(title=None, orient="top", columns=3))


def shape(methods: Iterable[str]) -> Any:
    """The shape channel: the same as the colour, for those who cannot see that."""
    import altair as alt

    known = looks(methods)
    scale = alt.Scale(domain=list(known), range=[shape for _, shape in known.values()])
    return alt.Shape("Method:N", scale=scale, legend=alt.Legend(title=None, orient="top", columns=3))


def dashes(frame: pl.DataFrame) -> dict[str, Any]:
    """The channel that keeps lines of one method apart where its settings differ in more than strength, else none.

    A dash a `variant`, with a legend of the differences. Other marks of the chart take `variant` as detail.
    """
    import altair as alt

    variants = sorted(frame["variant"].unique().to_list())
    if len(variants) < 2:
        return {}
    legend = alt.Legend(
        title=None, orient="top", columns=2, symbolType="stroke", symbolSize=400, symbolStrokeWidth=2, labelLimit=400
    )
    scale = alt.Scale(domain=variants, range=[DASHES[number % len(DASHES)] for number in range(len(variants))])
    return {"strokeDash": alt.StrokeDash("variant:N", scale=scale, legend=legend)}


def config(dark: bool = False) -> dict[str, Any]:
    """The Vega-Lite configuration of every chart on a light or on a dark ground."""
    ink, soft, line = ("#e8e6e1", "#a8a59d", "#3a3a40") if dark else ("#1d1d1f", "#63625f", "#e3e1dc")
    middle = "#26262b" if dark else "#f7f5f1"
    axis = {
        "labelColor": soft,
        "titleColor": soft,
        "domainColor": line,
        "tickColor": line,
        "gridColor": line,
        "gridOpacity": 0.7,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelLimit": 220,
        "labelOverlap": True,
    }
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "rule": {"color": soft},
        "axis": axis,
        "axisX": {"grid": False},
        "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
        "legend": {"labelColor": ink, "titleColor": soft, "labelFontSize": 12, "symbolSize": 80, "symbolOpacity": 1},
        "title": {"color": ink, "fontSize": 14, "fontWeight": 600, "anchor": "start"},
        "text": {"color": ink, "fontSize": 12},
        "range": {"diverging": ["#C2571A", middle, "#1B6CA8"], "heatmap": [middle, "#1B6CA8"], "category": HUES},
        "style": {  # `color`: a mark's own default, which is blue, goes before a fill or a stroke
            "baseline": {"color": soft},
            "ink": {"color": ink},
            "ring": {"color": ink, "fill": "transparent", "strokeWidth": 1.5},
            "note": {"color": soft, "fontSize": 11},
            "soft": {"color": soft},
        },
    }
