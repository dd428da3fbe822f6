"""Ranges of hyperparameters, as a decorator line writes them: `ranges={"beta": "[0, inf)", "by": ("mean", "max")}`.

A range of numbers is one or several intervals, or single numbers, joined by "or": "(0, 1]", "-1 or [1, inf)". A round
bracket leaves its end out. A range of texts is the tuple of those that are allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from distaff.errors import DistaffError, unknown

Range: TypeAlias = str | tuple[str, ...]
Ranges: TypeAlias = Mapping[str, Range]

_NUMBER = r"[-+]?(?:inf|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)"
_INTERVAL = re.compile(rf"([\[(])\s*({_NUMBER})\s*,\s*({_NUMBER})\s*([\])])")


class _Interval(NamedTuple):
    low: float
    high: float
    closed: tuple[bool, bool]

    def holds(self, value: float) -> bool:
        above = value >= self.low if self.closed[0] else value > self.low
        return above and (value <= self.high if self.closed[1] else value < self.high)


def check_range(plugin: str, parameter: str, value: Any, allowed: Range) -> None:
    """Raise `DistaffError` for a value of a hyperparameter outside its range."""
    if value is None or isinstance(value, tuple | bool):
        return
    if isinstance(allowed, tuple):
        if value not in allowed:
            raise unknown(f"{parameter} of {plugin}", str(value), allowed)
    elif not any(interval.holds(value) for interval in intervals(allowed)):
        shown = int(value) if float(value).is_integer() else value
        raise DistaffError(f"{plugin}: {parameter}={shown} is outside its range, which is {allowed}")


def intervals(text: str) -> list[_Interval]:
    """The intervals that a range writes; raises `DistaffError` for another text."""
    found = []
    for part in map(str.strip, text.split(" or ")):
        if interval := _INTERVAL.fullmatch(part):
            left, low, high, right = interval.groups()
            found.append(_Interval(float(low), float(high), (left == "[", right == "]")))
        elif re.fullmatch(_NUMBER, part):
            found.append(_Interval(float(part), float(part), (True, True)))
        else:
            raise DistaffError(f"{text!r} is not a range: write it as '[0, inf)', '(0, 1]' or '-1 or [1, inf)'")
    if any(math.isnan(one.low) or one.low > one.high for one in found):
        raise DistaffError(f"{text!r} is not a range: it begins after its end")
    return found
