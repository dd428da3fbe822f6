"""What the site shows and no hand writes: the pages of plug-ins, the tutorial, pictures of a model, the theorem."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from distaff.pictures.draw import draw_pictures
from distaff.plugins.file import REQUIRED, Plugin
from distaff.plugins.registry import KINDS
from distaff.theory.example import UPDATES, trained
from distaff.theory.page import build


def make_all(docs: Path, quick: bool) -> None:
    """Fill docs/_made; pictures that are there already are kept: delete the folder to draw them anew."""
    made = docs / "_made"
    (made / "extra").mkdir(parents=True, exist_ok=True)
    plugins(made)
    shutil.copyfile(docs.parent / "examples" / "first_steps.ipynb", made / "first_steps.ipynb")
    if not (made / "extra" / "theory" / "index.html").exists():
        model = trained(100 if quick else UPDATES)
        draw_pictures(model, made / "pictures")
        build(model, made / "extra" / "theory", draws=500 if quick else 10_000)
        shutil.copyfile(made / "extra" / "theory" / "stirred.png", made / "pictures" / "stirred.png")


def plugins(folder: Path) -> None:
    """A page for each kind of plug-in, from the files of the plug-ins."""
    for kind, registry in KINDS.items():
        found = [registry.plugin(name) for name in registry.names()]
        if found:
            path = folder / f"list_{kind}.md"
            path.write_text(f"# {kind.capitalize()}\n\n" + "\n".join(map(entry, found)), encoding="utf-8")


def entry(plugin: Plugin) -> str:
    """One plug-in: its name, its parameters with their defaults, and its documentation as it stands in the file."""
    told = [p.name if p.default is REQUIRED else f"{p.name}={p.default!r}" for p in plugin.parameters]
    links = [f"[paper]({plugin.marks['paper']})"] if str(plugin.marks.get("paper", "")).startswith("http") else []
    signature = f"`{plugin.name}({', '.join(told)})`"
    return f"## {plugin.name}\n\n{' '.join([signature, *links])}\n\n{plain(plugin.doc)}\n"


def plain(text: str) -> str:
    """Text as Markdown that shows it unchanged: what means something to Markdown is escaped, save for `code`."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_<>\[\]#$|~{}])", r"\\\1", part) for part in parts)
