"""The names of the fields of a protocol change; ids and files of scores and of studies stay as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from distaff.plugins.registry import METRICS
from distaff.runs import Study, run
from distaff.scoring.protocol import EvaluationProtocol, protocol_of
from distaff.store.files import read_json
from distaff.store.studies import read_study, save_study

METRICS_OF_ALL = (METRICS.parse("mig"), METRICS.parse("dci"))


@pytest.mark.parametrize(("sampling", "id"), [("disjoint", "c17047e68f0d50d1"), ("2019", "fbbc16131c1294b7")])
def test_the_id_of_a_protocol_keeps_its_value(sampling: str, id: str) -> None:
    protocol = EvaluationProtocol(METRICS_OF_ALL, rows=2_000, test_rows=1_000, grid_rows=10_000, sampling=sampling)
    assert protocol.id == id
    assert replace(protocol, grid_rows=20_000).id != id


def test_files_call_the_grid_rows_cells_as_they_always_did(tmp_path: Path) -> None:
    study = Study("one", (run("toy", "beta_vae", "mlp"),), ("mig",), grid_rows=1_234)
    path = save_study(tmp_path, study)
    assert read_json(path)["cells"] == protocol_of(study).record()["cells"] == 1_234
    assert "grid_rows" not in read_json(path)
    assert read_study(path) == study
