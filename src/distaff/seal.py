"""Checksums of what is written: in JSON records and pictures they stand inside, so that one file is all there is to it.

A record is JSON whose first key is the SHA-256 of all bytes after it. A picture has it in a text chunk (PNG) or a
comment (GIF), which every program that shows pictures passes over. Any change of a byte is seen, also one that leaves
the same content: a file that another program wrote again is not what was written.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from typing import Any

from distaff.errors import DistaffError

FORMAT = 2  # of the records of a store: 1 had no checksums, and is read as well
SEAL = (
    b'{"sha256": "'  # how a sealed file starts; sixty-four digits and `",` follow, and then what they are the hash of
)
BODY = len(SEAL) + 64 + 2
PNG, PNG_END = b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x00IEND\xaeB`\x82"
GIF, GIF_END = b"GIF8", b";"
KEYWORD = b"sha256"


class NewerFormatError(DistaffError):
    """A record of a later version of distaff: it is not damaged, and this version must neither read nor change it."""


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def sealed(value: dict[str, Any]) -> bytes:
    """`value` as JSON, a key a line, behind the SHA-256 of all that follows the first line's checksum."""
    body = ("\n" + ",\n".join(f" {json.dumps(key)}: {_block(part)}" for key, part in value.items()) + "\n}\n").encode()
    return SEAL + digest(body).encode() + b'",' + body


def is_sealed(content: bytes) -> bool:
    """Whether these are bytes that `sealed` made, every one as it was."""
    return content.startswith(SEAL) and digest(content[BODY:]).encode() == content[len(SEAL) : BODY - 2]


def unsealed(content: bytes) -> dict[str, Any]:
    """The value that `sealed` wrote, or a record of format 1, which had no checksum.

    Raises `NewerFormatError` for a record of a later format, and `ValueError` where the checksum does not match, where
    another program has written the file again, or where a record that must have a checksum has none.
    """
    intact = is_sealed(content)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError("its checksum does not match" if content.startswith(SEAL) else f"no JSON: {error}") from error
    if not isinstance(value, dict):
        raise ValueError("it does not hold a JSON object")
    refuse_newer(value, "it")
    if not intact and (content.startswith(SEAL) or "sha256" in value):
        raise ValueError("its checksum does not match")
    if not intact and value.get("format", 1) != 1:
        raise ValueError("it has no checksum: another program has written it again")
    return value


def refuse_newer(value: dict[str, Any], name: str) -> None:
    """Raise `NewerFormatError` for a record, called `name`, of a format that this version does not know."""
    format = value.get("format", 1)
    if not isinstance(format, int) or isinstance(format, bool) or format < 1:
        raise DistaffError(f"{name} is of format {format!r}, which is no number from 1 to {FORMAT}")
    if format > FORMAT:
        raise NewerFormatError(f"{name} is of format {format}, and this version reads up to {FORMAT}: update distaff")


def sealed_picture(content: bytes) -> bytes:
    """A PNG or GIF with the SHA-256 of its bytes in it; raises `ValueError` for any other file."""
    hex = digest(content).encode()
    if content.startswith(PNG) and content.endswith(PNG_END):
        return content[: -len(PNG_END)] + _text_chunk(hex) + PNG_END
    if content.startswith(GIF) and content.endswith(GIF_END):
        return content[: -len(GIF_END)] + _comment(hex) + GIF_END
    raise ValueError("it is neither a whole PNG nor a whole GIF")


def check_picture(content: bytes) -> None:
    """Raise `ValueError` for a picture that is not what was written; an earlier version's only has to be whole."""
    for begin, end, seal in ((PNG, PNG_END, _text_chunk), (GIF, GIF_END, _comment)):
        if content.startswith(begin):
            if not content.endswith(end):
                raise ValueError("its end is missing")
            place = len(content) - len(end) - len(seal(b"0" * 64))
            plain = content[:place] + end
            if KEYWORD in content[place : -len(end)]:
                if content[place:] != seal(digest(plain).encode()) + end:
                    raise ValueError("its checksum does not match")
            elif begin == PNG:
                _check_chunks(content)
            return
    raise ValueError("it is neither a PNG nor a GIF")


def _text_chunk(hex: bytes) -> bytes:
    body = b"tEXt" + KEYWORD + b"\0" + hex
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def _comment(hex: bytes) -> bytes:
    text = KEYWORD + b" " + hex
    return b"\x21\xfe" + bytes([len(text)]) + text + b"\0"


def _check_chunks(content: bytes) -> None:
    """The checksums that every PNG has of its own."""
    place = len(PNG)
    while place < len(content):
        size = int.from_bytes(content[place : place + 4], "big")
        body, crc = content[place + 4 : place + 8 + size], content[place + 8 + size : place + 12 + size]
        if len(crc) < 4 or zlib.crc32(body) != int.from_bytes(crc, "big"):
            raise ValueError("its checksum does not match")
        place += 12 + size


def _block(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"  {json.dumps(item, allow_nan=False)}" for item in value) + "\n ]"
    return json.dumps(value, allow_nan=False)
