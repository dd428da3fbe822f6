"""Files of a store: written whole or not at all, and JSON that carries the checksum of what it says."""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError

SEAL = (
    b'{"sha256": "'  # how a sealed file starts; sixty-four digits and `",` follow, and then what they are the hash of
)
BODY = len(SEAL) + 64 + 2
NO_PLACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.EFBIG}


def token() -> str:
    """Names this process among all that may share a store, on this machine and on others."""
    return _token(os.getpid())


@functools.lru_cache(maxsize=1)
def _token(pid: int) -> str:
    return f"{pid}-{uuid.uuid4().hex[:8]}"


def write(path: Path, content: bytes) -> None:
    """Write a file whole: aside, to the disk, then under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{token()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    settle(path.parent)


def settle(folder: Path) -> None:
    """Bring the names in `folder` to the disk, so that a rename outlives a power cut."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sealed(value: dict[str, Any]) -> bytes:
    """`value` as JSON, a key a line, behind the SHA-256 of all that follows the first line's checksum."""
    body = ("\n" + ",\n".join(f" {json.dumps(key)}: {_block(part)}" for key, part in value.items()) + "\n}\n").encode()
    return SEAL + hashlib.sha256(body).hexdigest().encode() + b'",' + body


def opened(content: bytes) -> dict[str, Any]:
    """What `sealed` wrote, or plain JSON; raises `ValueError` where the checksum says that it was changed."""
    if (
        content.startswith(SEAL)
        and hashlib.sha256(content[BODY:]).hexdigest().encode() != content[len(SEAL) : BODY - 2]
    ):
        raise ValueError("its checksum does not fit")
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("it holds no object")
    return found


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`; raises `DistaffError` if it is missing, damaged or edited."""
    try:
        return opened(path.read_bytes())
    except (OSError, ValueError) as error:
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
