"""Tables of strangers: CSV as lines of texts, CSV and parquet as frames, all of bounded size."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distaff.errors import DistaffError
from distaff.untrusted.bounds import fits_memory, plausible
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import read_bytes

if TYPE_CHECKING:
    import polars as pl

LARGEST = 2**30  # bytes of a table
LONGEST = 1000  # characters of a field that is a value
COLUMNS = 10_000
VALUE = 16  # bytes of a value in memory, at the least


def read_lines(path: Path) -> list[list[str]]:
    """The lines of a CSV file in UTF-8 as fields, without empty ones.

    Raises `DistaffError` for another encoding, quotes that are not closed, a field of more than 1,000 characters, and
    lines of more than 10,000 fields.
    """
    with reading(path, "cannot be read as CSV in UTF-8"):
        text = read_bytes(path, LARGEST).decode("utf-8-sig")
        lines: list[list[str]] = []
        for line in csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True):
            if len(line) > COLUMNS or max(map(len, line), default=0) > LONGEST:
                raise DistaffError(
                    f"{path}: line {len(lines) + 1} has {len(line):,} fields, the longest of "
                    f"{max(map(len, line)):,} characters; at most {COLUMNS:,} of {LONGEST:,} are read"
                )
            if line:
                lines.append(line)
    return lines


def read_frame(path: Path, schema: Mapping[str, Any]) -> pl.DataFrame:
    """The columns of `schema` that a CSV or parquet file has, with its types in polars.

    Raises `DistaffError` for a damaged file, values of other types, and a table that does not fit in memory.
    """
    import polars as pl

    with reading(path, "cannot be read as a table of scores"):
        content = read_bytes(path, LARGEST)
        if content[:4] == b"PAR1":
            return _of_parquet(path, content, schema)
        if path.suffix.lower() != ".csv":
            raise DistaffError(f"{path} cannot be read as a table of scores: it is no parquet file, and not named .csv")
        text = content.decode("utf-8-sig")
        header = next(csv.reader(io.StringIO(text, newline="")), [])
        if len(set(header)) != len(header) or len(header) > COLUMNS:
            raise DistaffError(
                f"{path} cannot be read as a table of scores: its header repeats a column, or is endless"
            )
        known = {name: kind for name, kind in schema.items() if name in header}
        return pl.read_csv(text.encode(), columns=list(known), schema_overrides=known)


def read_numbers(content: bytes, path: Path) -> pl.DataFrame:
    """All columns of a parquet file, each of numbers; raises `DistaffError` for anything else."""
    import polars as pl

    with reading(path, "cannot be read as a table of numbers"):
        table = _arrow(path, content, None)
        if other := [
            name for name, kind in zip(table.column_names, table.schema.types, strict=True) if not _number(kind)
        ]:
            raise DistaffError(f"{path} cannot be read as a table of numbers: {other[0][:80]!r} holds others")
        return pl.DataFrame([pl.Series(name, pl.from_arrow(table.column(name))) for name in table.column_names])


def _number(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _of_parquet(path: Path, content: bytes, schema: Mapping[str, Any]) -> pl.DataFrame:
    import polars as pl

    table = _arrow(path, content, schema)
    frame = pl.DataFrame([_series(name, table.column(name), schema[name]) for name in table.column_names])
    return frame.with_columns(pl.col(name).cast(schema[name]) for name in frame.columns)


def _arrow(path: Path, content: bytes, wanted: Iterable[str] | None) -> Any:
    """A parquet file, or some of its columns, by Arrow's library, which stands damaged files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(content), memory_map=False)
    present = file.schema_arrow.names
    if len(set(present)) != len(present) or len(present) > COLUMNS:
        raise DistaffError(f"{path} has two columns of one name, or more than {COLUMNS:,}")
    names = present if wanted is None else [name for name in wanted if name in present]
    rows, groups = file.metadata.num_rows, range(file.metadata.num_row_groups)
    fits_memory(str(path), max(0, rows) * VALUE * max(1, len(names)))
    unpacked = sum(max(0, file.metadata.row_group(number).total_byte_size) for number in groups)
    plausible(str(path), unpacked, len(content))
    table = file.read(columns=names, use_threads=False)
    table.validate(full=True)
    return table


def _series(name: str, column: Any, kind: Any) -> pl.Series:
    import polars as pl
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    plain = {pl.Float64: pa.float64(), pl.Int64: pa.int64()}.get(kind, pa.large_string())
    return pl.Series(name, pl.from_arrow(column.cast(plain)))
