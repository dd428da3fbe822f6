"""Plug-ins come from files, folders and installed packages, and no two of them have one name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distaff.errors import DistaffError
from distaff.plugins.registry import CRITICS, DATASETS, KINDS, METHODS, METRICS, NETWORKS
from distaff.reports.origin import _code as code_of_the_report

METRIC = '''
from distaff.metrics import Score, metric

@metric(paper="none", rows=1000, range=(0, 1))
def {name}(codes, factors) -> Score:
    """A half."""
    return Score({value})
'''
METHOD = '''
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper
{more}
@method(paper="none")
def {name}(out: Outputs, *, beta: Hyper = 4.0) -> Terms:
    """Mine."""
    return {{"nll": out.nll, "kl": beta * out.kl}}
'''
CRITIC = '''
from distaff.networks import network

@network(paper="none")
def {name}({first}, *, latents: int = 3, width: int = 3):
    """None."""
'''


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_is_a_plug_in_of_the_kind_that_its_decorator_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = write(tmp_path / "half.py", METRIC.format(name="half", value=0.5))
    mine = write(tmp_path / "mine.py", METHOD.format(name="mine", more=""))
    net = write(tmp_path / "net.py", CRITIC.format(name="net", first="shape"))
    judge = write(tmp_path / "judge.py", CRITIC.format(name="judge", first="latents").replace("latents: int = 3, ", ""))
    torn = write(tmp_path / "torn.py", METRIC.format(name="torn", value=0.5) + "\n    return (")
    folder = write(tmp_path / "folder" / "metrics" / "third.py", METRIC.format(name="third", value=1 / 3)).parent.parent
    none = write(tmp_path / "none.py", "x = 1\n")
    named = [half, mine, net, judge, torn, folder, none, tmp_path / "data.txt"]
    monkeypatch.setenv("DISTAFF_PLUGINS", os.pathsep.join(map(str, named)))
    own = {plural: set(kind.names()) - set(kind.packaged()) for plural, kind in KINDS.items()}
    assert own == {
        "metrics": {"half", "third", "torn"}, "methods": {"mine"}, "networks": {"net"}, "critics": {"judge"},
        "data": set(), "tasks": set(), "figures": set(),
    }  # fmt: skip
    assert float(METRICS.function("half")(None, None)) == 0.5
    assert NETWORKS.plugin("net").path == net
    assert CRITICS.plugin("judge").path == judge
    with pytest.raises(DistaffError, match="the file is not Python"):
        METRICS.plugin("torn")
    with pytest.raises(DistaffError) as error:
        DATASETS.plugin("nothing")
    assert f"{none}: no function stands under a decorator line" in str(error.value)
    assert f"DISTAFF_PLUGINS names {tmp_path / 'data.txt'}, which is not there" in str(error.value)
    before = code_of_the_report()
    half.write_text(METRIC.format(name="half", value=0.25))
    assert code_of_the_report() != before, "a report is made anew when a file of a plug-in changed"


def test_two_plug_ins_of_one_name_are_named_with_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = write(tmp_path / "a" / "metrics" / "half.py", METRIC.format(name="half", value=0.5))
    second = write(tmp_path / "b" / "half.py", METRIC.format(name="half", value=0.25))
    monkeypatch.setenv("DISTAFF_PLUGINS", os.pathsep.join(map(str, [tmp_path / "a", second])))
    assert "half" in METRICS.names()
    for use in (METRICS.parse, METRICS.function, METRICS.plugin):
        with pytest.raises(DistaffError) as error:
            use("half")
        assert str(error.value) == f"two files are named metric 'half': {first} and {second}; rename one of them"
    monkeypatch.setenv("DISTAFF_PLUGINS", os.pathsep.join(map(str, [tmp_path / "a", tmp_path / "a", first])))
    assert METRICS.plugin("half").path == first, "a file that is named twice is one"


def test_the_same_name_in_two_kinds_is_two_plug_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "metrics" / "mine.py", METRIC.format(name="mine", value=0.5))
    write(tmp_path / "methods" / "mine.py", METHOD.format(name="mine", more=""))
    monkeypatch.setenv("DISTAFF_PLUGINS", str(tmp_path))
    assert (METRICS.parse("mine").kind, METHODS.parse("mine").kind) == ("metric", "method")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of installed packages: two that bring plug-ins, with the metadata by which they announce them."""
    site = tmp_path / "site"
    write(site / "fine_metrics" / "__init__.py", "LOADED = True\n")
    write(site / "fine_metrics" / "shared.py", "HALF = 0.5\n")
    write(
        site / "fine_metrics" / "metrics" / "half.py",
        METRIC.format(name="half", value="HALF").replace("\nfrom", "\nfrom ..shared import HALF\nfrom", 1),
    )
    write(site / "fine_metrics" / "methods" / "plain.py", METHOD.format(name="plain", more=""))
    write(site / "lone_metric.py", METRIC.format(name="lone_metric", value=0.25))
    points = "[distaff.plugins]\nfine = fine_metrics\nlone = lone_metric\ngone = a_package_that_is_gone\n"
    write(site / "fine_metrics-1.0.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: fine-metrics\nVersion: 1.0\n")
    write(site / "fine_metrics-1.0.dist-info" / "entry_points.txt", points)
    return site


def python(code: str, site: Path) -> str:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    environment = {name: value for name, value in os.environ.items() if name != "DISTAFF_PLUGINS"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**environment, "PYTHONPATH": path, "COLUMNS": "300"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_installed_package_brings_plug_ins_that_are_listed_without_importing_it(installed: Path) -> None:
    code = """
import sys
from distaff.plugins.registry import METHODS, METRICS
print(sorted(set(METRICS.names()) - set(METRICS.packaged())), METHODS.parse("plain"), "fine_metrics" in sys.modules)
print(float(METRICS.function("half")(None, None)), float(METRICS.function("lone_metric")(None, None)))
print(METRICS.unguarded("half").__module__, METRICS.unguarded("lone_metric").__module__)
"""
    assert python(code, installed).splitlines() == [
        "['half', 'lone_metric'] plain(beta=4) False",
        "0.5 0.25",
        "fine_metrics.metrics.half lone_metric",
    ]
    listed = python(
        "import sys; sys.argv[1:] = ['list', 'metrics']; from distaff.cli import main; main()", installed
    )  # fmt: skip
    assert "half" in listed
    assert "the entry point gone of distaff.plugins names a_package_that_is_gone, which is neither" in listed
