"""Files of a store: JSON that carries the checksum of its content, and the error for a damaged file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.untrusted.documents import LARGEST, parse_json
from distaff.untrusted.records import check_form
from distaff.untrusted.regular import read_bytes
from distaff.weather import is_weather

SEAL = (
    b'{"sha256": "'  # how a sealed file starts; sixty-four digits and `",` follow, and then what they are the hash of
)
BODY = len(SEAL) + 64 + 2


def sealed(value: dict[str, Any]) -> bytes:
    """`value` as JSON, a key a line, behind the SHA-256 of all that follows the first line's checksum."""
    body = ("\n" + ",\n".join(f" {json.dumps(key)}: {_block(part)}" for key, part in value.items()) + "\n}\n").encode()
    return SEAL + hashlib.sha256(body).hexdigest().encode() + b'",' + body


def unsealed(content: bytes) -> dict[str, Any]:
    """The value that `sealed` wrote, or plain JSON; raises `ValueError` where the checksum does not match."""
    if (
        content.startswith(SEAL)
        and hashlib.sha256(content[BODY:]).hexdigest().encode() != content[len(SEAL) : BODY - 2]
    ):
        raise ValueError("its checksum does not match")
    value = parse_json(content)
    if not isinstance(value, dict):
        raise ValueError("it does not hold a JSON object")
    return value


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`; raises `DistaffError` if it is missing, damaged or edited, and `OSError` as `read_file`."""
    content = read_file(path)
    try:
        value = unsealed(content)
        check_form(path.name, value)
        return value
    except ValueError as error:
        if read_file(path) == content:  # else a second look may find it whole
            raise damaged(path, error) from error
    return read_json(path)


def read_file(path: Path, limit: int = LARGEST) -> bytes:
    """The content of `path`; raises `DistaffError` if it is missing, and `OSError` where a fault of the place lasts."""
    try:
        return read_bytes(path, limit)
    except (OSError, DistaffError) as error:
        if is_weather(error):
            raise
        raise damaged(path, error) from error


def damaged(path: Path, error: object) -> DistaffError:
    """The error for a file that is not what was written."""
    return DistaffError(f"{path} is damaged or was edited ({error}): `distaff store check --mend` sets it aside")


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _block(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {json.dumps(item, allow_nan=False)}" for item in value) + "\n ]"
    return json.dumps(value, allow_nan=False)
