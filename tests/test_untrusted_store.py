"""A store of a stranger: nothing of it is ever imported, and whatever is wrong in it is one line."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import distaff
from distaff.errors import DistaffError
from distaff.explore.index import index_store
from distaff.plugins.places import EXTRA_PLUGINS
from distaff.plugins.registry import METHODS
from distaff.reports.build import _named as named
from distaff.reports.claims import claims
from distaff.scoring.table import read
from distaff.share.plugins import carried_plugins, with_plugins_of
from strangers import WAIT, HangsError, hand_made_store, in_time, mutations, one_run

PLUGIN = '''"""A method that travels."""
from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="none", label="Theirs")
def theirs(out: Outputs, *, weight: Hyper = 2.0) -> Terms:
    """A method of a stranger."""
    return {"nll": out.nll, "kl": weight * out.kl}
'''
CANARY = "import os, pathlib; pathlib.Path(os.environ['CANARY']).touch()\n"
PLACES = (
    *(
        "sitecustomize.py",
        "usercustomize.py",
        "study.py",
        "conftest.py",
        "setup.py",
        "torch.py",
        "polars.py",
        "numpy.py",
    ),
    *(
        "altair.py",
        "starlette.py",
        "json.py",
        "distaff/__init__.py",
        "distaff_plugins/__init__.py",
        "methods/theirs.py",
    ),
    *("plugins/theirs.py", "plugins/methods/theirs.py", "plugins/metrics/mig.py", "metrics/mig.py", "data/toy.py"),
    *(
        "studies/theirs.py",
        "studies/__init__.py",
        f"runs/{one_run().id}/theirs.py",
        "report/site.py",
        "cache/__init__.py",
    ),
)
RUN = """
import json, os, sys
store, commands = os.path.realpath(sys.argv[1]), json.loads(sys.argv[2])
seen = []
def hear(event, arguments):
    if event in ("open", "compile", "exec", "import"):
        for one in arguments:
            name = one.co_filename if hasattr(one, "co_filename") else one
            checked = event == "open" and sys.argv[1:3] == ["store", "check"]  # which reads all files, to check them
            python = isinstance(name, str) and name.endswith((".py", ".pyc")) and not checked
            if python and os.path.realpath(name).startswith(store):
                seen.append(f"{event} {name}")
sys.addaudithook(hear)
from distaff.cli import main
for words in commands:
    sys.argv = ["distaff", *words]
    try:
        main()
    except SystemExit as end:
        print("status", end.code, flush=True)
