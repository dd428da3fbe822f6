"""Downloads that go on where they were cut, under pooch, which keeps the list of files, tries again and checks.

What has arrived so far is in a hidden file beside the place of the whole, with the server's mark of its version, so
that the next try, or the next day's, requests the rest only. Whatever cannot become the file is deleted.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path
from typing import Any

from distaff.data.cache.built import progress_line
from distaff.data.cache.published import File
from distaff.errors import DistaffError

TRIES_MORE = 3  # after a connection that was cut or refused; pooch waits 1, 2 and 3 seconds
TIMEOUT = (10.0, 60.0)  # seconds to connect, and without a byte
CHUNK = 2**18  # bytes: what a kill can cost
RETRYABLE = {408, 425, 429, 500, 502, 503, 504}  # statuses that may pass
HTML = (b"<!doctype html", b"<html")


class Refused(Exception):
    """A failure that trying again will not mend; pooch retries after a ValueError, which DistaffError is."""


def download(file: File, url: str, folder: Path) -> Path:
    """The whole file in `folder`, from there or from `url`; raises `DistaffError` if the server fails to send it."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    registry = pooch.create(
        path=folder, base_url="", registry={file.name: file.checksum}, urls={file.name: url}, retry_if_failed=TRIES_MORE
    )
    part = folder / f".{file.name}.part"
    try:
        registry.fetch(file.name, downloader=lambda url, out, _: _stream(file, url, part, Path(out)))
    except Refused as error:
        _forget(part)
        raise DistaffError(f"{url}: {error}") from error
    except (requests.RequestException, ValueError) as error:
        partial = f"; {part.stat().st_size:,} bytes are saved, the same command continues" if part.exists() else ""
        raise DistaffError(f"{url} could not be fetched after {1 + TRIES_MORE} tries{partial}: {error}") from error
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
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416:  # the part is longer than the file
            _forget(part)
            raise requests.ConnectionError("the partial download is longer than the file; it is fetched anew")
        _check_response(response)
        have = have if response.status_code == 206 else 0
        version = response.headers.get("ETag") or response.headers.get("Last-Modified")
        resumable = (
            version is not None and not version.startswith("W/") and response.headers.get("Accept-Ranges") != "none"
        )
        if resumable:
            mark.write_text(str(version), encoding="utf-8")
        total = have + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
        most = _most_bytes(file, total, part)
        _check_size(total or 0, most)
        try:
            with part.open("ab" if have else "wb") as out_file, progress_line(f"fetching {file.name}", total) as update:
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    _check_begin(out_file.tell(), chunk)
                    _check_size(out_file.tell() + len(chunk), most)
                    out_file.write(chunk)
                    update(out_file.tell())
                have = out_file.tell()
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


def _check_response(response: Any) -> None:
    if response.status_code in RETRYABLE:
        response.raise_for_status()
    if response.status_code >= 400:
        raise Refused(
            f"the server returned {response.status_code} {response.reason}; give another source with --from URL"
        )
    if "text/html" in response.headers.get("Content-Type", ""):
        raise Refused("the server sends a page of HTML instead of the file; give another URL or a file with --from")


def _check_begin(at: int, chunk: bytes) -> None:
    if at == 0 and chunk[:64].lstrip().lower().startswith(HTML):
        raise Refused("the server sends a page of HTML instead of the file; give another URL or a file with --from")


def _most_bytes(file: File, total: int | None, part: Path) -> int:
    """How long a file may be: as long as published, else as its server announces, and where nobody says, the disk."""
    if file.bytes is not None and file.checksum is not None:  # else another file is accepted, whose size nobody knows
        return file.bytes
    return shutil.disk_usage(part.parent).free if total is None else total


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise Refused(
            f"the server sends more than the {most:,} bytes that the file has; give another source with --from"
        )


def _check_whole(file: File, part: Path) -> None:
    """Refuse a file of another checksum: its next download would be the same."""
    if wrong := mismatch(file, part):
        raise Refused(wrong_checksum(file, wrong, file.name))


def wrong_checksum(file: File, checksum: str, name: object) -> str:
    """The message on a file of another checksum."""
    return (
        f"{name} has the checksum {checksum}, not the {file.origin} {file.checksum}: "
        "it is another file (--unchecked accepts it all the same)"
    )


def mismatch(file: File, path: Path) -> str | None:
    """The checksum of `path` if it is not that of `file`, else None; None as well where there is none."""
    import pooch

    if file.checksum is None:
        return None
    kind, _, expected = file.checksum.partition(":")
    actual = pooch.file_hash(str(path), alg=kind)
    return None if actual == expected else f"{kind}:{actual}"


def _forget(part: Path) -> None:
    for leftover in (part, part.with_suffix(".mark")):
        with contextlib.suppress(FileNotFoundError):
            leftover.unlink()
