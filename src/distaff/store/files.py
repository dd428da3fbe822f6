"""Files of a store: records with the checksum of their content, read from regular files, and damaged files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.seal import FORMAT as FORMAT  # noqa: PLC0414  (others take it from here, as the next three)
from distaff.seal import NewerFormatError, unsealed
from distaff.seal import digest as digest  # noqa: PLC0414
from distaff.seal import sealed as sealed  # noqa: PLC0414
from distaff.untrusted.documents import LARGEST
from distaff.untrusted.records import check_form
from distaff.untrusted.regular import read_bytes
from distaff.weather import described, is_weather


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`; raises `DistaffError` if it is missing, damaged, edited or of a later format.

    A fault of the place that lasts is an `OSError`, as in `read_file`: nothing is known of the file then.
    """
    content = read_file(path)
    try:
        return record_in(content, path)
    except NewerFormatError:
        raise
    except DistaffError:
        if read_file(path) == content:  # else a second look may find it whole
            raise
    return read_json(path)


def read_file(path: Path, limit: int = LARGEST) -> bytes:
    """The content of `path`; raises `DistaffError` if it is missing, and `OSError` where a fault of the place lasts."""
    try:
        return read_bytes(path, limit)
    except (OSError, DistaffError) as error:
        if is_weather(error):
            raise
        raise damaged(path, error) from error


def record_in(content: bytes, path: Path) -> dict[str, Any]:
    """The object in the bytes of the file `path`, as `read_json` has it."""
    try:
        value = unsealed(content)
        check_form(path.name, value)
        return value
    except NewerFormatError as error:
        raise NewerFormatError(f"{path}: {error}") from error
    except ValueError as error:
        raise damaged(path, error) from error


class UnreadableError(DistaffError):
    """What stands in the place of a file and cannot be read as one, such as a pipe or a folder."""


def content_of(path: Path, *, follow: bool = True) -> bytes:
    """The content of a regular file; with `follow=False` a link is none.

    Raises `UnreadableError` for what is no regular file, `FileNotFoundError`, and `DistaffError` where the place fails,
    which is no fault of the file.
    """
    try:
        return read_bytes(path, follow=follow)
    except FileNotFoundError:
        raise
    except OSError as error:
        if is_weather(error):
            raise DistaffError(f"{path} cannot be read now ({described(error)}): nothing is known of it") from error
        raise UnreadableError(str(error)) from error
    except DistaffError as error:
        raise UnreadableError(f"it {str(error).removeprefix(f'{path} ')}") from error


def damaged(path: Path, error: object) -> DistaffError:
    """The error for a file that is not what was written."""
    return DistaffError(f"{path} is damaged or was edited ({error}): `distaff store check --mend` sets it aside")
