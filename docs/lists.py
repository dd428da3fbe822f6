"""What lists plug-ins in the tree, generated from their files: `make lists` writes it, a test holds that it is current.

Imports for type checkers, the table of methods, the list of pages of metrics, and CONTRIBUTING's examples. The pages of
data sets are written by data/make.py, those of the site by made.py.
"""

from __future__ import annotations

import re
from pathlib import Path

from distaff.plugins.file import Plugin
from distaff.plugins.registry import FIGURES, KINDS, METHODS, METRICS, TASKS, Registry
from distaff.testing.new_plugin import text_of

TOP = Path(__file__).parent.parent
TYPED = {  # packages that offer plug-ins by name
    "methods": METHODS,
    "metrics": METRICS,
    "tasks": TASKS,
    "reports": FIGURES,
}
WIDTH = 120
EXAMPLE = re.compile(r"(### [^\n]*`src/distaff/([\w/]+)/(\w+)\.py`\n\n```python\n).*?(```)", re.DOTALL)


def lists(top: Path = TOP) -> dict[Path, str]:
    """Every file that lists plug-ins, with the text that it should have."""
    typed = {top / "src" / "distaff" / room / "__init__.py": room for room in TYPED}
    found = {path: imports(path.read_text("utf-8"), TYPED[room]) for path, room in typed.items()}
    found[top / "CONTRIBUTING.md"] = examples((top / "CONTRIBUTING.md").read_text("utf-8"))
    for page, inside in (("methods.md", table_of_methods()), ("metrics/README.md", pages_of_metrics(top))):
        path = top / "docs" / page
        found[path] = between(path.read_text("utf-8"), inside)
    return found


def imports(text: str, registry: Registry) -> str:
    """The text of a package whose last `if TYPE_CHECKING:` imports every plug-in by name."""
    before, _, rest = text.rpartition("if TYPE_CHECKING:\n")
    after = rest[rest.index("else:") :]
    place = f"distaff.{registry.folder.replace('/', '.')}"
    lines = []
    for name in registry.packaged():
        line = f"    from {place}.{name} import {name} as {name}"
        wrapped = f"    from {place}.{name} import (\n        {name} as {name},\n    )"
        lines.append(line if len(line) <= WIDTH else wrapped)
    return f"{before}if TYPE_CHECKING:\n" + "\n".join(lines) + f"\n{after}"


def examples(text: str) -> str:
    """CONTRIBUTING with the examples that `distaff new` writes."""
    kinds = {registry.folder: registry.kind for registry in KINDS.values()}
    return EXAMPLE.sub(lambda found: found[1] + text_of(kinds[found[2]], found[3]) + found[4], text)


def between(text: str, inside: str) -> str:
    """The text of a page with what stands between the marks of its list."""
    begin, end = "<!-- list -->\n", "<!-- end of list -->"
    before, rest = text.split(begin)
    return before + begin + inside + end + rest.split(end)[1]


def table_of_methods() -> str:
    """A line a method: its paper, its objective, and its strength."""
    lines = ["| method | paper | objective | strength |", "|---|---|---|---|"]
    for plugin in map(METHODS.plugin, METHODS.packaged()):
        paper, objective = _halves(plugin)
        strength = next((parameter.name for parameter in plugin.parameters if parameter.hyper), "")
        lines.append(f"| `{plugin.name}` | {paper} | {objective} | {strength} |")
    return "\n".join(lines) + "\n"


def _halves(plugin: Plugin) -> tuple[str, str]:
    """What of the first paragraph names the paper, and what is the equation, as cells of a table."""
    paper, _, objective = plugin.summary.partition(": ")
    return tuple(re.sub(r"([|*_<>$])", r"\\\1", part.strip()) for part in (paper, objective))  # type: ignore[return-value]


def pages_of_metrics(top: Path) -> str:
    """A link to the page of every metric that has one, by the name that its paper gives it."""
    names = [name for name in METRICS.packaged() if (top / "docs" / "metrics" / f"{name}.md").is_file()]
    links = [f"[{METRICS.plugin(name).marks.get('label') or name}]({name}.md)" for name in names]
    return f"All pages: {', '.join([*links, '[UDR](udr.md)'])}.\n"


def main() -> None:
    """Write what is not current."""
    for path, text in lists().items():
        if path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
