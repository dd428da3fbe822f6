"""The rooms stand where the design puts them: imports go down one ladder."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import distaff
from distaff.plugins.registry import KINDS

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src" / "distaff"


def ladder() -> dict[str, set[str]]:
    """Which rooms each may import, from the one text that says so: what stands at its arrow, and what those may."""
    found: dict[str, set[str]] = {}
    for left, right in re.findall(r"^    ([a-z ]+?) *<- ?([a-z ]*?)(?:  .*)?$", distaff.__doc__, re.MULTILINE):
        below = {name for room in right.split() for name in (room, *found[room])}  # KeyError: an arrow that runs up
        found |= dict.fromkeys(left.split(), below)
    return found


LADDER = ladder()


def modules(path: Path) -> set[str]:
    """All that a file imports, anywhere in it, with the names that it takes of each module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> str:
    """The room of a file of the package."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The rooms of distaff that a file imports."""
    return {name.split(".")[1] for name in modules(path) if name.startswith("distaff.")}


@pytest.mark.parametrize("room", sorted(LADDER))
def test_imports_go_down_the_ladder_only(room: str) -> None:
    files = [SOURCE / f"{room}.py"] if (SOURCE / f"{room}.py").exists() else sorted((SOURCE / room).rglob("*.py"))
    for path in files:
        place = path.relative_to(SOURCE).as_posix()
        allowed = LADDER[room] | {room}
        assert imported(path) <= allowed, f"{place} imports {sorted(imported(path) - allowed)}"


def test_no_room_is_off_the_ladder() -> None:
    rooms = {path.stem for path in SOURCE.glob("[!_]*") if path.suffix == ".py" or [*path.glob("*.py")]}
    assert rooms == set(LADDER)


@pytest.mark.parametrize("room", ["metrics", "tasks"])
def test_metrics_and_tasks_never_import_torch(room: str) -> None:
    for path in (SOURCE / room).rglob("*.py"):
        assert "torch" not in {name.split(".")[0] for name in modules(path)}, path


def test_no_private_name_crosses_a_room() -> None:
    for path in SOURCE.rglob("*.py"):
        room = room_of(path)
        for name in modules(path):
            parts = name.split(".")
            crosses = parts[0] == "distaff" and parts[1:2] != [room]
            assert not (crosses and any(part.startswith("_") and not part.endswith("__") for part in parts)), (
                path,
                name,
            )


def test_tests_and_benchmarks_take_no_private_name_of_a_command() -> None:
    for path in [*HERE.glob("*.py"), *(HERE.parent / "benchmarks").glob("*.py")]:
        assert not [name for name in modules(path) if re.match(r"distaff\.commands\..*\._", name)], path


def test_figures_charts_and_pages_see_analysis_alone() -> None:
    """A figure is a function of the table: only what builds and keeps a report knows of stores and models."""
    for path in [path for part in ("figures", "charts", "pages") for path in (SOURCE / "reports" / part).glob("*.py")]:
        assert imported(path) <= LADDER["analysis"] | {"analysis", "atomic", "reports", "untrusted"}, path


def test_a_room_holds_things_of_one_kind() -> None:
    """At most twenty files beside each other, but for plug-ins, which are of one kind."""
    plugins = {SOURCE / registry.folder for registry in KINDS.values()}
    for folder in {path.parent for path in SOURCE.rglob("*.py")} - plugins:
        assert len(list(folder.glob("*.py"))) <= 20, folder
