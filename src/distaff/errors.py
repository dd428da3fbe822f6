"""The one exception that distaff raises on purpose; its message states what was wrong, where, and what is right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DistaffError(ValueError):
    """A mistake that a person can mend; the command line prints it as one line and exits with status 2."""


def at_least(least: int, **values: int) -> None:
    """Raise `DistaffError` for the first of the named numbers that is below `least`."""
    for name, value in values.items():
        if value < least:
            raise DistaffError(f"{name}={value}: it must be at least {least}")


def unknown(what: str, name: str, known: Iterable[str]) -> DistaffError:
    """The error for a name that does not exist, with the nearest one that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return DistaffError(f"unknown {what} {name!r}.{hint} Available: {', '.join(names) or 'none'}.")
