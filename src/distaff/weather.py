"""Faults of the place and of the machine: which of them pass, and how long an action is tried again until they have.

A network file system answers ETIMEDOUT, ESTALE or EIO while its server restarts, a machine EMFILE or ENOMEM while it
is short of something. No run is to blame for either. A fault that passes is waited for; one that lasts, as a full disk
or a folder without permission does, is raised at once. Whoever catches it asks `is_weather` before blaming a run.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from distaff.errors import PluginError

T = TypeVar("T")

RETRY_SECONDS = "DISTAFF_RETRY_SECONDS"  # environment variable: how long a passing fault is waited for
SECONDS = 30.0  # without that variable: a file server that restarts is back by then, and no lease has expired
FIRST_WAIT, LONGEST_WAIT = 0.02, 5.0


def _numbers(*names: str) -> frozenset[int]:
    """The numbers of errors by name; a system that lacks one never gives it."""
    return frozenset(number for name in names if (number := getattr(errno, name, None)) is not None)


PASSING = _numbers(
    "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EAGAIN", "EINTR", "EBUSY", "ETXTBSY", "ENOLCK", "EDEADLK", "EIO",
    "EREMOTEIO", "ESTALE", "ETIMEDOUT", "ETIME", "EHOSTDOWN", "EHOSTUNREACH", "ENOTCONN", "ENETDOWN", "ENETUNREACH",
    "ENETRESET", "ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "ESHUTDOWN", "EPIPE", "ECOMM", "EPROTO", "ENOLINK",
    "ENONET", "EKEYEXPIRED", "EUCLEAN", "ENODEV", "ENXIO",
)  # fmt: skip
LASTING = _numbers("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EFBIG", "ENOMEDIUM")


def is_passing(error: BaseException) -> bool:
    """Whether `error` is a fault of the place that may be gone in a moment."""
    return isinstance(error, OSError) and error.errno in PASSING


def is_weather(error: BaseException) -> bool:
    """Whether `error` is a fault of the place or the machine, passing or lasting, for which no run is to blame."""
    return isinstance(error, OSError) and error.errno in PASSING | LASTING


def weather_in(error: BaseException | None) -> OSError | None:
    """The fault of the place that `error` is, or that it was raised from; None if there is none.

    A plug-in that is refused a file, again and again, is at fault itself: of what it raises only passing faults count.
    """
    of_plugin = False
    while error is not None:
        of_plugin = of_plugin or isinstance(error, PluginError)
        if isinstance(error, OSError) and (is_passing(error) if of_plugin else is_weather(error)):
            return error
        error = error.__cause__
    return None


def described(error: OSError) -> str:
    """A fault in a few words: what the system calls it."""
    return error.strerror or str(error)


def waits(seconds: float | None = None) -> Iterator[float]:
    """How long to wait before each new try: ever longer, so many seconds in all, or as many as the environment says."""
    left = float(os.environ.get(RETRY_SECONDS) or SECONDS) if seconds is None else seconds
    wait = FIRST_WAIT
    while left > 0:
        yield min(wait, left)
        left -= wait
        wait = min(2 * wait, LONGEST_WAIT)


def retrying(action: Callable[[], T], between: Iterable[float] | None = None) -> T:
    """What `action` returns; where a passing fault is raised, it is called again after each of the waits `between`.

    The fault that is left in the end is raised as it is, and is not waited for a second time by an outer `retrying`.
    An action must bear to be done twice.
    """
    for wait in waits() if between is None else between:
        try:
            return action()
        except OSError as error:
            if not is_passing(error) or getattr(error, "waited_for", False):
                raise
        time.sleep(wait)
    try:
        return action()
    except OSError as error:
        error.waited_for = True  # type: ignore[attr-defined]
        raise


def names_in(folder: Path) -> list[str]:
    """The names in a folder, in order; none where there is no such folder."""
    try:
        return sorted(retrying(lambda: os.listdir(folder)))
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove(path: Path) -> None:
    """Remove a file, if it is there."""
    retrying(lambda: path.unlink(missing_ok=True))


def is_there(path: Path) -> bool:
    """Whether there is something at `path`; a fault of the place is no answer, and is raised."""
    try:
        retrying(path.stat)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
