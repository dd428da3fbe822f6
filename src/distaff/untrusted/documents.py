"""JSON of strangers: of bounded size and depth."""

from __future__ import annotations

import json
from typing import Any

from distaff.errors import DistaffError

LARGEST = 2**29  # bytes: a study of a million runs


def parse_json(content: bytes) -> Any:
    """The value that JSON writes; raises `DistaffError` where it is none, or nested beyond all sense."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise DistaffError("it is nested deeper than any record") from error
    except ValueError as error:  # its own error, texts that are not UTF-8, numbers of thousands of digits
        raise DistaffError(f"it is not valid JSON: {error}") from error
