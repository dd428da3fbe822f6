"""What a number is called in a table: its metric, with the options where they tell it from another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable


def metric_naming(evaluated: Iterable[tuple[str, str | None]]) -> Callable[[str, str | None], str]:
    """The rule by which numbers are called, where `evaluated` are metrics, each with its specification.

    `mig` stays `mig` where the metric has one specification; `downstream(labels=100)` becomes the name of the score,
    and of its parts up to their dot, where there are several, or where it is about a part of the latents. None stands
    for a metric without options.
    """
    specs: dict[str, set[str | None]] = defaultdict(set)
    for metric, spec in evaluated:
        specs[metric.partition(".")[0]].add(spec)

    def name(metric: str, spec: str | None) -> str:
        plugin, dot, part = metric.partition(".")
        in_full = spec is not None and (len(specs[plugin]) > 1 or "dims=" in spec)
        return f"{spec}{dot}{part}" if in_full else metric

    return name
