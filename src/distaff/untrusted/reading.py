"""The one door through which errors of parsers come out: one line that names the file."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator

from distaff.errors import DistaffError

DAMAGED = "is damaged, cut short or of another format"


@contextlib.contextmanager
def reading(path: object, wrong: str = DAMAGED) -> Iterator[None]:
    """Turn whatever a library raises on the bytes of a stranger into one `DistaffError` that names the file.

    Libraries document few of the exceptions that damaged files bring out of them, so that every one of them means the
    same thing here: this is not a file of the kind. What they would warn of is silenced.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DistaffError as error:
        if len(str(error).splitlines()) < 2:
            raise
        raise DistaffError(one_line(str(error))) from error  # it names what a stranger named over several lines
    except FileNotFoundError as error:
        raise DistaffError(f"{path} does not exist") from error
    except OSError as error:
        reason = error.strerror or (os.strerror(error.errno) if error.errno else str(error) or type(error).__name__)
        raise DistaffError(f"{path} {'cannot be read' if error.errno else wrong}: {one_line(reason)}") from error
    except Exception as error:
        raise DistaffError(f"{path} {wrong}: {one_line(str(error) or type(error).__name__)}") from error


def one_line(text: str, most: int = 300) -> str:
    """A text without line breaks, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]} ..."