print(json.dumps(seen))
"""


def carry(store: Path, content: str = PLUGIN, name: str = "theirs") -> Path:
    """The file of a plug-in in a store, as a study leaves it there."""
    path = store / "plugins" / "methods" / f"{name}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_commands_on_a_store_never_import_python_from_it(tmp_path: Path) -> None:
    store = hand_made_store(tmp_path / "store")
    for place in PLACES:
        (store / place).parent.mkdir(parents=True, exist_ok=True)
        (store / place).write_text(CANARY)
    carried = carry(store, CANARY)
    run = str(store / "runs" / one_run().id)
    commands = [
        ["claims", ".", "--resamples", "2"], ["report", "."], ["report", "studies/theirs.json"], ["explore", "runs"],
        ["show", run], ["export", run], ["score", run], ["store", "check", "."], ["list", "methods"], ["cite", "mig"],
    ]  # fmt: skip
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "distaff").write_text(RUN)  # as the script that pip makes: its folder is searched, not this one
    canary = tmp_path / "canary"
    command = [sys.executable, str(tmp_path / "bin" / "distaff"), str(store), json.dumps(commands)]
    ended = subprocess.run(
        command, cwd=store, env={**os.environ, "CANARY": str(canary)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert not canary.exists()
    assert json.loads(ended.stdout.splitlines()[-1]) == [], "no Python of the store is so much as opened"
    assert "Traceback" not in ended.stderr
    assert f"carries plug-ins that are not here: theirs ({carried.relative_to(store)})" in ended.stderr
    assert "not applicable" in ended.stdout, "claims of one run"
    assert "report/index.html" in ended.stdout


def test_the_current_folder_is_not_searched_for_modules(tmp_path: Path) -> None:
    for name in ("polars.py", "tyro.py", "numpy.py"):
        (tmp_path / name).write_text(CANARY)
    command = [sys.executable, "-m", "distaff", "--help"]
    environment = {**os.environ, "CANARY": str(tmp_path / "canary")}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert not (tmp_path / "canary").exists()


def test_a_plugin_that_travels_is_named_and_runs_only_if_it_is_trusted(tmp_path: Path) -> None:
    store, before = hand_made_store(tmp_path / "store"), os.environ.get(EXTRA_PLUGINS)
    path, lines = carry(store), []
    assert [(one.kind, one.name, one.path) for one in carried_plugins(store)] == [("methods", "theirs", path)]
    with with_plugins_of(store, log=lines.append):
        assert "theirs" not in METHODS.names()
    assert str(path) in lines[0]
    assert "--trust" in lines[0]
    with with_plugins_of(store, trust=True):
        assert str(METHODS.parse("theirs(weight=3)")) == "theirs(weight=3)"
        assert METHODS.plugin("theirs").marks["label"] == "Theirs"
        assert not carried_plugins(store), "it is here now"
    assert "theirs" not in METHODS.names()
    assert os.environ.get(EXTRA_PLUGINS) == before


def test_a_plugin_of_ones_own_goes_before_one_that_travels(tmp_path: Path) -> None:
    carry(tmp_path, CANARY, "beta_vae")
    assert carried_plugins(tmp_path) == []


def test_a_plugin_that_was_edited_since_is_not_run(tmp_path: Path) -> None:
    path = carry(tmp_path)
    path.write_text(PLUGIN + CANARY)
    with pytest.raises(DistaffError, match="does not have the hash of its name"), with_plugins_of(tmp_path, trust=True):
        pass
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DistaffError, match="named pipe"), with_plugins_of(tmp_path, trust=True):
        pass


def test_two_versions_of_a_plugin_are_not_chosen_between(tmp_path: Path) -> None:
    carry(tmp_path)
    carry(tmp_path, PLUGIN + "\n")
    complaint = r"two versions of theirs: .* DISTAFF_PLUGINS"
    with pytest.raises(DistaffError, match=complaint), with_plugins_of(tmp_path, trust=True):
        pass


def test_a_report_is_made_of_a_store_by_its_study(tmp_path: Path) -> None:
    store = hand_made_store(tmp_path / "store")
    study, held, command = named(store)
    assert (study.name, held, command) == ("theirs", store, "distaff study run theirs.py")
    assert [run.id for run in study.runs] == [one_run().id]
    (store / "studies" / "more.json").write_bytes((store / "studies" / "theirs.json").read_bytes())
    with pytest.raises(DistaffError, match=r"holds 2 studies .*more.json, .*theirs.json\): name one"):
        named(store)
    with pytest.raises(DistaffError, match="holds 0 studies"):
        named(tmp_path)


@pytest.mark.parametrize(
    ("name", "look"),
    [("report", distaff.report), ("cache", distaff.report), ("cache", read), ("cache", index_store), ("cache", claims)],
)
def test_no_folder_that_is_a_link_is_written_into(tmp_path: Path, name: str, look: Callable[[Path], object]) -> None:
    store = hand_made_store(tmp_path / "store")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "every-0.parquet").touch()  # as tables in a cache are called, of which older ones are deleted
    (store / name).symlink_to(tmp_path / "mine")
    with pytest.raises(DistaffError, match=f"{name} is a link, and would be written into"):
        look(store)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["every-0.parquet"]


def attacked(folder: Path, draw: random.Random, number: int) -> str:
    """Damage one file of the store in `folder`; returns which."""
    path = draw.choice([path for path in sorted(folder.rglob("*")) if path.is_file() and "cache" not in path.parts])
    content, kind = path.read_bytes(), draw.randrange(12)
    path.unlink()
    if kind == 0:
        os.mkfifo(path)
    elif kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to("/dev/zero")
    elif kind > 3:
        path.write_bytes(list(mutations(content, 2, f"store {number}"))[draw.randrange(2)])
    return path.name


@pytest.mark.parametrize("n", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_a_store_in_which_anything_is_wrong_ends_in_scores_or_in_one_line(tmp_path: Path, n: int) -> None:
    draw, ended = random.Random(n), {"read": 0, "refused": 0}
    for number in range(n):
        store = hand_made_store(tmp_path / str(number))
        where = [attacked(store, draw, number) for _ in range(draw.choice((1, 1, 2)))]
        for look in (
            read,
            index_store,
            named,
            *([lambda folder: claims(folder, resamples=2)] if number % 10 == 0 else []),
        ):
            try:
                with in_time(WAIT):
                    look(store)
                ended["read"] += 1
            except DistaffError as error:
                if len(str(error).splitlines()) != 1:
                    raise AssertionError(f"store {number}, {where}: several lines: {error}") from error
                ended["refused"] += 1
            except (Exception, HangsError) as error:
                raise AssertionError(f"store {number}, {where}: {type(error).__name__}: {error}") from error
    assert min(ended.values()) > n / 10, ended
