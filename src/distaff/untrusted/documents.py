"""JSON of strangers: of bounded size and depth."""

from __future__ import annotations

import json
import re
from typing import Any

from distaff.errors import DistaffError

HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # halves of characters beyond the first 65,536
LARGEST = 2**29  # bytes: a study of a million runs


def parse_json(content: bytes) -> Any:
    """The value that JSON writes; raises `DistaffError` where it is none, or nested beyond all sense."""
    try:
        value = json.loads(content)
        if HALF.search(content):
            json.dumps(value, ensure_ascii=False).encode()  # raises for half a pair, which no text can hold
        return value
    except RecursionError as error:
        raise DistaffError("it is nested deeper than any record") from error
    except ValueError as error:  # its own error, texts that are not UTF-8, numbers of thousands of digits
        raise DistaffError(f"it is not valid JSON: {error}") from error
