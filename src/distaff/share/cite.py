"""The papers of the plug-ins of a study, as BibTeX: entries of references.bib, by the address that each names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from distaff.errors import unknown
from distaff.plugins.file import Plugin
from distaff.plugins.registry import CRITICS, DATASETS, KINDS, METHODS, METRICS, NETWORKS, registry_of
from distaff.runs import Study
from distaff.scoring.protocol import protocol_of
from distaff.store.provenance import package_version

REFERENCES = Path(__file__).with_name("references.bib")
SOFTWARE = """@software{{distaff,
  title = {{distaff: large studies of disentangled representations}},
  author = {{{{The distaff authors}}}},
  version = {{{version}}},
}}
"""


def plugins_of(study: Study) -> list[Plugin]:
    """The methods, data sets, networks, critics, metrics and tasks of `study`, each once."""
    names = {(METHODS, run.method.name) for run in study.runs} | {(DATASETS, run.dataset.name) for run in study.runs}
    names |= {(NETWORKS, run.network.name) for run in study.runs}
    names |= {(CRITICS, run.critic.name) for run in study.runs if run.critic}
    names |= {(registry_of(spec), spec.name) for spec in protocol_of(study).metrics}
    return [kind.plugin(name) for kind, name in sorted(names, key=lambda pair: (pair[0].plural, pair[1]))]


def plugin_named(text: str) -> Plugin:
    """The plug-in that `text` names, of whatever kind; raises `DistaffError` if there is none."""
    name = text.partition("(")[0].strip()
    for kind in (METHODS, METRICS, *KINDS.values()):
        if name in kind.names():
            return kind.plugin(name)
    raise unknown("plug-in", name, [name for kind in KINDS.values() for name in kind.names()])


def bibtex(plugins: Iterable[Plugin]) -> str:
    """The entries of `plugins`, each once, after that of distaff; where one is lacking, a comment gives the address."""
    by_address = references()
    entries = [SOFTWARE.format(version=package_version())]
    for plugin in plugins:
        for address in addresses(plugin):
            entries.append(by_address.get(address, f"% {plugin.kind} {plugin.name}: {address}\n"))
    return "\n".join(dict.fromkeys(entries))


def addresses(plugin: Plugin) -> list[str]:
    """The addresses of its entries: its own name if one has it, else the paper or source that its decorator names."""
    if plugin.name in references():
        return [plugin.name]
    sources = [str(plugin.marks[mark]) for mark in ("paper", "source") if mark in plugin.marks]
    return [url for text in sources for url in re.findall(r"https?://\S+", text)]


def references() -> dict[str, str]:
    """Every entry of references.bib under its address, and under the plug-ins that its keywords name."""
    entries = {}
    for entry in re.split(r"\n(?=@)", REFERENCES.read_text(encoding="utf-8")):
        for key in re.findall(r"^  url = \{(.+)\},$", entry, re.M):
            entries[key] = entry
        for names in re.findall(r"^  keywords = \{(.+)\},$", entry, re.M):
            entries |= dict.fromkeys(names.split(), entry)
    return entries
