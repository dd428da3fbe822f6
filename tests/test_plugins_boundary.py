"""Whatever goes wrong inside a plug-in is one line: which plug-in, where, what happened, and what it must be."""

from __future__ import annotations

import ast
import inspect
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from distaff.errors import DistaffError, PluginError
from distaff.metrics.evaluate import evaluate
from distaff.plugins.literals import constants
from distaff.plugins.registry import METHODS, METRICS
from distaff.reports.charts.figure_files import FigureJob, draw_figure, figures


def test_a_plugin_error_is_one_line_of_what_where_and_what_would_be_right() -> None:
    error = PluginError(
        "metric", "mine", "mine.py:3", "ZeroDivisionError: one\n  over zero.", "a metric returns a Score"
    )
    assert isinstance(error, DistaffError)
    assert str(error) == "metric mine (mine.py:3): ZeroDivisionError: one over zero; a metric returns a Score"


def test_a_plugin_error_crosses_processes_whole() -> None:
    error = PluginError("metric", "mine", "mine.py:3", "ValueError: no", "a metric returns a Score")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)
    assert (str(again), vars(again)) == (str(error), vars(error))


RAISES = '''
from distaff.metrics import Score, metric

@metric(paper="none", rows=1000, range=(0, 1))
def mine(codes, factors) -> Score:
    """Mine."""
    {raises}
'''


