"""How charts look: one colour and one shape a method, and a quiet frame for paper, light and dark screens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distaff.analysis.scores import head
from distaff.analysis.usefulness import task, task_label

# Okabe and Ito's palette, told apart with any colour vision; its yellow and black vanish on one ground or the other.
KNOWN = {
    "beta_vae": ("β-VAE", "#0072B2", "circle"),
    "factor_vae": ("FactorVAE", "#E69F00", "square"),
    "beta_tc_vae": ("β-TCVAE", "#009E73", "diamond"),
    "dip_vae_i": ("DIP-VAE-I", "#CC79A7", "triangle-up"),
    "dip_vae_ii": ("DIP-VAE-II", "#D55E00", "triangle-down"),
    "annealed_vae": ("AnnealedVAE", "#56B4E9", "cross"),
}
SPARE = (("#8C6D31", "stroke"), ("#7F7F7F", "triangle-left"), ("#9467BD", "triangle-right"), ("#B5651D", "arrow"))
METRIC_LABELS = {
    "beta_vae_score": "BetaVAE score",
    "factor_vae_score": "FactorVAE score",
    "mig": "MIG",
    "dci": "DCI disentanglement",
    "dci.disentanglement": "DCI disentanglement",
    "modularity": "Modularity",
    "sap": "SAP",
    "irs": "IRS",
    "gaussian_total_correlation": "Total correlation",
    "gaussian_wasserstein_correlation": "Wasserstein correlation",
    "pairwise_mutual_information": "Pairwise information",
    "udr": "UDR",
    "explicitness": "Explicitness",
    "infomec": "InfoMEC",
    "mig_sup": "MIG-sup",
    "jemmig": "JEMMIG",
    "dcimig": "DCIMIG",
    "med": "MED",
    "snc": "SNC",
    "nk": "NK",
    "mcc": "MCC",
    "train.nll": "Reconstruction loss",
    "train.kl": "KL divergence",
    "train.elbo": "ELBO",
}
HUES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", *(hue for hue, _ in SPARE)]
FONT = "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif"


def in_order(methods: Iterable[str]) -> list[str]:
    """Methods in the order of the study, others after them by name."""
    place = {name: number for number, name in enumerate(KNOWN)}
    return sorted(set(methods), key=lambda name: (place.get(name, len(place)), name))


def label(method: str) -> str:
    """The name of a method as its paper writes it."""
    return KNOWN[method][0] if method in KNOWN else method.replace("_", " ")


def metric_label(metric: str) -> str:
    """The name of a score as its paper writes it; `@sampled` marks the score of sampled codes."""
    name, _, kind = metric.partition("@")
    if head(name) in ("downstream", "statistical_efficiency"):
        return task_label(task(name))
    plain, _, options = name.partition("(")
    if plain.startswith("unified_scores."):
        return plain.split(".", 1)[1].replace(".", ": ")
    told = [option.split("=")[1].strip("'") for option in options.rstrip(")").split(", ") if "=" in option]
    return ", ".join([METRIC_LABELS.get(plain, plain.replace("_", " ")), *told, *([kind] if kind else [])])


def looks(methods: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The label of each method with its colour and shape; a method outside the study takes a spare by its place."""
    ordered = in_order(methods)
    others = [name for name in ordered if name not in KNOWN]
    spare = {name: SPARE[number % len(SPARE)] for number, name in enumerate(others)}
    return {label(name): KNOWN[name][1:] if name in KNOWN else spare[name] for name in ordered}


def colour(methods: Iterable[str]) -> Any:
    """The colour channel for a column `Method` of labels."""
    import altair as alt

    found = looks(methods)
    scale = alt.Scale(domain=list(found), range=[colour for colour, _ in found.values()])
    return alt.Color("Method:N", scale=scale, legend=alt.Legend(title=None, orient="top", columns=3))


def shape(methods: Iterable[str]) -> Any:
    """The shape channel, which says the same as the colour to those who cannot see it."""
    import altair as alt

    found = looks(methods)
    scale = alt.Scale(domain=list(found), range=[shape for _, shape in found.values()])
    return alt.Shape("Method:N", scale=scale, legend=alt.Legend(title=None, orient="top", columns=3))


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
            "floor": {"color": soft},
            "ink": {"color": ink},
            "ring": {"color": ink, "fill": "transparent", "strokeWidth": 1.5},
            "note": {"color": soft, "fontSize": 11},
            "soft": {"color": soft},
        },
    }
