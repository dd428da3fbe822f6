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
NAMED = r"^  keywords = \{(.+)\},$"  # the plug-ins that an entry is of
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
    """The entries of `plugins`, each once, after that of distaff."""
    entries = [SOFTWARE.format(version=package_version()), *(one for plugin in plugins for one in entries_of(plugin))]
    return "\n".join(dict.fromkeys(entries))


def entries_of(plugin: Plugin) -> list[str]:
    """The entries of a plug-in: those of references.bib, else what its decorator and docstring say."""
    by_address = references()
    return [by_address.get(address) or derived(plugin, address) for address in addresses(plugin)]


def derived(plugin: Plugin, address: str) -> str:
    """An entry of a paper that references.bib lacks: its address, with authors and year of "(Author and Author, 2026)".

    Where the docstring has none in its first paragraph, a comment gives the address.
    """
    found = re.search(r"\(([^()\d]+?),? ((?:19|20)\d\d)[^()]*\)", plugin.summary)
    if found is None:
        return f"% {plugin.kind} {plugin.name}: {address}\n"
    people = re.sub(r"\s+et al\.?$", " and others", found[1])
    authors = [part for part in re.split(r",\s*|\s+and\s+|\s*&\s*", people) if part]
    key = re.sub(r"\W", "", authors[0].split()[-1]).lower()
    title = plugin.marks.get("label") or plugin.name.replace("_", " ")
    fields = {"title": title, "author": " and ".join(authors), "year": found[2], "url": address}
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@misc{{{key}{found[2]}{plugin.name},\n{lines}}}\n"


def addresses(plugin: Plugin) -> list[str]:
    """The addresses of its entries: the paper or source that its decorator names, and its own name if one has that.

    Of a plug-in that an entry names, addresses without an entry are left out: they are where its files are.
    """
    known = references()
    sources = [str(plugin.marks[mark]) for mark in ("paper", "source") if mark in plugin.marks]
    urls = [url for text in sources for url in re.findall(r"https?://\S+", text)]
    return [*(url for url in urls if url in known), plugin.name] if plugin.name in known else urls


def references() -> dict[str, str]:
    """Every entry of references.bib under its address, and under the plug-ins that its keywords name."""
    entries = {}
    for written in re.split(r"\n(?=@)", REFERENCES.read_text(encoding="utf-8")):
        entry = re.sub(f"{NAMED}\n", "", written, flags=re.M)  # which are for us
        for key in re.findall(r"^  url = \{(.+)\},$", entry, re.M):
            entries[key] = entry
        for names in re.findall(NAMED, written, re.M):
            entries |= dict.fromkeys(names.split(), entry)
    return entries
