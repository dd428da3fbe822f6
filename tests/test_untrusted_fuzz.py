"""Mutated files of every kind end in a value or in one line: no other exception, no hang, nothing read outside."""

from __future__ import annotations

from pathlib import Path

import pytest

import strangers
from strangers import KINDS, Watch, attack


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


def test_the_watch_sees_a_file_that_is_opened_outside(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with watch.only(tmp_path / "in"):
        (tmp_path / "out.txt").write_text("x")
    assert watch.outside == [str((tmp_path / "out.txt").resolve())]
    watch.outside.clear()


def test_mutations_are_the_same_for_a_seed_and_differ_from_the_file() -> None:
    content = KINDS["npz"].make()
    first, again = (list(strangers.mutations(content, 20, "a")) for _ in range(2))
    assert first == again
    assert len(set(first)) > 15


@pytest.mark.parametrize("name", KINDS)
def test_mutated_files_end_in_a_value_or_in_one_line(name: str, watch: Watch, tmp_path: Path) -> None:
    ended = attack(KINDS[name], tmp_path, 60, watch, name)
    assert ended["refused"] > 10, "most mutations are seen"


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_two_thousand_mutated_files_end_in_a_value_or_in_one_line(name: str, watch: Watch, tmp_path: Path) -> None:
    attack(KINDS[name], tmp_path, 2000, watch, f"{name}, long")
