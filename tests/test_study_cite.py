"""What a study used is cited, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from distaff.commands.cite import cite
from distaff.errors import DistaffError
from distaff.plugins.registry import KINDS
from distaff.share.cite import addresses, bibtex, named, references, used
from distaff.store.studies import load_study

STUDIES = Path(__file__).parent.parent / "studies"


def keys(text: str) -> set[str]:
    return set(re.findall(r"^@\w+\{(\w+),", text, re.M))


def test_the_quick_study_cites_its_methods_metrics_and_data_and_no_more() -> None:
    told = keys(bibtex(used(load_study(STUDIES / "quick.py"))))
    expected = {"distaff", "higgins2017beta", "kim2018disentangling", "kumar2018variational", "chen2018isolating",
                "burgess2018understanding", "eastwood2018framework", "ridgeway2018learning", "locatello2019challenging",
                "matthey2017dsprites"}  # fmt: skip
    assert told == expected


@pytest.mark.parametrize("kind", ["methods", "metrics", "tasks", "data"])
def test_every_paper_that_a_plug_in_names_has_an_entry(kind: str) -> None:
    for name in KINDS[kind].names():
        for address in addresses(KINDS[kind].plugin(name)):
            assert address in references(), f"{name}: add {address} to references.bib"


def test_entries_are_whole_and_have_different_keys() -> None:
    entries = set(references().values())
    assert len({key for entry in entries for key in keys(entry)}) == len(entries)
    for entry in entries:
        assert entry.count("{") == entry.count("}")
        assert all(f"  {field} = " in entry for field in ("title", "author", "year"))


def test_the_command_prints_them_and_knows_what_it_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    cite("dci(seed=1)", "cars3d")
    assert keys(capsys.readouterr().out) == {"distaff", "eastwood2018framework", "reed2015deep"}
    with pytest.raises(DistaffError, match="Did you mean 'dci'"):
        named("dcii")
    with pytest.raises(DistaffError, match="name a study or a plug-in"):
        cite()
