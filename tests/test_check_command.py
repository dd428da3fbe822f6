"""`distaff check` finds deliberate mistakes, each by the check that is about it, in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distaff.errors import DistaffError
from distaff.testing import checks_of, outcomes
from distaff.testing.files import plugin_meant
from distaff.testing.new_plugin import text_of
from distaff.testing.suites import path_of

EMPTY = """if not (names := supervised(table)):
        raise DistaffError("no disentanglement score in the table: score the runs with at least one metric")
"""
# a change of the template of a kind, and the one check that must find it
MISTAKES = {
    "a method without the reconstruction": ("method", '"nll": out.nll', '"nll": out.kl', "holds the reconstruction"),
    "a method whose gradient is cut": ("method", "out.mean.abs()", "out.mean.detach().abs()", "finite differences"),
    "a method that draws noise": ("method", "beta * out.kl", "beta * out.kl * torch.rand(())", "draws nothing"),
    "a method with a term an image": ("method", "abs().sum(1).mean()", "abs().sum(1)", "numbers by name"),
    "a method that asks for a number": ("method", "beta * out.kl", "float(beta) * out.kl", "maps over models"),
    "a metric that returns a float": ("metric", "return Score(sum(parts.values()) / len(parts), parts, matrix)",
                                      "return sum(parts.values()) / len(parts)", "plain float"),
    "a metric of NumPy's floats": ("metric", "Score(sum(parts.values()) / len(parts), parts",
                                   "Score(np.float64(sum(parts.values())) / len(parts), parts", "plain float"),
    "a metric that sees the order of latents": ("metric", "matrix[:, j].max()", "matrix[0, j]",
                                                "order of latents is of no matter"),
    "a metric that depends on shifts": ("metric", "x = x - x.mean(axis=0)", "x = x - 0", "shift of codes"),
    "a metric that minds constant factors": ("metric", "/ len(parts), parts", "/ len(table.sizes), parts",
                                             "constant factors are left out"),
    "a metric that overflows": ("metric", "moderate(codes)[0]", "codes", "of any size"),
    "a metric without a reason": ("metric", "Score(math.nan, reason=reason)", "Score(math.nan)", "not finite"),
    "a metric of random rows": ("metric", "x = x - x.mean(axis=0)",
                                "x = x - x.mean(axis=0) + 0.1 * np.random.normal(size=x.shape)", "repeats itself"),
    "a task that ignores the test": ("task", "(part.astype(np.float64) for part in data.moderate)",
                                     "(data.moderate[0].astype(np.float64),) * 2", "plain float"),
    "images in the unit interval": ("dataset", "255, 0).astype(np.uint8)", "1.0, 0.0)", "bytes of the declared shape"),
    "images without channels": ("dataset", "[..., None]", "", "bytes of the declared shape"),
    "a factor that does not show": ("dataset", "start + size + 2", "start + 2", "every factor changes images"),
    "images that are drawn anew": ("dataset", "255, 0)", "np.random.default_rng().integers(99, 255), 0)",
                                   "that of its row"),
    "a network with BatchNorm": ("network", "nn.Linear(pixels, width),", "nn.Linear(pixels, width), nn.BatchNorm1d(9),",
                                 "structure alone"),
    "a network with Dropout": ("network", "nn.Linear(pixels, width), nn.ReLU(), nn.Linear(width, 2",
                               "nn.Linear(pixels, width), nn.Dropout(0.5), nn.Linear(width, 2", "training and in use"),
    "a network of another width": ("network", "2 * latents", "latents", "shapes"),
    "a network that holds weights": ("network", 'torch.device("meta")', 'torch.device("cpu")', "structure alone"),
    "a critic of one logit": ("critic", "nn.Linear(width, 2)", "nn.Linear(width, 1)", "judges codes"),
    "a figure without order": ("figure", "    order=1000,\n", "", "place on the page"),
    "a figure without a frame": ("figure", "return Figure(frame,", "return Figure(None,", "a frame and charts"),
    "a figure that dies of an empty table": ("figure", EMPTY, "names = supervised(table)\n", "an empty table"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_other_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTAFF_PLUGINS", "")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_by_the_check_that_is_about_it(mistake: str, tmp_path: Path) -> None:
    kind, right, wrong, sentence = MISTAKES[mistake]
    text, name = text_of(kind, "my_idea"), "wrong_" + "".join(c for c in mistake if c.isalpha()).lower()
    assert right in text
    path = tmp_path / f"{name}.py"
    edited = text.replace(right, wrong).replace("my_idea", name)
    path.write_text(
        edited.replace(
            "from __future__ import annotations\n", "from __future__ import annotations\n\nimport torch\n", 1
        )
    )
    kind, name = plugin_meant(str(path))
    failed = {}
    for check in checks_of(kind, name):
        about = sentence in str(check).replace("_", " ") or str(check).startswith("it_is_read")
        if about:  # the others are not needed
            failed |= {str(one.check): one for one in outcomes([check], path_of(kind, name)) if one.status == "failed"}
    assert failed
    for one in failed.values():
        assert one.reason
        assert "\n" not in one.reason
        assert "Traceback" in one.traceback


def distaff(*words: str, plugins: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DISTAFF_PLUGINS": plugins}
    command = [sys.executable, "-m", "distaff", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_report_has_a_line_a_check_a_summary_and_an_exit_status(tmp_path: Path) -> None:
    (tmp_path / "critics").mkdir()
    good, bad = tmp_path / "good_critic.py", tmp_path / "critics" / "bad_critic.py"
    good.write_text(text_of("critic", "good_critic"))
    bad.write_text(text_of("critic", "bad_critic").replace("nn.Linear(width, 2)", "nn.Linear(width, 1)"))
    done = distaff("check", str(good), str(bad))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert f"critic good_critic  ({good})" in lines
    assert sum(line.startswith("failed ") for line in lines) >= 1
    assert all("bad_critic" not in line for line in lines if line.startswith("passed"))
    summaries = [line for line in lines if " passed, " in line]
    assert "0 failed" in summaries[0]
    assert "0 failed" not in summaries[1]
    assert "Traceback" not in done.stdout + done.stderr
    assert "Traceback" in (shown := distaff("check", str(bad), "--traceback")).stdout + shown.stderr
    assert distaff("check", "bad_critic", plugins=str(tmp_path)).returncode == 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("nothing.py", "x = 1\n", "under one of the decorator lines"),
        ("plain.py", "def plain():\n    pass\n", "under one of the decorator lines"),
        ("absent.py", None, "is not a file"),
        ("beta_vae.py", text_of("method", "beta_vae_"). replace("beta_vae_", "beta_vae"), "two files are named"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_plug_in_is_refused_in_one_line(
    name: str, text: str | None, words: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DistaffError, match=words):
        plugin_meant(str(tmp_path / name))


def test_a_file_that_is_not_python_fails_the_first_check_alone_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("from distaff.methods import method\n\n@method(paper='x')\ndef broken(:\n    pass\n")
    (only,) = outcomes(checks_of(*plugin_meant(str(path))), path)
    assert only.status == "failed"
    assert "broken.py:4" in only.reason
    assert "invalid syntax" in only.reason


def test_a_name_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(DistaffError, match="Did you mean 'beta_vae'"):
        plugin_meant("beta_vea")
    with pytest.raises(DistaffError, match="Did you mean 'beta_vae'"):
        checks_of("method", "beta_vea")
    assert plugin_meant("downstream(labels=10)") == ("task", "downstream(labels=10)")


def test_a_file_that_raises_when_it_is_imported_fails_the_first_check_alone(tmp_path: Path) -> None:
    path = tmp_path / "raises.py"
    path.write_text(text_of("method", "raises").replace("import annotations\n", "import annotations\n1 / 0\n", 1))
    (only,) = outcomes(checks_of(*plugin_meant(str(path)), inapplicable=True), path)
    assert only.status == "failed"
    assert "ZeroDivisionError" in only.reason
    assert "raises.py:4" in only.reason


def test_checks_need_neither_pytest_nor_hypothesis() -> None:
    code = (
        "import sys; from distaff.testing import checks_of\n"
        "checks_of('metric', 'mig')[0](); checks_of('critic', 'critic')[0]()\n"
        "assert not {'pytest', 'hypothesis', '_pytest'} & set(sys.modules)\n"
        "checks_of('metric', 'mig')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_checks_of_metrics_need_no_torch_until_one_is_about_tensors() -> None:
    code = (
        "import sys; from distaff.testing import checks_of\n"
        "checks_of('metric', 'mig')[2](); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
