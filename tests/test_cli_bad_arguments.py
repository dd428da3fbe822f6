"""Bad arguments of every command that reads what others wrote: exit status 2 and a line that says what was wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from distaff import cli
from distaff.data.cache.built import FOLDER
from strangers import WAIT, hand_made_store, in_time, one_run

LONG = "x" * 5000
NOT_UTF8 = os.fsdecode(b"\xff\xfe")
ID = one_run().id
GOOD = ["score", "good.npz", "--metrics", "mig", "--quick"]
TABLE = [
    *(
        ["score", name]
        for name in ("missing.npz", "", "empty", "pipe.npz", "text.npz", "nothing.npz", LONG, f"{LONG}.npz")
    ),
    *(
        ["score", name]
        for name in (f"{NOT_UTF8}.npz", "/dev/null", "/dev/zero", "store", f"store/runs/{ID}", "objects.npz")
    ),
    *(
        ["score", name]
        for name in ("short.npz", "codes_only.npz", "scalar.npz", "good.npz/inside", "socket/../missing")
    ),
    *([*GOOD, *words] for words in (["--rows", "0"], ["--rows", "-1"], ["--test-rows", "0"], ["--test-rows", "-7"])),
    *([*GOOD, *words] for words in (["--draws", "-1"], ["--jobs", "0"], ["--jobs", "-2"], ["--grid-rows", "0"])),
    *([*GOOD, *words] for words in (["--rows", "many"], ["--sampling", "none"], ["--json", "empty"], ["--no-such"])),
    *(
        ["score", "good.npz", "--metrics", text]
        for text in ("nope", "", "mig(", "mig()()", "mig(bins=[])", "mig(x=1)", LONG)
    ),
    *(
        ["score", "good.npz", "--metrics", text]
        for text in ("mig(" * 3000, "-" * 9000 + "1", "mig(bins=" + "(" * 500 + ")")
    ),
    *(
        ["data", "show", text]
        for text in ("", "nope", "toy(", "toy(x=1)", "arrays", "arrays(images=1)", LONG, NOT_UTF8)
    ),
    *(
        ["data", "show", f"arrays(images={name!r})"]
        for name in ("missing.npz", "pipe.npz", "empty", "text.npz", "", LONG)
    ),
    *(["data", "show", f"arrays(images='good.npz', factors={name!r})"] for name in ("pipe.csv", "empty", "/dev/zero")),
    ["data", "show", "toy", "--out", "empty"],
    *(["data", "fetch", name] for name in ("toy", "nope", "", LONG)),
    *(["data", "fetch", "shapes3d", "--from", name] for name in ("missing", "empty", "pipe.npz", "text.npz", "")),
    *(["store", "check", name] for name in ("missing", "", "text.npz", "pipe.npz", "empty", LONG, NOT_UTF8)),
    *(["store", "merge", *names] for names in (("missing", "new"), ("store", "text.npz"), ("empty", "new"), ("", ""))),
    *(["store", "prune", "store", name] for name in ("missing.py", "empty", "pipe.py", "text.py", "")),
    *(["store", "export", "store", "new", name] for name in ("missing.py", "bad.py", "none.py")),
    *(["store", word, *rest] for word, rest in (("compact", ["missing"]), ("pull", ["missing", "new"]), ("nope", []))),
    *(["store", "push", *names] for names in (("missing", "x"), ("store", "nowhere://x"))),
    *(["claims", name] for name in ("missing", "", "text.csv", "pipe.csv", "empty", "text.parquet", LONG, "/dev/zero")),
    *(["claims", "store", *words] for words in (["--resamples", "0"], ["--resamples", "-5"], ["--json", "empty"])),
    *(
        ["report", name]
        for name in ("missing.py", "", "empty", "bad.py", "none.py", "pipe.py", "latin.py", "text.json", LONG)
    ),
    ["report", "store", "--format", "doc"],
    *(["explore", name] for name in ("missing", "", "text.npz", "empty", "pipe.npz", LONG, NOT_UTF8)),
    *(["explore", "store", "--port", port] for port in ("-1", "99999", "x")),
    *(["explore", "store", "--port", "0", "--host", host] for host in ("", "not a host", LONG)),
    *([word, name] for word in ("show", "export") for name in ("", "nope", "missing/run", "text.npz", LONG, NOT_UTF8)),
    *([word, ID[:4], "--store", name] for word in ("show", "export") for name in ("missing", "text.npz", "empty")),
    *([word, f"store/runs/{ID}"] for word in ("show", "export")),
    *(
        ["export", ID, "--store", "store", *words]
        for words in (["--to", "nope"], ["--grid-rows", "0"], ["--grid-rows", "x"])
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arguments")
    hand_made_store(folder / "store")
    (folder / "empty").mkdir()
    codes, factors = np.zeros((20, 2)), np.arange(20)[:, None] % 4
    np.savez(folder / "good.npz", codes=codes, factors=factors, images=np.zeros((20, 4, 4), np.uint8))
    np.savez(folder / "short.npz", codes=codes, factors=factors[:3])
    np.savez(folder / "codes_only.npz", codes=codes)
    np.savez(folder / "scalar.npz", codes=np.float64(1), factors=np.float64(1))
    np.savez(folder / "objects.npz", codes=np.array([{}]), factors=factors)
    for name in ("text.npz", "text.csv", "text.parquet", "text.json", "text.py"):
        (folder / name).write_text("no\x1b[2J such thing (")
    (folder / "nothing.npz").touch()
    (folder / "bad.py").write_text("study = (")
    (folder / "none.py").write_text("study = 1")
    (folder / "latin.py").write_bytes(b"# gr\xf6\xdfe\n")
    for name in ("pipe.npz", "pipe.csv", "pipe.py"):
        os.mkfifo(folder / name)
    return folder


def test_there_are_enough_of_them() -> None:
    assert len(TABLE) >= 96


@pytest.mark.parametrize("words", TABLE, ids=lambda words: " ".join(words)[:60].encode("ascii", "replace").decode())
def test_a_bad_argument_is_one_line_and_exit_status_2(words, folder, tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setattr("sys.argv", ["distaff", *words])
    with pytest.raises(SystemExit) as ended, in_time(WAIT):
        cli.main()
    said = capfd.readouterr().err
    assert ended.value.code == 2
    assert said.strip()
    assert "Traceback" not in said
    assert "\x1b" not in said
    if "╭" not in said:  # the box in which the parser of arguments says which there are
        lines = [line for line in said.strip().splitlines() if not line.startswith("reading the runs of")]
        assert len(lines) <= 2, said
        assert max(map(len, lines)) < 2100
