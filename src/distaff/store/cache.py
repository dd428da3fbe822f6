"""What a store keeps to save time: made again, silently, where it is not there or is not what was written."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distaff.atomic import write
from distaff.seal import digest, is_sealed, sealed, unsealed
from distaff.untrusted.names import check_own
from distaff.untrusted.regular import read_bytes

if TYPE_CHECKING:
    import polars as pl


def cached_record(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The record in `path`, or what `make` makes, which is stored there where it can be.

    Raises `DistaffError` where the folder is a link, which leads out of the store.
    """
    check_own(path.parent)
    with contextlib.suppress(OSError, ValueError):
        content = read_bytes(path)
        if is_sealed(content):
            return unsealed(content)
    content = sealed(make())
    with contextlib.suppress(OSError):  # a store that cannot be written to: made anew each time
        write(path, content)
    return unsealed(content)


def cached_table(folder: Path, kind: str, key: str, make: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """The table of this kind and key, or what `make` makes, which takes the place of other tables of its kind.

    It stands in KIND-KEY-DIGITS.parquet; the digits are the first sixteen of its SHA-256. Raises `DistaffError` where
    the folder is a link, which leads out of the store.
    """
    import polars as pl

    check_own(folder)
    for path in sorted(folder.glob(f"{kind}-{key}-*.parquet")):
        with contextlib.suppress(OSError, ValueError, pl.exceptions.PolarsError):
            content = read_bytes(path)
            if path.stem.endswith(f"-{digest(content)[:16]}"):
                return pl.read_parquet(io.BytesIO(content))
    table = make()
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd")
    with contextlib.suppress(OSError):  # a store that cannot be written to is read anew each time
        for old in folder.glob(f"{kind}-*.parquet"):
            old.unlink(missing_ok=True)
        write(folder / f"{kind}-{key}-{digest(buffer.getvalue())[:16]}.parquet", buffer.getvalue())
    return table
