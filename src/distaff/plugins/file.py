"""What the file of a plug-in declares: parameters, documentation and marks, from the syntax tree alone."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from distaff.plugins.boundary import Origin
from distaff.plugins.kinds import CONTRACTS
from distaff.plugins.literals import constants, value_of

REQUIRED = object()  # stands where a parameter has no default
UNREADABLE = object()  # stands where a default is no literal


@dataclass(frozen=True)
class Parameter:
    """A keyword-only argument of a plug-in: its name, its annotation as written, and its default."""

    name: str
    annotation: str
    default: Any

    @property
    def hyper(self) -> bool:
        """Whether the value is data to the engine (stacked over models) rather than structure."""
        return self.annotation == "Hyper"


@dataclass(frozen=True)
class Plugin:
    """What the file of a plug-in declares, read without importing it."""

    kind: str
    name: str
    path: Path
    doc: str
    parameters: tuple[Parameter, ...]
    marks: Mapping[str, Any] = field(repr=False)
    marked: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()  # positional arguments without a default: what it cannot be called without
    positional: tuple[str, ...] = ()  # all that can be given without their names
    collects: bool = False  # whether it takes *arguments or **keywords
    line: int = 1  # of its definition

    def has(self, mark: str) -> bool:
        """Whether the decorator line gives `mark`, also where its value is not a literal (a critic's loss)."""
        return mark in self.marked

    @property
    def summary(self) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join(self.doc.split("\n\n")[0].split())

    @property
    def origin(self) -> Origin:
        """Where its function stands, for messages."""
        return Origin(self.kind, self.name, str(self.path), self.line)


@functools.lru_cache(maxsize=1024)
def read_plugin(kind: str, name: str, path: Path, _modified: int) -> Plugin:
    """The plug-in that `path` defines, from its syntax tree; read again when the file changes.

    Raises `PluginError` for a file that is not Python, or holds no function of its own name under the decorator line.
    """
    tree = _tree(Origin(kind, name, str(path), 1))
    node = _function(kind, name, path, tree)
    known = constants(tree)
    call = _decorator(kind, node, tree)
    assert call is not None
    args = node.args
    positional = tuple(argument.arg for argument in (*args.posonlyargs, *args.args))
    return Plugin(
        kind,
        name,
        path,
        ast.get_docstring(node) or "",
        tuple(
            Parameter(arg.arg, _annotation(arg.annotation), _default(default, known))
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        ),
        MappingProxyType(dict(_literals(call, known))),
        frozenset(str(keyword.arg) for keyword in call.keywords),
        positional[: len(positional) - len(args.defaults)],
        positional,
        args.vararg is not None or args.kwarg is not None,
        node.lineno,
    )


def kind_of(path: Path) -> str | None:
    """The kind that a file is of by its decorator line, even where it is not Python as a whole; None if it has none."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError, OSError):
        return _kind_in_text(path)
    nodes = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for node in sorted(nodes, key=lambda node: node.name != path.stem):
        for kind in CONTRACTS:
            if kind != "critic" and _decorator(kind, node, tree) is not None:
                return "critic" if kind == "network" and _takes_latents(node) else kind
    return None


def _takes_latents(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Networks and critics share a decorator: a critic is given the number of latents, a network a shape."""
    return [arg.arg for arg in (*node.args.posonlyargs, *node.args.args)] == ["latents"]


def _kind_in_text(path: Path) -> str | None:
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return None
    written = re.search(r"^@(?:\w+\.)*(\w+)\s*\(", text, re.MULTILINE)
    return next((kind for kind, one in CONTRACTS.items() if written and written[1] == one.decorator), None)


def _tree(origin: Origin) -> ast.Module:
    try:
        return ast.parse(Path(origin.path).read_bytes(), filename=origin.path)
    except SyntaxError as error:
        raise origin.error(f"the file is not Python ({error.msg})", error.lineno) from error
    except ValueError as error:  # what the parser says of zero bytes
        raise origin.error(f"the file is not Python ({error})") from error


def _function(kind: str, name: str, path: Path, tree: ast.Module) -> ast.FunctionDef:
    """The function of the plug-in; raises `PluginError` where it is missing, or lacks its decorator."""
    decorator, origin = CONTRACTS[kind].decorator, Origin(kind, name, str(path), 1)
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
            raise origin.error(f"{name} is not an ordinary function", node.lineno)
        if isinstance(node, ast.FunctionDef) and node.name == name:
            if _decorator(kind, node, tree) is None:
                _refuse_undecorated(origin, decorator, node)
            return node
    others = [n.name for n in tree.body if isinstance(n, ast.FunctionDef) and _decorator(kind, n, tree) is not None]
    found = f"it defines {others[0]} under @{decorator}: name the file {others[0]}.py" if others else (
        "a file beside plug-ins that is none begins with an underscore"
    )  # fmt: skip
    raise origin.error(f"the file must define a function of its own name, {name}; {found}")


def _refuse_undecorated(origin: Origin, decorator: str, node: ast.FunctionDef) -> NoReturn:
    given = ", ".join(f"@{ast.unparse(one)}".partition("(")[0] for one in node.decorator_list)
    bare = given == f"@{decorator}"
    found = f"@{decorator} lacks its marks" if bare else f"it stands under {given}" if given else "it has none"
    raise origin.error(f"the function {origin.name} needs the decorator line @{decorator}(...); {found}", node.lineno)


def _decorator(kind: str, node: ast.FunctionDef | ast.AsyncFunctionDef, tree: ast.Module) -> ast.Call | None:
    """The decorator line of a kind over a function, also where it was imported under another name."""
    names = {CONTRACTS[kind].decorator}
    imported = [alias for one in tree.body if isinstance(one, ast.ImportFrom) for alias in one.names]
    names |= {alias.asname for alias in imported if alias.asname and alias.name in names}
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in names:
            return call
    return None


def _annotation(node: ast.expr | None) -> str:
    """The annotation as written; one in quotes is what stands in them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "" if node is None else ast.unparse(node)


def _default(node: ast.expr | None, known: Mapping[str, Any]) -> Any:
    if node is None:
        return REQUIRED
    try:
        return value_of(node, known)
    except ValueError:
        return UNREADABLE


def _literals(call: ast.Call, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The literal arguments of the decorator line; those that name functions are left to the import."""
    for keyword in call.keywords:
        try:
            yield str(keyword.arg), value_of(keyword.value, known)
        except ValueError:
            continue
