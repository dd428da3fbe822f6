"""The checksum of a checkpoint: SHA-256 of every byte of its file, kept in the header that it covers.

A safetensors file has no room behind its tensors, so the checksum stands in the metadata of its header, and is that of
the file with zeros in its place. Checkpoints of earlier versions have none; whether they are whole is unknown.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from typing import Any

from distaff.errors import DistaffError

KEY = "sha256"
BLANK = "0" * 64  # what stands for the checksum while it is computed
SEAL = re.compile(rb'"sha256"\s*:\s*"([0-9a-f]{64})"')
SEALED = (b"sha256", b"columns")  # names in the headers of versions that seal: one may be torn itself
LARGEST_HEADER = 100_000_000  # bytes: what safetensors itself accepts


def sealed(content: bytes) -> tuple[bytes, memoryview]:
    """A safetensors file whose metadata holds `BLANK` under `KEY`, with its checksum in that place, in two parts."""
    start, end = _place(content)
    return content[:start] + hashlib.sha256(content).hexdigest().encode(), memoryview(content)[end:]


def check_seal(content: bytes) -> None:
    """Raise `DistaffError` where a checkpoint is not what was written; one without a checksum passes."""
    header = _header(content)
    if not any(name in header for name in SEALED):
        return
    start, end = _place(content)
    digest = hashlib.sha256(content[:start])
    digest.update(BLANK.encode())
    digest.update(memoryview(content)[end:])
    if digest.hexdigest().encode() != content[start:end]:
        raise DistaffError("its checksum does not match")


def metadata_of(content: bytes) -> dict[str, Any]:
    """The metadata in the header of a safetensors file; raises `DistaffError` where there is no such header."""
    try:
        header = json.loads(_header(content))
    except ValueError as error:
        raise DistaffError(f"its header cannot be read ({error})") from error
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    return metadata if isinstance(metadata, dict) else {}


def _header(content: bytes) -> bytes:
    if len(content) < 8:
        raise DistaffError(f"it has {len(content)} bytes and no header")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(LARGEST_HEADER, len(content) - 8):
        raise DistaffError("its header is longer than the file")
    return content[8 : 8 + length]


def _place(content: bytes) -> tuple[int, int]:
    """Where the checksum begins and ends."""
    match = SEAL.search(_header(content))
    if match is None:
        raise DistaffError("its header holds no checksum where it names one")
    return 8 + match.start(1), 8 + match.end(1)
