"""Plug-ins are found by name, and one text means one value."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distaff.errors import DistaffError
from distaff.plugins.registry import DATASETS, METHODS, NETWORKS
from distaff.plugins.spec import content_id

SIX = ["annealed_vae", "beta_tc_vae", "beta_vae", "dip_vae_i", "dip_vae_ii", "factor_vae"]


def test_the_six_methods_are_found_in_their_folder() -> None:
    assert set(SIX) < set(METHODS.names())


def test_listing_and_parsing_import_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import sys; from distaff.plugins.registry import METHODS, METRICS; METHODS.parse('beta_vae(beta=2)');"
        "METRICS.names();"
        "assert not {'torch', 'sklearn', 'altair'} & set(sys.modules), 'something heavy was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "text", ["beta_vae", "beta_vae()", "beta_vae(beta=4)", "beta_vae(beta=4.0)", " beta_vae( beta = 4 ) "]
)
def test_the_default_and_every_spelling_of_it_are_one_value(text: str) -> None:
    assert METHODS.parse(text) == METHODS.parse("beta_vae")
    assert METHODS.parse(text).identity == METHODS.parse("beta_vae").identity
    assert str(METHODS.parse(text)) == "beta_vae(beta=4)"


@given(st.floats(0, 1e6, allow_nan=False), st.sampled_from(["beta_vae", "beta_tc_vae"]))
def test_the_text_of_a_specification_reads_back_as_itself(beta: float, name: str) -> None:
    spec = METHODS.spec(name, beta=beta)
    assert METHODS.parse(str(spec)) == spec


def test_only_the_strength_is_shown_at_its_default() -> None:
    assert str(METHODS.parse("dip_vae_i(lambda_od=2)")) == "dip_vae_i(lambda_od=2)"
    assert str(METHODS.parse("annealed_vae(gamma=10)")) == "annealed_vae(c_max=25, gamma=10)"
    assert str(NETWORKS.parse("mlp(width=64)")) == "mlp(width=64)"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("beta_vea", "Did you mean 'beta_vae'?"),
        ("beta_vae(bta=4)", "Did you mean 'beta'?"),
        ("beta_vae(beta='x')", "expected a finite number"),
        ("beta_vae(4)", "with their names"),
        ("beta_vae(beta=open('x'))", "not a literal"),
        ("beta_vae(", "write it as name or name(parameter=value)"),
        ("beta_vae(**{'beta': 4})", "only literal values"),
        ("1 + 1", "write it as name or name(parameter=value)"),
    ],
)
def test_a_wrong_specification_is_refused_with_what_would_be_right(text: str, part: str) -> None:
    with pytest.raises(DistaffError) as error:
        METHODS.parse(text)
    assert part in str(error.value)


def test_a_users_own_file_is_a_plug_in(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "methods"
    folder.mkdir()
    (folder / "mine.py").write_text(
        "from distaff.methods import Outputs, Terms, method\n"
        "@method(paper='none')\n"
        "def mine(out: Outputs, *, weight: float = 2.0) -> Terms:\n"
        "    '''Mine.'''\n"
        "    return {'nll': out.nll, 'kl': weight * out.kl}\n"
    )
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))
    assert "mine" in METHODS.names()
    assert METHODS.plugin("mine").summary == "Mine."
    assert METHODS.bind(METHODS.parse("mine(weight=3)")).keywords == {"weight": 3.0}


def test_content_ids_are_golden() -> None:
    assert content_id({"a": 1, "b": [1.5, None]}) == content_id({"b": [1.5, None], "a": 1})
    assert content_id(METHODS.parse("beta_vae(beta=4)").identity) == "a97f8582a0b1e25b"
    assert content_id(DATASETS.parse("toy").identity) == "b09988d7978ea725"
