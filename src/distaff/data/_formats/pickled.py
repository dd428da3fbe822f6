"""The content of a pickle, read without running it: plain values and arrays of numbers; all else stays a name.

The official file of dSprites keeps its metadata as a pickle of Python 2. Its operations are only looked at, one after
the other: nothing is imported and nothing is called.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distaff.errors import DistaffError

LARGEST = 2**20  # bytes: the metadata of dSprites has some ten thousand
VALUES = 100_000  # that are looked at: a pickle may name one value many times, and that again
MARK = object()
PLAIN = {
    *("NONE", "NEWTRUE", "NEWFALSE", "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINBYTES", "SHORT_BINBYTES"),
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(eq=False)
class Named:
    """Something that the pickle would import, or make by calling it, and has not been."""

    name: str
    arguments: Any = ()
    state: Any = None


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def since_mark(self) -> list[Any]:
        at = max(i for i, item in enumerate(self.stack) if item is MARK)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items


def parse_pickle(data: bytes) -> Any:
    """The value that the pickle `data` writes; raises `DistaffError` if it is damaged or uses rarer operations."""
    machine = _Machine()
    try:
        if len(data) > LARGEST:
            raise ValueError(f"it has {len(data)} bytes")
        for operation, argument, _ in pickletools.genops(data):
            _interpret(machine, operation.name, argument)
        return numbers(machine.stack[-1])
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise DistaffError(f"a pickle of metadata cannot be parsed: {error}") from error


def _interpret(machine: _Machine, name: str, argument: Any) -> None:
    stack = machine.stack
    if name in PLAIN:
        stack.append(CONSTANTS.get(name, argument))
    elif name in EMPTY:
        stack.append(EMPTY[name]())
    elif name in TUPLES:
        stack[-TUPLES[name] :] = [tuple(stack[-TUPLES[name] :])]
    elif name == "MARK":
        stack.append(MARK)
    elif name in ("TUPLE", "LIST"):
        items = machine.since_mark()
        stack.append(tuple(items) if name == "TUPLE" else items)
    elif name in ("APPEND", "APPENDS"):
        items = machine.since_mark() if name == "APPENDS" else [stack.pop()]
        stack[-1].extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = machine.since_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
        stack[-1].update(zip(items[::2], items[1::2], strict=True))
    elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
        machine.memo[len(machine.memo) if name == "MEMOIZE" else argument] = stack[-1]
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(machine.memo[argument])
    else:
        _name(stack, name, argument)


def _name(stack: list[Any], name: str, argument: Any) -> None:
    """The operations that would import or call: they are noted instead."""
    if name == "GLOBAL":
        stack.append(Named(argument))
    elif name == "STACK_GLOBAL":
        last = stack.pop()
        stack[-1] = Named(f"{stack[-1]} {last}")
    elif name in ("REDUCE", "NEWOBJ"):
        arguments = stack.pop()
        stack[-1] = Named(stack[-1].name, arguments)
    elif name == "BUILD":
        state = stack.pop()
        stack[-1].state = state
    elif name not in ("PROTO", "FRAME", "STOP"):
        raise ValueError(f"it uses {name}")


def numbers(value: Any) -> Any:
    """`value` with its descriptions of numpy's arrays turned into such arrays, where they hold plain numbers.

    Raises `ValueError` for more than `VALUES` values.
    """
    seen = 0

    def plain(value: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen > VALUES:
            raise ValueError(f"it holds more than {VALUES:,} values")
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(plain(item) for item in value)
        if not isinstance(value, Named) or not value.name.endswith("_reconstruct") or value.state is None:
            return value
        _, shape, kind, fortran, content = value.state
        if isinstance(content, list):  # an array of objects
            return plain(content[0]) if shape == () else plain(content)
        dtype = np.dtype(kind.state[1] + kind.arguments[0])
        raw = content if isinstance(content, bytes) else content.encode("latin-1")
        return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")

    return plain(value)
