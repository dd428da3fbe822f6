"""A check: one thing that must hold of a plug-in, by name; a call passes, fails with a reason, or is skipped."""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Subject = TypeVar("Subject")


class CheckFailed(AssertionError):
    """What does not hold of a plug-in, in one line that a person can act on."""


@dataclass(frozen=True)
class Property(Generic[Subject]):
    """What must hold of every plug-in of a kind: a function of a plug-in that raises where it does not.

    `unless` gives the reason why it need not hold of this one, or nothing.
    """

    holds: Callable[[Subject], None]
    unless: Callable[[Subject], str] = field(repr=False)

    @property
    def name(self) -> str:
        """The sentence that it is, with underscores."""
        return self.holds.__name__


def _always(_: Any) -> str:
    return ""


def property_of(
    suite: list[Property[Subject]], *, unless: Callable[[Subject], str] = _always
) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Add the decorated function to `suite`."""

    def add(holds: Callable[[Subject], None]) -> Callable[[Subject], None]:
        suite.append(Property(holds, unless))
        return holds

    return add


@dataclass(frozen=True)
class Check:
    """One property of one plug-in. `check()` is silent where it holds, and raises where it does not.

    Where the property need not hold of this plug-in, `inapplicable` is the reason and the call raises
    `unittest.SkipTest`, which test runners report as skipped.
    """

    kind: str
    plugin: str
    name: str
    run: Callable[[], None] = field(repr=False, compare=False)
    inapplicable: str = field(default="", compare=False)

    def __str__(self) -> str:
        return self.name

    def __call__(self) -> None:
        """Check it: raises `CheckFailed`, or what the plug-in raised."""
        if self.inapplicable:
            raise unittest.SkipTest(self.inapplicable)
        self.run()


def expect(holds: object, reason: str) -> None:
    """Raise `CheckFailed` with the reason unless it holds; unlike `assert`, also where Python runs with -O."""
    if not holds:
        raise CheckFailed(reason)


def expect_near(found: float, expected: float, tolerance: float, what: str) -> None:
    """Raise `CheckFailed` unless two numbers differ by at most `tolerance`; two NaN and two infinities are equal."""
    same = found == expected or (math.isnan(found) and math.isnan(expected))
    expect(
        same or abs(found - expected) <= tolerance,
        f"{what}: {found:.6g} where {expected:.6g} was expected (tolerance {tolerance:g})",
    )


def expect_refusal(call: Callable[[], Any], refusal: type[Exception], words: tuple[str, ...], what: str) -> None:
    """Raise `CheckFailed` unless `call` raises `refusal` with these words in its message."""
    try:
        call()
    except refusal as error:
        missing = [word for word in words if word not in str(error)]
        expect(not missing, f"{what} is refused without {missing[:1]} in the message: {error}")
    except Exception as error:
        raise CheckFailed(
            f"{what} ends in {type(error).__name__} instead of {refusal.__name__} with the fix: {error}"
        ) from error
    else:
        raise CheckFailed(f"{what} is accepted; raise {refusal.__name__} with what would be right")
