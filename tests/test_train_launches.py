"""How many kernels an update launches on a GPU and how many bytes they touch is bounded, so that each gain stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
BOUNDS = {  # launches of an update, whatever the number of models, and megabytes of each model
    "beta_vae(beta=4), bf16, conv64": (89, 105),
    "beta_vae(beta=4), fp32, conv64": (85, 186),
    "factor_vae, bf16, conv64": (171, 218),
}


def test_an_update_launches_few_kernels_and_touches_few_bytes() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    script = Path(__file__).with_name("gpu_launches.py")
    done = subprocess.run(
        [sys.executable, str(script), *BOUNDS], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for (setting, bounds), line in zip(BOUNDS.items(), done.stdout.splitlines(), strict=True):
        found = json.loads(line)
        assert found["launches"] <= bounds[0], f"{setting}: {found}"
        assert found["megabytes"] <= bounds[1], f"{setting}: {found}"
