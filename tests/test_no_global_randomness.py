"""Randomness is an argument: no result depends on a global generator, and none is touched."""

from __future__ import annotations

import ast
import random
import re
from pathlib import Path

import numpy as np
import torch

from distaff.plugins.registry import METRICS
from distaff.runs import run
from distaff.scoring.protocol import EvaluationProtocol
from distaff.scoring.score import evaluate_run
from distaff.training.fit import fit

SOURCE = Path(__file__).parent.parent / "src" / "distaff"
SEEDED = {"Generator", "Philox", "SeedSequence", "PCG64", "BitGenerator", "default_rng", "RandomState"}
DRAWS = {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "normal", "multinomial", "bernoulli"}


def results() -> tuple[bytes, str]:
    """Weights and scores of one small run."""
    one = run("toy_color", "factor_vae", "mlp(width=8, latents=3)", "critic(width=8, depth=1)", updates=5)
    (trained,) = fit((one,))
    metrics = tuple(METRICS.parse(text) for text in ("mig", "dci", "sap", "factor_vae_score(train=200, test=100)"))
    found = evaluate_run(one, trained.params, EvaluationProtocol(metrics, 100, 100, 1_000))
    return b"".join(weights.numpy().tobytes() for weights in trained.params.values()), repr(found)


def states() -> tuple[bytes, bytes]:
    """Python's own is left out: beartype, which watches the tests, draws from it."""
    numpys = np.random.get_state()[1].tobytes()  # noqa: NPY002  (this is what must not matter)
    return numpys, torch.get_rng_state().numpy().tobytes()


def outcome(global_seed: int) -> tuple[bytes, str]:
    """The results with every global generator started at `global_seed`; they are left where they were."""
    random.seed(global_seed)
    np.random.seed(global_seed)  # noqa: NPY002
    torch.manual_seed(global_seed)
    before, found = states(), results()
    assert states() == before
    return found


def test_training_and_scoring_neither_read_nor_move_a_global_generator() -> None:
    assert outcome(0) == outcome(12345)


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_no_line_draws_from_a_global_generator() -> None:
    for path in (one for one in SOURCE.rglob("*.py") if "testing" not in one.parts):  # which looks whether others do
        for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(call.func)
            if name.startswith("np.random."):
                assert re.split(r"[.(]", name)[2] in SEEDED, f"{path}:{call.lineno}: {name}"
                assert call.args or name != "np.random.default_rng", f"{path}:{call.lineno}: no seed"
            if name.startswith("torch.") and name.split(".")[1] in DRAWS:
                assert any(word.arg == "generator" for word in call.keywords), f"{path}:{call.lineno}: {name}"
            assert not name.startswith("random."), f"{path}:{call.lineno}: {name}"
