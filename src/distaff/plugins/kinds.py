"""The kinds of plug-ins: what the decorator of each is called, what a function of it takes, and what it must be."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent.parent


class Contract(NamedTuple):
    """What a plug-in of a kind must be."""

    words: str
    decorator: str
    declared: str  # the file of the package that defines the decorator, whose keywords are the marks
    takes: tuple[str, ...] = ()  # arguments without names, in order: what the engine gives
    may_take: tuple[str, ...] = ()  # further ones that it gives to functions that name them
    needs: tuple[str, ...] = ()  # hyperparameters that every plug-in of the kind has
    names_matter: bool = False  # whether those that it takes are given by name


OF_SCORES = ("factors", "test", "jobs", "active", "lines", "split")
OF_FIGURES = ("untrained", "repeats", "matrices")  # keywords that a figure requests by marks of their name
SHAPE = "encoder: images [b c h w] -> [b 2 latents], decoder: codes [b latents] -> [b c h w]"

CONTRACTS = {
    "dataset": Contract(
        "a data set is a function (*, parameters) -> Dataset, whose images(rows) are uint8 [b h w c] from 0 to 255",
        "dataset",
        "data/dataset.py",
    ),
    "network": Contract(
        f"a network is a function (shape, *, latents, parameters) -> VAE({SHAPE})",
        "network",
        "networks/__init__.py",
        takes=("shape",),
        needs=("latents",),
    ),
    "critic": Contract(
        "a critic is a function (latents, *, parameters) -> a module from codes [b latents] to logits [b 2]",
        "network",
        "networks/__init__.py",
        takes=("latents",),
    ),
    "method": Contract(
        "a method is a function (out: Outputs, *, hyperparameters) -> {name: scalar tensor}",
        "method",
        "methods/__init__.py",
        takes=("out",),
    ),
    "metric": Contract(
        "a metric is a function (codes [n d], factors [n f], *, options) -> Score",
        "metric",
        "metrics/__init__.py",
        takes=("codes",),
        may_take=OF_SCORES,
        names_matter=True,
    ),
    "task": Contract(
        "a task is a function (codes [n d], factors [n f], *, options) -> Score",
        "task",
        "tasks/__init__.py",
        takes=("codes", "factors"),
        may_take=OF_SCORES[1:],
        names_matter=True,
    ),
    "figure": Contract(
        "a figure is a function (table, *, options) -> Figure(frame, charts by caption, n)",
        "figure",
        "reports/__init__.py",
        takes=("table",),
    ),
}
