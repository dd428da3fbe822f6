"""What the numbers of a metric are about, and its label: read from its decorator, without running its file."""

from __future__ import annotations

import re
from typing import NamedTuple

from distaff.errors import unknown
from distaff.plugins.file import Plugin
from distaff.plugins.registry import METRICS, TASKS

ABOUT = ("factors", "codes", "views", "task", "training")
OF_METRICS = ABOUT[:3]


class Marks(NamedTuple):
    """The marks of a metric; `about` is None where no plug-in of its name is installed: no analysis takes it up."""

    about: str | None
    label: str
    symbol: str
    higher_is_better: bool = True
    study_2019: int = 0  # its place among the scores of its kind that the 2019 study compared, from 1; 0 for others


BETWEEN = {"udr": Marks("codes", "UDR", "UDR")}  # of several runs, so no plug-in that sees one
TRAINING = {
    "train.nll": Marks("training", "Reconstruction loss", "Reconstruction loss", False, 1),
    "train.kl": Marks("training", "KL divergence", "KL divergence", False, 2),
    "train.elbo": Marks("training", "ELBO", "ELBO", True, 3),
    "train.curve_nll": Marks("training", "Reconstruction loss, end of the curve", "Reconstruction loss", False),
    "train.curve_kl": Marks("training", "KL divergence, end of the curve", "KL divergence", False),
    "train.curve_elbo": Marks("training", "ELBO, end of the curve", "ELBO", True),
}


def head(metric: str) -> str:
    """The plug-in that a column comes from: `mig` of `mig.factor_0`, `mig(bins=10)` and `mig@sampled`."""
    return re.split(r"[.(@]", metric, maxsplit=1)[0]


def marks(column: str) -> Marks:
    """The marks of the metric or task that a column comes from; raises `DistaffError` where its file is no plug-in."""
    name = head(column)
    if name == "train":
        plain = column.partition("@")[0]
        label = plain.partition(".")[2].replace("_", " ") or plain
        return TRAINING.get(plain, Marks("training", label, label, False))
    if name in BETWEEN:
        return BETWEEN[name]
    for kind in (METRICS, TASKS):
        if name in kind.names():
            return _of_plugin(kind.plugin(name), name in kind.packaged())
    return Marks(None, name.replace("_", " "), name.replace("_", " "))


def _of_plugin(plugin: Plugin, packaged: bool) -> Marks:
    """A plug-in from outside the package is none that the 2019 study compared, whatever it declares."""
    label = plugin.marks.get("label") or plugin.name.replace("_", " ")
    return Marks(
        about_of(plugin),
        label,
        plugin.marks.get("symbol") or label,
        plugin.marks.get("higher_is_better", True),
        plugin.marks.get("study_2019", 0) if packaged else 0,
    )


def about_of(plugin: Plugin) -> str:
    """What the numbers of a metric or task are about; raises `DistaffError` for an unknown `about=`."""
    if plugin.kind == TASKS.kind:
        return "task"
    declared: str = plugin.marks.get("about") or ("factors" if "factors" in plugin.required else "codes")
    if declared not in OF_METRICS:
        raise unknown(f"mark about= of {plugin.name}", declared, OF_METRICS)
    return declared
