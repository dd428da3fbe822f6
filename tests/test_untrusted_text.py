"""What strangers wrote is shown as they wrote it, and is never markup, an address or code."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distaff.untrusted.markup import (
    address,
    code_block,
    code_span,
    escape,
    file_name,
    filled,
    href,
    json_in_script,
    markdown,
    page_policy,
    printable,
    yaml,
)

ANY = st.text(st.characters(codec=None), max_size=40)  # lone surrogates among them
HOSTILE = [
    "</script>",
    "<!--<script>",
    "]]>",
    "\u2028",
    "\ud800",
    "&lt;",
    "'\"`",
    "\0",
    "javascript:alert(1)",
    "{{body}}",
]


@given(ANY | st.sampled_from(HOSTILE))
def test_text_on_a_page_is_no_markup_and_reads_as_it_was_written(text: str) -> None:
    shown = escape(text)
    assert not set(shown) & set("<>\"'")
    assert html.unescape(shown) == re.sub("[\ud800-\udfff\0]", "\ufffd", text) or "&" in text
    shown.encode("utf-8")


@given(st.recursive(ANY | st.sampled_from(HOSTILE) | st.none() | st.integers(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3)))  # fmt: skip
def test_json_in_a_script_ends_nothing_and_reads_as_the_value(value: object) -> None:
    text = json_in_script(value)
    assert not set(text) & set("<>&\u2028\u2029")
    text.encode("utf-8")
    assert json.loads(text) == value


@given(ANY, ANY)
def test_different_texts_are_different_files_and_none_leads_anywhere(first: str, second: str) -> None:
    name = file_name(first)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", name)
    assert not name.startswith(".")
    assert len(name) < 100
    assert (file_name(second) == name) == (first == second)


@pytest.mark.parametrize("name", ["toy", "beta_vae", "dip_vae_i", "score_by_method-toy"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert file_name(name) == name


@given(st.text(max_size=30), st.text(max_size=30))
def test_addresses_read_back_and_need_no_escape(file: str, fragment: str) -> None:
    name, found, place = address(file, fragment).partition("#")
    assert unquote(name) == file
    assert unquote(place) == fragment
    assert bool(found) == bool(fragment)
    assert href(file, fragment) == address(file, fragment)
    assert ":" not in name, "no scheme"


def test_a_template_is_filled_once() -> None:
    assert filled("<{{a}}|{{b}}>", {"a": "{{b}}", "b": "{{a}}"}) == "<{{b}}|{{a}}>"


def test_the_policy_names_the_scripts_of_the_page_and_no_others() -> None:
    one, other = page_policy(["<script>const A = 1;</script>", '<script src="a.js"></script>']), page_policy()
    assert len(re.findall("'sha256-", one)) == 1
    assert "sha256" not in other
    assert "eval" not in one + other


@given(ANY | st.sampled_from(["``", "a`b", "```\n# x", "[x](javascript:1)", "<b>", "![x](http://a)"]))
def test_text_on_a_model_card_is_no_markup(text: str) -> None:
    assert "\n" not in markdown(text) + code_span(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[<\[`]", markdown(text))
    span = code_span(text)
    ticks = re.match("`+", span)[0]
    assert span[len(ticks) : -len(ticks)].count(ticks) == 0
    block = code_block(text).split("\n")
    assert not any(line.startswith(block[0]) for line in block[1:-1])
    assert "\n" not in yaml(text)
    assert yaml(text).startswith('"')


def test_text_on_a_terminal_moves_nothing() -> None:
    assert printable("a\x1b[2Jb\rc\u202ed") == "a\\x1b[2Jb\\x0dc\\x202ed"
    assert printable("größe\n\tβ") == "größe\n\tβ"
