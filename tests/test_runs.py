"""A run or a study that is impossible is refused where it is written, with the field and what would be right."""

from __future__ import annotations

import pytest

from distaff import Optim, Run, Study, cross, run
from distaff.errors import DistaffError

RUNS = cross(["toy"], ["beta_vae"], range(1), network="mlp(width=8)")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(name, value) for name in ("rows", "test_rows", "pack") for value in (0, -1, 2.5, True, "8")],
        *[("grid_rows", value) for value in (0, 1, -5, 1e4)],
        ("pictures", -1),
        ("name", ""),
        ("name", "../mine"),
        ("name", "/tmp/mine"),
        ("name", ".hidden"),
        ("name", "two\nlines"),
        ("name", 3),
        ("sampling", "1999"),
    ],
)
def test_a_study_with_an_impossible_size_or_name_is_refused(field: str, value: object) -> None:
    assert Study("my-study.2", RUNS, ("mig",)).pictures == 1
    with pytest.raises(DistaffError, match=r"study|sampling") as error:
        Study(**{"name": "mine", "runs": RUNS, "metrics": ("mig",), field: value})
    assert repr(value) in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [("batch", 1), ("batch", 64.0), ("updates", 0), ("updates", True), ("seed", -1), ("seed", 2**32)],
)
def test_a_run_with_an_impossible_number_is_refused(field: str, value: object) -> None:
    with pytest.raises(DistaffError, match=f"{field}={value!r}"):
        run("toy", "beta_vae", "mlp", **{field: value})


@pytest.mark.parametrize(
    ("field", "value"), [("lr", "fast"), ("beta1", None), ("eps", True), ("warmup", 1.5), ("lr", 0)]
)
def test_an_optimiser_with_an_impossible_number_is_refused(field: str, value: object) -> None:
    with pytest.raises(DistaffError, match=f"{field}={value!r}|above 0"):
        Optim(**{field: value})


def test_the_least_sizes_are_allowed() -> None:
    Study("a", RUNS, (), rows=1, test_rows=1, grid_rows=2, pack=1, pictures=0)
    assert Run(RUNS[0].dataset, RUNS[0].method, RUNS[0].network, batch=2, updates=1, seed=2**32 - 1).batch == 2
