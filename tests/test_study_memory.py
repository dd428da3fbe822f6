"""However little memory a worker has, and whoever takes a pack over, the results are those of the whole pack."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from distaff.errors import DistaffError
from distaff.store.store import Store
from distaff.store.studies import load_study
from distaff.study.checkpoints import checkpoints
from distaff.study.launch import LaunchRequest, bytes_in
from distaff.study.plan import plan
from distaff.study.stop import Stop
from distaff.study.train_pack import Limits, train
from distaff.study.watch import Watch
from distaff.study.work import work
from distaff.training.memory import OF_PROCESS, bytes_of
from real_studies import leftovers, results, start, study_file, undisturbed, wait_for

METHODS = ("beta_vae(beta=2)", "dip_vae_i", "annealed_vae")


class After(Stop):
    """Stops its worker at the check of that number."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self.checks = checks

    def check(self) -> None:
        """Raise at the last check."""
        self.checks -= 1
        if not self.checks:
            raise KeyboardInterrupt


def room(file: Path, models: int) -> int:
    """Bytes of a worker for so many models of the study in `file`."""
    return OF_PROCESS + models * bytes_of(load_study(file).runs[0])


def beside(folder: Path) -> Counter[int]:
    """How many runs were trained beside how many others."""
    return Counter(json.loads(path.read_text())["models"] for path in folder.glob("runs/*/provenance.json"))


def test_a_pack_that_does_not_fit_is_trained_in_sub_packs_of_one_size(tmp_path: Path) -> None:
    file = study_file(tmp_path, METHODS, 2, 30, pack=6)
    store = Store(tmp_path / "store")
    work(store, load_study(file), memory=room(file, 5))
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")
    assert beside(store.folder) == {3: 6}
    assert leftovers(store.folder) == []


@pytest.mark.parametrize("methods", [METHODS, pytest.param(("factor_vae",), marks=pytest.mark.slow)])
def test_whoever_takes_over_goes_on_where_the_last_one_stopped(methods: tuple[str, ...], tmp_path: Path) -> None:
    file = study_file(tmp_path, methods, 6 // len(methods), 400, pack=6)
    study, store = load_study(file), Store(tmp_path / "store")
    (job,) = plan(study, store).packs
    steps = []
    for models, checks in ((6, 60), (2, 40), (4, 160), (1, 100)):
        with pytest.raises(KeyboardInterrupt):
            train(store, job, After(checks), Limits(30.0, room(file, models)))
        steps.append({len(checkpoint.runs): checkpoint.step for checkpoint in checkpoints(store, job.name)})
    assert steps[0] == {6: 120}, "checks are two updates apart"
    assert steps[1] == {6: 120, 2: 200}, "two models are copied out, and nothing is lost"
    assert steps[2].keys() == {6, 4}, "the two are done, and the next four come out of the first checkpoint"
    assert steps[2][4] > 120
    progress = Watch(study, store).progress()
    assert progress.all_updates == 2_400
    assert progress.updates >= 2 * 400 + steps[2][4] * 4
    work(store, study)
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(store.folder) == []


@pytest.mark.slow
def test_commands_of_different_memory_share_one_store_and_outlive_a_kill(tmp_path: Path) -> None:
    file = study_file(tmp_path, METHODS, 4, 1_500, pack=6)
    folder = tmp_path / "out" / "small"
    words = ("study", "run", file, "--no-rehearsal", "--workers", "1", "--checkpoint-seconds", "0.2", "--memory")
    first = start(*words, "4GB", cwd=tmp_path)
    wait_for(lambda: first.poll() is not None or any(folder.glob("packs/[!.]*.safetensors")))
    assert first.poll() is None, "it ended before it was killed"
    first.kill()
    first.communicate()
    small = f"{room(file, 2) / 1e6}MB"
    both = [start(*words, memory, cwd=tmp_path) for memory in (small, "4GB")]
    for process in both:
        output = process.communicate(timeout=300)
        assert process.returncode == 0, output
    assert results(folder) == undisturbed(file, tmp_path / "twin")
    assert leftovers(folder) == []


def test_a_sub_pack_that_is_torn_is_set_aside_and_the_rest_is_kept(tmp_path: Path) -> None:
    file = study_file(tmp_path, METHODS, 2, 400, pack=6)
    study, store = load_study(file), Store(tmp_path / "store")
    (job,) = plan(study, store).packs
    for models, checks in ((6, 60), (2, 40)):
        with pytest.raises(KeyboardInterrupt):
            train(store, job, After(checks), Limits(30.0, room(file, models)))
    (torn,) = (store.folder / "packs").glob(f"{job.name}-*.safetensors")
    torn.write_bytes(b"torn")
    assert [len(checkpoint.runs) for checkpoint in checkpoints(store, job.name)] == [6]
    assert (store.folder / "damaged" / torn.name).read_bytes() == b"torn"
    work(store, study, memory=room(file, 2))
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")


def test_a_run_that_is_selected_from_a_pack_in_progress_is_trained_alone(tmp_path: Path) -> None:
    file = study_file(tmp_path, METHODS, 2, 400, pack=6)
    study, store = load_study(file), Store(tmp_path / "store")
    (job,) = plan(study, store).packs
    with pytest.raises(KeyboardInterrupt):
        train(store, job, After(60))
    work(store, study, ids=frozenset({study.runs[3].id}))
    assert [path.name for path in (store.folder / "runs").iterdir()] == [study.runs[3].id]
    (checkpoint,) = checkpoints(store, job.name)
    assert (len(checkpoint.runs), checkpoint.step) == (6, 120)
    work(store, study)
    assert results(store.folder) == undisturbed(file, tmp_path / "twin")


PEAK = """
import re, sys
from pathlib import Path
from distaff.store.studies import load_study
from distaff.study.plan import plan
from distaff.study.stop import Stop
from distaff.store.store import Store
from distaff.study.train_pack import Limits, train
file, folder, memory = sys.argv[1:]
(job,) = plan(load_study(Path(file)), store := Store(Path(folder))).packs
train(store, job, Stop(), Limits(0.0, int(memory)))
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1], "torch._dynamo" in sys.modules)
"""


@pytest.mark.slow
def test_a_worker_keeps_to_its_memory(tmp_path: Path) -> None:
    file = study_file(tmp_path, ("beta_vae",), 8, 3, pack=8)
    file.write_text(file.read_text().replace("mlp(width=8, latents=3)", "mlp(width=1024, latents=3)"))
    peaks = {}
    for memory in (0, 950_000_000, 1_250_000_000):
        words = [sys.executable, "-c", PEAK, str(file), str(tmp_path / str(memory)), str(memory)]
        peak, compiler = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        peaks[memory] = 1024 * int(peak)
        assert compiler == "False", "torch's compiler, a second and 170 MB, is for GPUs"
    assert peaks[0] > 1_250_000_000
    assert all(peak < memory for memory, peak in peaks.items() if memory)
    assert beside(tmp_path / "950000000") == {2: 8}
    assert beside(tmp_path / "1250000000") == {4: 8}


@pytest.mark.parametrize(("text", "bytes"), [("", 0), ("2GB", 2 * 10**9), ("1.5 gib", 3 * 2**29), ("800mb", 8 * 10**8)])
def test_memory_is_written_as_people_write_it(text: str, bytes: int) -> None:
    assert bytes_in(text) == bytes
    assert f"--memory={bytes}" in LaunchRequest(Path(), "s", memory=bytes).command()


def test_memory_that_means_nothing_is_refused() -> None:
    with pytest.raises(DistaffError, match="write it as 2GB"):
        bytes_in("2")
