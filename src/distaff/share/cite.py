"""The papers of what a study used, as BibTeX: references.bib, found by the address that each plug-in names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from distaff.errors import unknown
from distaff.plugins.file import Plugin
from distaff.plugins.registry import DATASETS, KINDS, METHODS, METRICS, NETWORKS, registry_of
from distaff.runs import Study
from distaff.scoring.protocol import scoring

REFERENCES = Path(__file__).with_name("references.bib")
SOFTWARE = """@software{{distaff,
  title = {{distaff: large studies of disentangled representations}},
  author = {{{{The distaff authors}}}},
  version = {{{version}}},
}}
"""


def used(study: Study) -> list[Plugin]:
    """The methods, data sets, networks, metrics and tasks of `study`, each once."""
    found = {(METHODS, run.method.name) for run in study.runs} | {(DATASETS, run.dataset.name) for run in study.runs}
    found |= {(NETWORKS, run.network.name) for run in study.runs}
    found |= {(registry_of(spec), spec.name) for spec in scoring(study).metrics}
    return [kind.plugin(name) for kind, name in sorted(found, key=lambda pair: (pair[0].folder, pair[1]))]


def named(text: str) -> Plugin:
    """The plug-in that `text` names, of whatever kind; raises `DistaffError` if there is none."""
    name = text.partition("(")[0].strip()
    for kind in (METHODS, METRICS, *KINDS.values()):
        if name in kind.names():
            return kind.plugin(name)
    raise unknown("plug-in", name, [name for kind in KINDS.values() for name in kind.names()])


def bibtex(plugins: Iterable[Plugin]) -> str:
    """The entries of `plugins`, each once, after that of distaff; where one is lacking, a comment gives the address."""
    entries = references()
    found = [SOFTWARE.format(version=version("distaff"))]
    for plugin in plugins:
        for address in addresses(plugin):
            found.append(entries.get(address, f"% {plugin.kind} {plugin.name}: {address}\n"))
    return "\n".join(dict.fromkeys(found))


def addresses(plugin: Plugin) -> list[str]:
    """What its entries are found by: its own name if one has it, else the paper or source that its decorator names."""
    if plugin.name in references():
        return [plugin.name]
    told = [str(plugin.marks[mark]) for mark in ("paper", "source") if mark in plugin.marks]
    return [url for text in told for url in re.findall(r"https?://\S+", text)]


def references() -> dict[str, str]:
    """Every entry of references.bib under its address, and under the plug-ins that its keywords name."""
    found = {}
    for entry in re.split(r"\n(?=@)", REFERENCES.read_text(encoding="utf-8")):
        for key in re.findall(r"^  url = \{(.+)\},$", entry, re.M):
            found[key] = entry
        for names in re.findall(r"^  keywords = \{(.+)\},$", entry, re.M):
            found |= dict.fromkeys(names.split(), entry)
    return found