def metric_that(raises: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (folder / "metrics").mkdir(exist_ok=True)
    (folder / "metrics" / "mine.py").write_text(RAISES.format(raises=raises))
    monkeypatch.setenv("DISTAFF_PLUGINS", str(folder))
    return METRICS.function("mine")


@pytest.mark.parametrize(
    ("raises", "kind"),
    [
        ("raise KeyboardInterrupt", KeyboardInterrupt),
        ("raise SystemExit(3)", SystemExit),
        ("raise MemoryError", MemoryError),
        ("raise OSError(24, 'Too many open files')", OSError),
        ("raise RuntimeError('CUDA out of memory')", RuntimeError),
    ],
)
def test_what_is_no_fault_of_the_plug_in_passes_as_it_is(
    raises: str, kind: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(kind) as error:
        metric_that(raises, tmp_path, monkeypatch)(None, None)
    assert not isinstance(error.value, DistaffError)


def test_a_sentence_for_people_passes_as_the_plug_in_wrote_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "from distaff.errors import DistaffError; raise DistaffError('give ten rows')"
    with pytest.raises(DistaffError, match=r"^give ten rows$"):
        metric_that(own, tmp_path, monkeypatch)(None, None)


def test_a_path_that_is_not_there_is_the_plug_ins_fault_and_its_own_exception_stays_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PluginError, match=r"mine\.py:7\): FileNotFoundError") as error:
        metric_that("open('/nowhere/at/all')", tmp_path, monkeypatch)(None, None)
    assert isinstance(error.value.__cause__, FileNotFoundError)


def test_a_file_that_cannot_be_imported_is_said_each_time_and_leaves_no_half_made_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric_that("return Score(0.5)", tmp_path, monkeypatch)
    path = tmp_path / "metrics" / "mine.py"
    whole = path.read_text()
    path.write_text("import a_library_that_is_missing\n" + whole)
    for _ in range(3):
        with pytest.raises(PluginError, match=r"mine\.py:1\): ModuleNotFoundError: .*a_library_that_is_missing"):
            METRICS.function("mine")
        assert "distaff_plugins.metrics.mine" not in sys.modules
    path.write_text(whole.replace("0.5", "0.75"))
    assert METRICS.function("mine")(None, None).value == 0.75, "a file that was mended is read again"


def test_a_function_behind_the_door_is_found_again_in_another_process() -> None:
    again = pickle.loads(pickle.dumps(METRICS.function("mig")))  # noqa: S301
    assert again.function is METRICS.unguarded("mig")
    assert inspect.signature(again) == inspect.signature(METRICS.unguarded("mig"))


COMMAND = [sys.executable, "-c", "from distaff.cli import main; main()"]


def test_the_traceback_is_shown_on_request_by_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metric_that("return 1 / 0", tmp_path, monkeypatch)
    np.savez(tmp_path / "codes.npz", codes=np.eye(4), factors=np.arange(8).reshape(4, 2))
    words = ["score", str(tmp_path / "codes.npz"), "--metrics", "mine"]
    for more, variable in (([], "0"), (["--traceback"], "0"), ([], "1")):
        done = subprocess.run(
            [*COMMAND, *words[:1], *more, *words[1:]], capture_output=True, text=True, check=False,
            env={**os.environ, "DISTAFF_TRACEBACK": variable},
        )  # fmt: skip
        assert done.returncode == 2
        *above, line = done.stderr.splitlines()
        assert line.startswith(f"distaff: metric mine ({tmp_path / 'metrics' / 'mine.py'}:7): ZeroDivisionError")
        assert ("return 1 / 0" in "\n".join(above)) == (bool(more) or variable == "1")


BROKEN = {
    "metrics/cut.py": "def cut(codes, factors:\n",
    "metrics/bare.py": "x = 1\n",
    "metrics/named.py": RAISES.replace("def mine(codes, factors)", "def named(codes, factors, *, bins: int = BINS)")
    .replace("{raises}", "return Score(bins / 100)").replace("@metric", "BINS = 20\n\n@metric"),
    "metrics/far.py": RAISES.replace("def mine(codes, factors)", "def far(codes, factors, *, bins: int = np.pi)")
    .replace("{raises}", "return Score(0.0)"),
    "metrics/mig.py": RAISES.format(raises="return Score(0.0)").replace("mine", "mig"),
    "metrics/my-metric.py": RAISES.format(raises="return Score(0.0)"),
    "figures/cut.py": "def (:\n",
}  # fmt: skip


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in BROKEN.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("DISTAFF_PLUGINS", os.pathsep.join([str(tmp_path), str(tmp_path / "nowhere")]))
    monkeypatch.setenv("COLUMNS", "400")
    return tmp_path


def test_a_broken_file_breaks_only_its_own_plug_in(broken: Path) -> None:
    done = subprocess.run([*COMMAND, "list"], capture_output=True, text=True, check=True)
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "the file is not Python" in rows["cut"]
    assert "must define a function of its own name, bare" in rows["bare"]
    assert "the default of bins is neither a literal" in rows["far"]
    assert "two files are named metric 'mig'" in rows["mig"]
    assert str(broken / "metrics" / "mig.py") in rows["mig"]
    assert "a plug-in's file is named as its function" in rows["my-metric"]
    assert "bins=20" in rows["named"]
    assert "Mutual information" in rows["dcimig"] or "DCIMIG" in rows["dcimig"]
    assert "nowhere, which is not there" in done.stdout


@pytest.mark.usefixtures("broken")
def test_a_default_may_be_a_named_constant_of_the_file(broken: Path) -> None:
    assert METRICS.spec("named")["bins"] == 20
    assert METRICS.function("named")(None, None, bins=30).value == 0.3
    names = "X = 1\nX = 2\nY = 3\nZ = Y\ndef f():\n    Y = 4\nW = len('a')\n"
    assert constants(ast.parse(names)) == {"Y": 3, "Z": 3}, "bound once, to a literal"


@pytest.mark.usefixtures("broken")
def test_a_report_is_whole_beside_a_figure_that_is_broken(tmp_path: Path) -> None:
    assert "cut" in figures(study=True)
    assert "cut" not in figures(study=False)
    drawn = draw_figure(FigureJob("cut", "study"), pl.DataFrame(), {}, tmp_path, ())
    assert "figure cut (" in drawn.missing
    assert "the file is not Python" in drawn.missing


def test_a_study_that_does_not_use_a_broken_plug_in_is_untouched(broken: Path) -> None:
    codes = np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), axis=1)
    with pytest.raises(DistaffError, match="two files are named metric 'mig'"):
        METRICS.parse("mig")
    assert float(evaluate("dcimig", codes + 0.5, codes)) > 0.9
    assert METHODS.known("beta_vae") is not None
    assert METRICS.known("cut") is None
