"""The rooms stand where the design puts them: imports go down one ladder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "distaff"
GROUND = {"errors", "heap", "plugins", "rng", "types"}
LADDER = {
    **dict.fromkeys(GROUND, GROUND),
    "draws": set(),
    "runs": GROUND,
    "data": GROUND,
    "networks": GROUND,
    "methods": {"errors", "plugins", "types"},
    "metrics": {"errors", "plugins", "draws"},
    "tasks": {"errors", "plugins", "draws", "metrics"},
    "encode": GROUND | {"data", "networks"},
    "train": GROUND | {"data", "networks", "methods", "runs"},
    "pictures": GROUND | {"runs", "data", "networks", "encode", "metrics", "draws"},
    "theory": GROUND | {"runs", "data", "networks", "train", "encode", "metrics", "pictures", "draws"},
    "store": GROUND | {"runs", "train", "study"},
    "scoring": GROUND | {"runs", "draws", "data", "networks", "train", "encode", "metrics", "tasks", "store", "study"},
    "study": GROUND | {"runs", "data", "networks", "train", "encode", "pictures", "store", "scoring"},
    "analysis": {"errors", "metrics"},
    "report": {"errors", "plugins", "analysis"},
    "share": GROUND | {"runs", "data", "networks", "store", "scoring"},
    "explore": GROUND | {"runs", "data", "networks", "encode", "store", "scoring", "pictures", "report"},
}
EXCEPTIONS: dict[str, set[str]] = {}


def imported(path: Path) -> set[str]:
    """The rooms of distaff that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{a.name}" if node.module == "distaff" else node.module for a in node.names}
    return {name.split(".")[1] for name in found if name.startswith("distaff.")}


@pytest.mark.parametrize("room", sorted(LADDER))
def test_imports_go_down_the_ladder_only(room: str) -> None:
    files = [SOURCE / f"{room}.py"] if (SOURCE / f"{room}.py").exists() else sorted((SOURCE / room).rglob("*.py"))
    for path in files:
        place = path.relative_to(SOURCE).as_posix()
        allowed = LADDER[room] | {room} | EXCEPTIONS.get(place, set())
        assert imported(path) <= allowed, f"{place} imports {sorted(imported(path) - allowed)}"


def test_no_room_is_off_the_ladder() -> None:
    rooms = {path.stem for path in SOURCE.glob("[!_]*") if path.suffix == ".py" or [*path.glob("*.py")]}
    assert rooms - {"cli", "commands"} == set(LADDER)


def test_metrics_and_tasks_never_import_torch() -> None:
    for path in [*(SOURCE / "metrics").glob("*.py"), *(SOURCE / "tasks").glob("*.py")]:
        names = {a.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Import) for a in n.names}
        assert not {name for name in names if name.split(".")[0] == "torch"}, path
