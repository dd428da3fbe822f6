"""The plug-ins that a study uses are cited, all of them and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from distaff.commands.cite import cite
from distaff.errors import DistaffError
from distaff.plugins.registry import KINDS, METHODS
from distaff.share.cite import addresses, bibtex, entries_of, plugin_named, plugins_of, references
from distaff.store.studies import load_study

STUDIES = Path(__file__).parent.parent / "studies"


def keys(text: str) -> set[str]:
    return set(re.findall(r"^@\w+\{(\w+),", text, re.M))


def test_the_quick_study_cites_its_methods_metrics_and_data_and_no_more() -> None:
    cited = keys(bibtex(plugins_of(load_study(STUDIES / "quick.py"))))
    expected = {"distaff", "higgins2017beta", "kim2018disentangling", "kumar2018variational", "chen2018isolating",
                "burgess2018understanding", "eastwood2018framework", "ridgeway2018learning", "locatello2019challenging",
                "matthey2017dsprites"}  # fmt: skip
    assert cited == expected


@pytest.mark.parametrize("kind", ["methods", "metrics", "tasks", "data"])
def test_every_paper_that_a_plug_in_names_has_an_entry_there_or_by_its_docstring(kind: str) -> None:
    for name in KINDS[kind].names():
        plugin = KINDS[kind].plugin(name)
        for address, entry in zip(addresses(plugin), entries_of(plugin), strict=True):
            assert all(f"  {field} = " in entry for field in ("title", "author", "year")), f"{name}: {address}"


def test_what_references_lack_follows_from_decorator_and_docstring() -> None:
    summary = r"""{} (Hyvärinen{} 2026, Eq. 3): E_q[-log p(x|z)] + beta KL."""
    plugin = METHODS.plugin("beta_vae")
    for written, authors in ((" & Morioka,", "Hyvärinen and Morioka"), (" et al.,", "Hyvärinen and others"),
                             (", Kim and Mnih,", "Hyvärinen and Kim and Mnih")):  # fmt: skip
        new = replace(plugin, name="my_idea", doc=summary.format("My idea", written), marks={"paper": "https://a.b/c"})
        (entry,) = entries_of(new)
        assert keys(entry) == {"hyvärinen2026my_idea"}
        assert f"  author = {{{authors}}},\n  year = {{2026}},\n  url = {{https://a.b/c}}," in entry
    (entry,) = entries_of(replace(plugin, name="my_idea", doc="Mine.", marks={"paper": "https://a.b/c"}))
    assert entry == "% method my_idea: https://a.b/c\n"


def test_entries_are_whole_and_have_different_keys() -> None:
    entries = set(references().values())
    assert len({key for entry in entries for key in keys(entry)}) == len(entries)
    for entry in entries:
        assert entry.count("{") == entry.count("}")
        assert all(f"  {field} = " in entry for field in ("title", "author", "year"))


def test_the_command_prints_them_and_refuses_unknown_names(capsys: pytest.CaptureFixture[str]) -> None:
    cite("dci(seed=1)", "cars3d")
    assert keys(capsys.readouterr().out) == {"distaff", "eastwood2018framework", "reed2015deep"}
    with pytest.raises(DistaffError, match="Did you mean 'dci'"):
        plugin_named("dcii")
    with pytest.raises(DistaffError, match="name a study or a plug-in"):
        cite()
