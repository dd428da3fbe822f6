"""Downloads that go on where they were cut, under pooch, which keeps the list of files, tries again and checks.

What has come so far stands in a hidden file beside the place of the whole, with the server's mark of its version, so
that the next try, or the next day's, asks for the rest only. Whatever cannot become the file is deleted.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Any

from distaff.data.cache.built import progress
from distaff.data.cache.published import File
from distaff.errors import DistaffError

TRIES_MORE = 3  # after a connection that was cut or refused; pooch waits 1, 2 and 3 seconds
TIMEOUT = (10.0, 60.0)  # seconds to connect, and without a byte
CHUNK = 2**18  # bytes: what a kill can cost
PASSING = {408, 425, 429, 500, 502, 503, 504}  # a server says that it may work later
HTML = (b"<!doctype html", b"<html")


class Refused(Exception):
    """What trying again will not mend; pooch would do so after a ValueError, which DistaffError is."""


def download(file: File, url: str, folder: Path) -> Path:
    """The whole file in `folder`, from there or from `url`; raises `DistaffError` for what the server gives instead."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    keeper = pooch.create(
        path=folder, base_url="", registry={file.name: file.checksum}, urls={file.name: url}, retry_if_failed=TRIES_MORE
    )
    part = folder / f".{file.name}.part"
    try:
        keeper.fetch(file.name, downloader=lambda url, out, _: _stream(file, url, part, Path(out)))
    except Refused as error:
        _forget(part)
        raise DistaffError(f"{url}: {error}") from error
    except (requests.RequestException, ValueError) as error:
        kept = f"; {part.stat().st_size:,} bytes are kept, the same command goes on from there" if part.exists() else ""
        raise DistaffError(f"{url} could not be fetched after {1 + TRIES_MORE} tries{kept}: {error}") from error
    return folder / file.name


def _stream(file: File, url: str, part: Path, out: Path) -> None:
    """Fetch what is missing of `part`; when it is whole and checked, move it to `out`."""
    import requests
    import urllib3

    mark = part.with_suffix(".mark")  # the version, as the server names it
    have = part.stat().st_size if part.exists() and mark.exists() else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "distaff"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": mark.read_text(encoding="utf-8")}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # the part is longer than the file
            _forget(part)
            raise requests.ConnectionError("what was kept does not fit the file; it is fetched anew")
        _check_answer(answer)
        have = have if answer.status_code == 206 else 0
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        resumable = (
            version is not None and not version.startswith("W/") and answer.headers.get("Accept-Ranges") != "none"
        )
        if resumable:
            mark.write_text(str(version), encoding="utf-8")
        total = have + int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
        try:
            with part.open("ab" if have else "wb") as kept, progress(f"fetching {file.name}", total) as advance:
                for chunk in answer.raw.stream(CHUNK, decode_content=False):
                    _check_begin(kept.tell(), chunk)
                    kept.write(chunk)
                    advance(kept.tell())
                have = kept.tell()
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(f"the connection was cut ({error})") from error
        finally:
            if not resumable:
                mark.unlink(missing_ok=True)
    if total is not None and have != total:
        raise requests.ConnectionError(f"the connection was cut after {have:,} of {total:,} bytes")
    _check_whole(file, part)
    part.replace(out)
    mark.unlink(missing_ok=True)


def _check_answer(answer: Any) -> None:
    if answer.status_code in PASSING:
        answer.raise_for_status()
    if answer.status_code >= 400:
        raise Refused(
            f"the server says {answer.status_code} {answer.reason}; another place may have the file: --from URL"
        )
    if "text/html" in answer.headers.get("Content-Type", ""):
        raise Refused("the server sends a page of HTML instead of the file; --from takes another URL or a file")


def _check_begin(at: int, chunk: bytes) -> None:
    if at == 0 and chunk[:64].lstrip().lower().startswith(HTML):
        raise Refused("the server sends a page of HTML instead of the file; --from takes another URL or a file")


def _check_whole(file: File, part: Path) -> None:
    """Refuse a file of another checksum: its next download would be the same."""
    if found := mismatch(file, part):
        raise Refused(another(file, found, file.name))


def another(file: File, found: str, name: object) -> str:
    """What is said of a file of another checksum."""
    return (
        f"{name} has the checksum {found}, not the {file.origin} {file.checksum}: "
        "it is another file (--unchecked takes it all the same)"
    )


def mismatch(file: File, path: Path) -> str | None:
    """The checksum of `path` if it is not that of `file`, else None; None as well where there is none."""
    import pooch

    if file.checksum is None:
        return None
    kind, _, wanted = file.checksum.partition(":")
    found = pooch.file_hash(str(path), alg=kind)
    return None if found == wanted else f"{kind}:{found}"


def _forget(part: Path) -> None:
    for left in (part, part.with_suffix(".mark")):
        with contextlib.suppress(FileNotFoundError):
            left.unlink()
