"""Texts of strangers on pages: in HTML, in addresses, inside scripts, in Markdown, on a terminal.

Every page takes them from here. What is shown is what was written, and it is never markup.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

SURROGATES = re.compile("[\ud800-\udfff]")  # what stands for bytes that are not UTF-8; it cannot be written as UTF-8
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # and what turns the direction of text
IN_SCRIPT = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
NAME_LENGTH = 80  # of a file
HASHED = re.compile(r"-[0-9a-f]{8}$")
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def escape(text: object) -> str:
    """A text inside an element of HTML, or inside a quoted attribute."""
    return html.escape(SURROGATES.sub("\ufffd", str(text)).replace("\0", "\ufffd"))


def file_name(text: str) -> str:
    """A text as part of the name of a file: letters and digits, different for different texts.

    A text that is no such name itself is followed by digits of its hash.
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", text)
    if re.match(r"[A-Za-z0-9_]", text) and plain == text and len(text) <= NAME_LENGTH and not HASHED.search(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[:NAME_LENGTH].strip('._-') or 'name'}-{digest}"


def href(file: str, fragment: str = "") -> str:
    """An address of a file beside the page, and of a place or a search on it, for a quoted attribute."""
    return escape(address(file, fragment))


def address(file: str, fragment: str = "") -> str:
    """The same for scripts, which set attributes themselves."""
    place = f"#{quote(fragment, safe='', errors='replace')}" if fragment else ""
    return quote(file, safe="/", errors="surrogateescape") + place


def json_in_script(value: Any) -> str:
    """JSON that is safe inside a script element.

    No `<` can end or begin anything there, and what is not allowed in a string of older scripts, or in UTF-8, is
    written as an escape.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return IN_SCRIPT.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def filled(template: str, holes: Mapping[str, str]) -> str:
    """A template with each `{{name}}` in it replaced once: what stands in a text is not taken for another hole."""
    first, *pieces = template.split("{{")
    return first + "".join(holes[name] + rest for name, rest in (piece.split("}}", 1) for piece in pieces))


def page_policy(scripts: Iterable[str] = ()) -> str:
    """The content-security-policy of a page that opens from disk: its own files, and these inline scripts by hash.

    Nothing is fetched from elsewhere, and nothing is evaluated, framed or sent. `file:` stands beside 'self' for pages
    that are opened from disk, which some browsers treat as no origin at all.
    """
    inline = [script for text in scripts for script in INLINE.findall(text)]
    hashes = "".join(f" 'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in inline)
    return (
        f"default-src 'none'; script-src 'self' file:{hashes}; style-src 'self' file: 'unsafe-inline'; "
        "img-src 'self' file: data:; base-uri 'none'; form-action 'none'"
    )


def markdown(text: str) -> str:
    """A text on one line of Markdown."""
    line = " ".join(SURROGATES.sub("\ufffd", text).split())
    return re.sub(r"([\\`*\[\]<>!|&$])", r"\\\1", line)


def code_span(text: str) -> str:
    """A text as code inside a line of Markdown, whatever backticks it holds."""
    line = " ".join(SURROGATES.sub("\ufffd", text).split())
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def code_block(text: str, language: str = "") -> str:
    """Lines of code as a block of Markdown, whatever backticks they hold."""
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{language}\n{SURROGATES.sub(chr(0xFFFD), text)}\n{ticks}"


def yaml(text: str) -> str:
    """A text as a value of YAML: a string of JSON is one."""
    return json.dumps(SURROGATES.sub("\ufffd", text))


def printable(text: str) -> str:
    """A text on a terminal: characters that would move its cursor or turn its text are shown as escapes."""
    return SURROGATES.sub("\ufffd", CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", text))
