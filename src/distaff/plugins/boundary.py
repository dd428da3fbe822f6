"""The one door between distaff and the code of plug-ins: what is raised behind it is one line that names the plug-in.

A fault of a plug-in is never taken for one of the machine, and the reverse: an interruption, the end of memory and
faults of the file system pass as they are, and so does a `DistaffError`, which is a sentence for people already.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias

from distaff.errors import DistaffError, PluginError
from distaff.plugins.kinds import CONTRACTS

# those that name a wrong path are the plug-in's own; any other is a fault of the place or the machine
OF_A_PATH = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
NO_MEMORY = ("out of memory", "allocate memory", "not enough memory")


class Origin(NamedTuple):
    """Where a function comes from: the kind and name of its plug-in, its file, and the line of its definition."""

    kind: str
    name: str
    path: str
    line: int

    def error(self, problem: str, line: int | None = None) -> PluginError:
        """The error that states `problem`, at a line of the file or at the definition."""
        return PluginError(
            self.kind, self.name, f"{self.path}:{line or self.line}", problem, CONTRACTS[self.kind].words
        )


class Violation(Exception):
    """What a plug-in returned is not what its contract says: the text states both."""


Check: TypeAlias = Callable[[Origin, Any, tuple[Any, ...], dict[str, Any]], Any]
"""What a call returned, checked, perhaps with doors of its own: (origin, value, arguments, keywords) -> value."""


class Guarded:
    """A function of a plug-in behind the door; `__wrapped__` is the function itself."""

    def __init__(self, origin: Origin, function: Callable[..., Any], check: Check | None = None) -> None:
        functools.update_wrapper(self, function, updated=())
        self.origin = origin
        self.function = function
        self.check = check

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        try:
            value = self.function(*args, **keywords)
            return value if self.check is None else self.check(self.origin, value, args, keywords)
        except Exception as error:
            if passes(error):
                raise
            raise plugin_error(self.origin, error) from error

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes the name of the plug-in, whose file is imported there."""
        if self.function.__name__ == self.origin.name:
            return _of_registry, (self.origin.kind, self.origin.name)
        return Guarded, (self.origin, self.function, self.check)

    def __repr__(self) -> str:
        return f"<{self.origin.kind} {self.origin.name} of {self.origin.path}>"


def _of_registry(kind: str, name: str) -> Any:
    from distaff.plugins.registry import KINDS

    return next(registry for registry in KINDS.values() if registry.kind == kind).function(name)


def guarded(origin: Origin, function: Callable[..., Any] | None, check: Check | None = None) -> Any:
    """`function` behind the door; one that stands behind a door already, or None, is left as it is."""
    return function if function is None or isinstance(function, Guarded) else Guarded(origin, function, check)


def passes(error: BaseException) -> bool:
    """Whether an exception is no fault of the plug-in that raised it, or a sentence for people already."""
    if isinstance(error, OSError):
        return error.errno is not None and not isinstance(error, OF_A_PATH)
    if isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY):
        return True
    return isinstance(error, DistaffError | MemoryError) or not isinstance(error, Exception)


def plugin_error(origin: Origin, error: BaseException) -> PluginError:
    """What `error`, raised by the code of a plug-in, is outside of it."""
    if isinstance(error, Violation):
        return origin.error(str(error), last_line(error.__cause__, origin.path) if error.__cause__ else None)
    if isinstance(error, SyntaxError) and error.filename == origin.path:
        return origin.error(f"{type(error).__name__}: {error.msg}", error.lineno)
    return origin.error(
        f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, last_line(error, origin.path)
    )


def last_line(error: BaseException, path: str) -> int | None:
    """The line of the last call inside the file `path` that led to `error`."""
    line, frame = None, error.__traceback__
    while isinstance(frame, TracebackType):
        if frame.tb_frame.f_code.co_filename == path:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line
