"""What a number is called in a table: its metric, with the options where they tell it from another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable


def naming(asked: Iterable[tuple[str, str | None]]) -> Callable[[str, str | None], str]:
    """The rule by which numbers are called, where `asked` are metrics, each with the text of what was asked of it.

    `mig` stays `mig` where one way of asking is there; `downstream(labels=100)` becomes the name of the score, and of
    its parts up to their dot, where there are several, or where it is about a part of the latents. None stands for
    what was asked without options.
    """
    ways: dict[str, set[str | None]] = defaultdict(set)
    for metric, spec in asked:
        ways[metric.partition(".")[0]].add(spec)

    def name(metric: str, spec: str | None) -> str:
        plugin, dot, part = metric.partition(".")
        told = spec is not None and (len(ways[plugin]) > 1 or "dims=" in spec)
        return f"{spec}{dot}{part}" if told else metric

    return name
