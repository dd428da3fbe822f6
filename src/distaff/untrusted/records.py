"""The form of records in a store, by their names: who reads a field of one may take its type for granted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

SAMPLINGS = ("disjoint", "2019")
SIZES = ("rows", "test_rows", "cells")
LOSSES = ("nll", "kl", "elbo")
TEXTS_OF_RUN = ("id", "dataset", "method", "network", "precision")
NUMBERS_OF_RUN = ("batch", "updates", "seed")
NAMES_OF_OPTIM = ("optim", "critic_optim")


def check_form(name: str, record: Mapping[str, Any]) -> None:
    """Raise `ValueError` where a record of a store, in a file of this name, lacks a field or holds another type.

    Records come from others, and from other tools. Fields that no form names are left alone.
    """
    for pattern, check in FORMS.items():
        if re.fullmatch(pattern, name):
            try:
                check(record)
            except KeyError as error:
                raise ValueError(f"it lacks {error}") from error
            except (TypeError, AttributeError) as error:
                raise ValueError(f"a part of it is of another kind: {error}") from error


def check_study(record: Mapping[str, Any]) -> None:
    """The form of studies/NAME.json."""
    _texts(record, "name", "purpose")
    if not isinstance(record["runs"], list) or not all(isinstance(text, str) for text in _list(record, "metrics")):
        raise ValueError("its runs are no list, or its metrics no texts")
    for run in record["runs"]:
        _run(run)


def _run_file(record: Mapping[str, Any]) -> None:
    _run(record)
    _numbers(record.get("ended") or {}, *(record.get("ended") or {}), optional=True)


def _run(record: Mapping[str, Any]) -> None:
    _texts(record, *TEXTS_OF_RUN)
    _numbers(record, *NUMBERS_OF_RUN)
    if not all(isinstance(record[name], dict) for name in NAMES_OF_OPTIM):
        raise ValueError("its optimisers are no objects")
    if record["critic"] is not None:
        _texts(record, "critic")


def _provenance(record: Mapping[str, Any]) -> None:
    _numbers(record, *({"seconds", "milliseconds"} & set(record)), optional=True)
    if not isinstance(record.get("files", {}), dict):
        raise ValueError("its checksums are no object")


def _scores(record: Mapping[str, Any]) -> None:
    for row in _list(record, "scores"):
        value = row["value"]
        texts = isinstance(row["metric"], str) and isinstance(row["representation"], str)
        if not texts or not isinstance(row.get("spec", ""), str) or not (value is None or _is_number(value)):
            raise ValueError("a row has no metric, no representation or no number")
    if (protocol := record.get("asked")) is not None:
        _protocol(protocol)
    if split := record.get("split"):
        _numbers(split, "images", "rows", "train", "test")
        _numbers(split, "overlap", optional=True)
        _one_of(split["sampling"], SAMPLINGS)
    losses = record.get("losses", {})
    _numbers(losses, *(name for name in LOSSES if name in losses), optional=True)


def _protocol(protocol: Mapping[str, Any]) -> None:
    _numbers(protocol, *SIZES)
    _one_of(protocol.get("sampling", SAMPLINGS[1]), SAMPLINGS)
    _texts(protocol["metrics"], *protocol["metrics"])


def _baselines(record: Mapping[str, Any]) -> None:
    _scores(record)
    for row in record["scores"]:
        _numbers(row, "seed")
        _texts(row, *({"of"} & set(row)))


def _udr(record: Mapping[str, Any]) -> None:
    _numbers(record["scores"], *record["scores"], optional=True)


def _repeats(record: Mapping[str, Any]) -> None:
    for row in _list(record, "answers"):
        _texts(row, "metric")
        _numbers(row, "rows", "draw")
        _numbers(row, "value", optional=True)


def _matrices(record: Mapping[str, Any]) -> None:
    for row in _list(record, "links"):
        _texts(row, "matrix", "factor")
        _numbers(row, "code", "value")


def _failure(record: Mapping[str, Any]) -> None:
    _texts(record, *({"reason", "trace", "kind"} & set(record)))


def _list(record: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(record[name], list):
        raise ValueError(f"its {name} are no list")
    return record[name]  # type: ignore[no-any-return]


def _texts(record: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(record[name], str):
            raise ValueError(f"its {name!r} is no text")


def _numbers(record: Mapping[str, Any], *names: str, optional: bool = False) -> None:
    for name in names:
        if not (_is_number(record[name]) or (optional and record[name] is None)):
            raise ValueError(f"its {name!r} is no number")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63


def _one_of(value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"it holds {str(value)[:80]!r} where {' or '.join(known)} is known")


FORMS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    r"run\.json": _run_file,
    r"provenance\.json": _provenance,
    r"scores-.*\.json": _scores,
    r"untrained-.*\.json": _baselines,
    r"udr-.*\.json": _udr,
    r"repeats-.*\.json": _repeats,
    r"matrices-.*\.json": _matrices,
    r"[0-9a-f]{16}(-.*)?\.json": _failure,
}
