"""Provenance records what made a result: code, machine, command, energy."""

from __future__ import annotations

from pathlib import Path

import pytest

from distaff.store.provenance import commit, joules, provenance, spent
from small_store import small_store


def test_provenance_records_code_machine_and_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DISTAFF_COMMAND", "distaff study run x.py")
    record = provenance()
    assert record["command"] == "distaff study run x.py"
    assert record["device"]
    assert (commit()["commit"] is None) == (commit()["dirty"] is None)
    package = tmp_path / "intel-rapl:0"
    package.mkdir()
    (package / "max_energy_range_uj").write_text("10000000\n")
    counts = []
    for now in ("9000000\n", "2000000\n"):
        (package / "energy_uj").write_text(now)
        counts.append(joules(tmp_path))
    assert spent(counts[0], counts[1]) == 3.0
    assert joules(tmp_path / "nowhere") is None
    assert spent(None, counts[1]) is None


def test_a_run_records_its_engine_and_the_pace_of_its_updates(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    (first, *_) = (path.name for path in (tmp_path / "runs").iterdir())
    record = store.provenance(first)
    assert record["engine"] == "chained"
    pace = store.curve(first)["milliseconds"]
    assert pace.null_count() == 0
    assert pace.min() <= record["milliseconds"] <= pace.max()


def test_a_curve_has_the_terms_of_its_own_method_alone(tmp_path: Path) -> None:
    store = small_store(tmp_path)
    for path in (tmp_path / "runs").iterdir():
        curve, method = store.curve(path.name), store.run(path.name).method.name
        assert ("term.covariance" in curve.columns) == (method == "dip_vae_i")
        assert not any(column.is_nan().any() for column in curve)
