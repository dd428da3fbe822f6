"""Values that a file writes as literals, or as names of literals, read from its syntax tree: nothing is run."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any


def constants(tree: ast.Module) -> dict[str, Any]:
    """The names that the file binds once, outside its functions, and to a literal: `BINS = 20`."""
    scope = list(_scope(tree))
    bound = Counter(name for node in scope for name in _bound(node))
    bound.update(name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)
    found: dict[str, Any] = {}
    for node in scope:
        target, value = _assignment(node)
        if target and value is not None and bound[target] == 1:
            try:
                found[target] = value_of(value, found)
            except ValueError:
                continue
    return found


def value_of(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """The value of a literal in which names of `known` may stand; raises `ValueError` for anything else."""

    class Named(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.AST:
            return ast.parse(repr(known[name.id]), mode="eval").body if name.id in known else name

    copied = ast.parse(ast.unparse(node), mode="eval").body  # the tree itself stays as it is
    return ast.literal_eval(Named().visit(copied))


def _scope(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of the file that run when it is imported, in the order of its text."""
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)


def _assignment(node: ast.AST) -> tuple[str, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return "", None
