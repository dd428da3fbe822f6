"""The exceptions that distaff raises on purpose; a message states what was wrong, where, and what is right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class DistaffError(ValueError):
    """A mistake that a person can mend; the command line prints it as one line and exits with status 2."""


class PluginError(DistaffError):
    """A plug-in that does not keep its contract, or that raised: which one, where, what it did and what it must be.

    `kind` is what it is called (a method, a metric ...), `where` the file and line, the last one inside the plug-in's
    own file; `problem` what happened, `contract` what a plug-in of that kind must be. The text is one line. Where the
    plug-in raised, `__cause__` is its own exception, whose traceback `distaff --traceback` shows.
    """

    def __init__(self, kind: str, name: str, where: str, problem: str, contract: str) -> None:
        self.kind, self.name, self.where = kind, name, where
        self.problem, self.contract = _one_line(problem), contract
        super().__init__(f"{kind} {name} ({where}): {self.problem.rstrip('.;')}; {contract}")

    def __reduce__(self) -> tuple[Any, ...]:
        """All parts: an exception that crosses from a process to another is made again from them."""
        return type(self), (self.kind, self.name, self.where, self.problem, self.contract)


LONGEST = 400  # characters of what a library says of an exception: it may hold a whole array


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def unknown(what: str, name: str, known: Iterable[str]) -> DistaffError:
    """The error for a name that does not exist, with the nearest one that does."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return DistaffError(f"unknown {what} {name!r}.{hint} Available: {', '.join(names) or 'none'}.")
