"""What the package offers by name is there, has its types, and is what the commands call."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import distaff
from distaff.plugins.registry import FIGURES, METHODS, METRICS, TASKS, Registry

SOURCE = Path(distaff.__file__).parent
USER = Path(__file__).parent / "typed_user.py"


def imports_for_type_checkers(path: Path) -> dict[str, tuple[str, str]]:
    """The names that `if TYPE_CHECKING:` imports, each with its module and its name there."""
    blocks = [n for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.If) and "TYPE_CH" in ast.dump(n)]
    nodes = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: (str(node.module), alias.name) for node in nodes for alias in node.names}


def test_every_name_of_the_package_is_what_type_checkers_think() -> None:
    listed = imports_for_type_checkers(SOURCE / "__init__.py")
    assert {*listed, "__version__"} == set(distaff.__all__)
    for name, (module, there) in listed.items():
        assert getattr(distaff, name) is getattr(importlib.import_module(module), there), name
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        distaff.trian  # noqa: B018


@pytest.mark.parametrize("name", [name for name in distaff.__all__ if name != "__version__"])
def test_every_call_says_what_it_takes_and_gives(name: str) -> None:
    value = getattr(distaff, name)
    assert inspect.getdoc(value), name
    if not inspect.isclass(value):
        assert inspect.signature(value).return_annotation is not inspect.Parameter.empty


@pytest.mark.parametrize(
    ("folder", "registry", "package"),
    [
        ("metrics", METRICS, "distaff.metrics"),
        ("tasks", TASKS, "distaff.tasks"),
        ("methods", METHODS, "distaff.methods"),
        ("reports", FIGURES, "distaff.reports.figures"),
    ],
)
def test_type_checkers_know_every_plug_in_by_name(folder: str, registry: Registry, package: str) -> None:
    listed = imports_for_type_checkers(SOURCE / folder / "__init__.py")
    assert listed == {name: (f"{package}.{name}", name) for name in registry.packaged()}
    module = importlib.import_module(f"distaff.{folder}")
    assert all(callable(getattr(module, name)) for name in registry.packaged())


@pytest.mark.parametrize(
    "checker", [["mypy", "--strict"], ["basedpyright", "--level", "error"]], ids=["mypy", "pyright"]
)
def test_a_users_script_passes_type_checkers(checker: list[str], tmp_path: Path) -> None:
    (tmp_path / "user.py").write_text(USER.read_text("utf-8"))
    words = [str(Path(sys.executable).parent / checker[0]), *checker[1:]]
    interpreter = ["--pythonpath", sys.executable] if checker[0] != "mypy" else ["--cache-dir", str(tmp_path / "cache")]
    done = subprocess.run([*words, *interpreter, "user.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_module_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "distaff", "list", "tasks"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "downstream" in done.stdout


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, distaff; distaff.run('toy', 'beta_vae'); print({'torch', 'sklearn', 'polars'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_a_run_that_python_trains_is_that_of_the_command(tmp_path: Path) -> None:
    run = distaff.run("toy", "beta_vae(beta=4)", "mlp(width=8, latents=3)", updates=20, optim=distaff.Optim(lr=1e-3))
    counts: list[int] = []
    model = distaff.train(run, tmp_path / "python", progress=counts.append)
    assert counts[-1] == 20
    words = [
        "train",
        "toy",
        "beta_vae(beta=4)",
        "--network",
        "mlp(width=8, latents=3)",
        "--updates",
        "20",
        "--lr",
        "1e-3",
    ]
    subprocess.run([sys.executable, "-m", "distaff", *words, "--out", str(tmp_path / "shell")], check=True)
    other = distaff.load(tmp_path / "shell" / "runs" / run.id)
    assert all(bool((other.params[name] == weights).all()) for name, weights in model.params.items())
    assert distaff.train(run, tmp_path / "shell").run == run, "it is read, not trained again"


def test_a_study_is_run_and_read_in_calls(tmp_path: Path) -> None:
    runs = distaff.cross(
        ["toy"], ["beta_vae(beta=1)", "beta_vae(beta=4)"], range(2), network="mlp(width=8, latents=3)", updates=20
    )
    study = distaff.Study("calls", runs, metrics=("mig",), rows=100, test_rows=50)
    assert distaff.run_study(study, tmp_path, workers=1).empty
    table = distaff.table(study, tmp_path)
    assert table["setting"].n_unique() == 2
    assert distaff.table(tmp_path).height == table.height
    assert distaff.claims(table).height == distaff.claims(tmp_path).height > 20
    assert distaff.report(study, tmp_path, formats=()).is_file()
