"""Our own plug-ins keep the contract that others are held to, and impossible hyperparameters are refused as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from distaff.errors import DistaffError, PluginError
from distaff.plugins.contract import require, violations
from distaff.plugins.marks import declared, fits
from distaff.plugins.ranges import check_range, intervals
from distaff.plugins.registry import DATASETS, KINDS, METHODS, METRICS, NETWORKS, TASKS, metric_or_task
from distaff.runs import run, sweep
from distaff.store.store import parse_cached

SMALL = ("toy", "toy_color", "toy_hidden")  # data sets that are drawn in a moment
OURS = [
    (plural, name) for plural, kind in KINDS.items() for name in kind.packaged() if plural != "data" or name in SMALL
]


@pytest.mark.parametrize(("plural", "name"), OURS)
def test_our_own_plug_ins_keep_their_contract(plural: str, name: str) -> None:
    assert violations(KINDS[plural], name) == []


@pytest.mark.parametrize("name", DATASETS.packaged())
def test_the_files_of_our_data_sets_declare_what_they_must(name: str) -> None:
    assert DATASETS.plugin(name).marks["licence"]


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("methods", "beta_vae(beta=-1)", "beta_vae: beta=-1 is outside its range, which is [0, inf)"),
        ("methods", "beta_tc_vae(beta=-0.5)", "beta_tc_vae: beta=-0.5 is outside its range, which is [0, inf)"),
        (
            "methods",
            "annealed_vae(iteration_threshold=0)",
            "iteration_threshold=0 is outside its range, which is (0, inf)",
        ),
        ("methods", "annealed_vae(c_max=-5)", "c_max=-5 is outside its range, which is [0, inf)"),
        ("methods", "factor_vae(gamma=-1)", "gamma=-1 is outside its range"),
        ("methods", "dip_vae_i(lambda_od=-1)", "lambda_od=-1 is outside its range"),
        ("methods", "dip_vae_ii(lambda_d_factor=-1)", "lambda_d_factor=-1 is outside its range"),
        ("methods", "ada_gvae(k=0)", "k=0 is outside its range, which is -1 or [1, inf)"),
        ("metrics", "mig(bins=-3)", "mig: bins=-3 is outside its range, which is [1, inf)"),
        ("metrics", "mig(bias='millr-madow')", "Did you mean 'miller-madow'?"),
        ("metrics", "gaussian_total_correlation(dims='al')", "Did you mean 'all'?"),
        ("metrics", "irs(quantile=1.5)", "quantile=1.5 is outside its range, which is [0, 1]"),
        ("metrics", "beta_vae_score(batch=0)", "batch=0 is outside its range, which is [1, inf)"),
        ("tasks", "downstream(labels=0)", "labels=0 is outside its range, which is [1, inf)"),
        ("networks", "mlp(latents=0)", "latents=0 is outside its range, which is [1, inf)"),
        ("networks", "conv64(last_kernel=3)", "last_kernel=3 is outside its range, which is 2 or 4"),
        ("critics", "critic(depth=0)", "depth=0 is outside its range"),
        ("data", "correlated(dataset='toy', pairs=(('posX', 'posY'),), sigma=0)", "sigma=0 is outside its range"),
    ],
)
def test_an_impossible_hyperparameter_is_refused_when_it_is_written(kind: str, text: str, said: str) -> None:
    with pytest.raises(DistaffError) as error:
        KINDS[kind].parse(text)
    assert said in str(error.value)
    assert KINDS[kind].parse(text, stored=True).name in text, "what is stored is read as it is"


def test_every_way_to_write_a_setting_keeps_the_ranges() -> None:
    for write in (
        lambda: run("toy", "beta_vae(beta=-1)", "mlp"),
        lambda: sweep("beta_vae", "beta", [1, -1]),
        lambda: METHODS.spec("beta_vae", beta=-1),
        lambda: metric_or_task("mig(bins=0)"),
    ):
        with pytest.raises(DistaffError, match="is outside its range"):
            write()
    assert parse_cached(METHODS, "beta_vae(beta=-1)")["beta"] == -1, "stored runs stay readable"


def test_every_number_and_choice_of_ours_has_a_range() -> None:
    """All but seeds, flags, and the texts that name files and data sets."""
    free = {"seed", "images", "factors", "dataset"}
    for kind in (METHODS, METRICS, NETWORKS, TASKS, DATASETS, KINDS["critics"]):
        for name in kind.packaged():
            plugin = kind.plugin(name)
            bounded = plugin.marks.get("ranges", {})
            for parameter in plugin.parameters:
                if parameter.name not in free and not parameter.annotation.startswith(("bool", "tuple")):
                    assert parameter.name in bounded, (name, parameter.name)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("[0, inf)", (0, 0.5, 1e9), (-1e-9,)),
        ("(0, 1]", (1e-9, 1), (0, 1.001)),
        ("-1 or [1, inf)", (-1, 1, 7), (0, -2, 0.5)),
        ("2 or 4", (2, 4), (3,)),
        ("[1e-6, 1e3]", (1e-6, 1000), (1e-7, 1001)),
    ],
)
def test_a_range_is_read_as_mathematics_writes_it(
    text: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    for value in inside:
        check_range("mine", "x", value, text)
    for value in outside:
        with pytest.raises(DistaffError, match="is outside its range"):
            check_range("mine", "x", value, text)


@pytest.mark.parametrize("text", ["", "positive", "[0, 1", "0, 1", "[1, 0]", "[0, nan)", "or", "__import__('os')"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DistaffError, match="is not a range"):
        intervals(text)


@pytest.mark.parametrize(
    ("value", "annotation", "right"),
    [
        (1, "int", True), (True, "int", False), (1, "int | float", True), ("a", "int | str", True),
        ((0, 1), "tuple[float, float]", True), ((0,), "tuple[float, float]", False), (None, "str", False),
        (("a", 1), "tuple[str, ...]", False), ({"a": 1}, "Mapping[str, Any] | None", True),
        ([1], "Mapping[str, Any] | None", False), (1, "Published", True),
    ],
)  # fmt: skip
def test_marks_are_of_the_type_that_the_decorator_writes(value: object, annotation: str, right: bool) -> None:
    assert fits(value, annotation) == right


def test_the_marks_of_a_kind_are_those_of_its_decorator() -> None:
    assert declared("figure")["order"].required
    assert declared("metric")["range"] == ("tuple[float, float]", True)
    assert not declared("method")["noise"].required


def test_the_trial_of_a_plug_in_is_made_once_for_a_version_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "calls").write_text("")
    text = f"""
from distaff.methods import Outputs, Terms, method

@method(paper="none")
def mine(out: Outputs) -> Terms:
    with open({str(tmp_path / "calls")!r}, "a") as file:
        file.write("x")
    return {{"nll": out.nll, "kl": out.kl}}
"""
    (tmp_path / "methods" / "mine.py").write_text(text)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))
    require(METHODS, "mine")
    once = len((tmp_path / "calls").read_text())
    assert once == 3, "twice for one model, once for two"
    require(METHODS, "mine")
    assert len((tmp_path / "calls").read_text()) == once
    (tmp_path / "methods" / "mine.py").write_text(text.replace("out.kl", "out.kl.detach() + out.mean"))
    with pytest.raises(PluginError, match="the term kl is a tensor"):
        require(METHODS, "mine")
