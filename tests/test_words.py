"""Names in the code are the field's words: the glossary in CONTRIBUTING.md says which, and which not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import distaff

TOP = Path(__file__).parent.parent
SOURCE = Path(distaff.__file__).parent
OF_A_ROOM = "floor"  # in a drawn scene it is the floor


def forbidden() -> set[str]:
    """The words of the glossary's last column, with their plurals and what is made of them."""
    section = (TOP / "CONTRIBUTING.md").read_text("utf-8").partition("## Words")[2]
    rows = re.findall(r"^\| .*? \| .*? \|(.*)\|$", section, re.MULTILINE)
    words = {word.strip() for row in rows[1:] for word in row.split(",") if word.strip() and "-" not in word}
    endings = ("", "s", "ed", "er", "ing")
    return {f"{word}{ending}" for word in words for ending in endings} | {"tells", "telling"}


def names(path: Path) -> Iterator[tuple[str, int]]:
    """Every name that a file gives to something: functions, classes, parameters, variables, imports under a name."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname, node.lineno) for alias in node.names if alias.asname)


def parts(name: str) -> set[str]:
    """The words of a name: `untrained_floor` and `UntrainedFloor` are made of the same two."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_the_glossary_is_read() -> None:
    assert {"told", "asked", "answers", "lesson", "rivals", "floor", "cells"} <= forbidden()
    assert parts("_UNTRAINED_floorOf2") == {"untrained", "floor", "of"}


def test_names_are_the_words_of_the_glossary() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        words = forbidden() - ({OF_A_ROOM} if "data" in path.relative_to(SOURCE).parts else set())
        wrong += [f"{path.relative_to(SOURCE)}:{line} {name}" for name, line in names(path) if parts(name) & words]
        assert not parts(path.stem) & words, path
    assert not wrong, "\n".join(wrong)


def test_only_sentences_of_papers_are_claims() -> None:
    for room in ("store", "study", "training", "scoring"):
        for path in (SOURCE / room).rglob("*.py"):
            claims = [name for name, _ in names(path) if parts(name) & {"claim", "claims"}]
            assert not claims, (path, claims)
