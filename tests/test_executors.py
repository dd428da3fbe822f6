"""Every executor ends a study as one process would, and passes on why a worker cannot go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from distaff.errors import DistaffError
from distaff.store.studies import load_study, save_study
from distaff.study.executors.local import cores_and_memory, run_local
from distaff.study.executors.memory import available, total
from distaff.study.executors.slurm import WorkerTask, _arrays, _options, run_slurm
from distaff.study.executors.start import start
from distaff.study.launch import LaunchRequest
from distaff.study.progress import read_progress
from fake_slurm import install
from real_studies import results, study_file, undisturbed, wait_for

Executor = Callable[[LaunchRequest], None]


def with_fake_slurm(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    folder.mkdir()
    for name, value in install(folder).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["local", "submitit-local", pytest.param("slurm", marks=pytest.mark.slow),
                        pytest.param("ray", marks=pytest.mark.slow)])  # fmt: skip
def executor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Executor:
    if request.param == "slurm":
        with_fake_slurm(monkeypatch, tmp_path / "slurm")
    if request.param == "ray":
        return run_ray_apart
    return {"local": run_local, "submitit-local": partial(run_slurm, cluster="local"), "slurm": run_slurm}[
        request.param
    ]


RAY = """
import sys
from pathlib import Path
from distaff.study.executors.ray import run_ray
from distaff.study.launch import LaunchRequest
run_ray(LaunchRequest(Path(sys.argv[1]), "small", workers=2))
"""


def run_ray_apart(request: LaunchRequest) -> None:
    """In a process of its own: Ray leaves threads and warnings behind."""
    command = [sys.executable, "-c", RAY, str(request.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DistaffError(done.stderr.strip().splitlines()[-1].removeprefix("distaff.errors.DistaffError: "))


def test_an_executor_does_all_and_no_more(executor: Executor, tmp_path: Path) -> None:
    file, folder = study_file(tmp_path, ("beta_vae", "dip_vae_i"), 1, 30, pack=1), tmp_path / "store"
    save_study(folder, load_study(file))
    executor(LaunchRequest(folder, "small", workers=2))
    before = results(folder)
    assert before == undisturbed(file, tmp_path / "twin")
    executor(LaunchRequest(folder, "small", workers=1))
    assert results(folder) == before
    assert not list((folder / "claims").iterdir())


def test_with_a_gpu_one_worker_trains_on_it_and_the_others_score(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from distaff.study.executors import local

    started: list[tuple[list[str], str]] = []
    popen = subprocess.Popen

    def noted(words: list[str], **more: Any) -> Any:
        kinds = [word for word in words if word.startswith("--kinds")]
        started.append((kinds, more["env"].get("CUDA_VISIBLE_DEVICES", "")))
        return popen(words, **more)

    monkeypatch.setattr(local, "resolve_device", lambda _: "cuda")
    monkeypatch.setattr(local, "gpus", lambda: 1)
    monkeypatch.setattr(local.subprocess, "Popen", noted)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,7")
    file, folder = study_file(tmp_path, ("beta_vae", "dip_vae_i"), 1, 30, pack=1), tmp_path / "store"
    save_study(folder, load_study(file))
    run_local(LaunchRequest(folder, "small", workers=1))
    assert started == [(["--kinds=train"], "6"), (["--kinds=score"], "6,7")]
    monkeypatch.undo()
    assert results(folder) == undisturbed(file, tmp_path / "twin")


def test_an_executor_passes_on_the_error_of_a_worker(executor: Executor, tmp_path: Path) -> None:
    path = save_study(tmp_path / "store", load_study(study_file(tmp_path)))
    path.write_bytes(path.read_bytes().replace(b'"seed": 0', b'"seed": 9', 1))
    with pytest.raises(DistaffError, match=r"small\.json is damaged or was edited"):
        executor(LaunchRequest(tmp_path / "store", "small", workers=1))


@pytest.mark.slow
def test_a_job_that_slurm_preempts_is_queued_again_and_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_fake_slurm(monkeypatch, tmp_path / "slurm")
    file, folder = study_file(tmp_path, ("beta_vae",), 2, 1_500), tmp_path / "store"
    save_study(folder, load_study(file))
    thread = threading.Thread(target=run_slurm, args=(LaunchRequest(folder, "small", workers=1),), daemon=True)
    thread.start()
    packs = folder / "packs"
    wait_for(
        lambda: not thread.is_alive() or any(read_progress(path)["updates"] > 200 for path in packs.glob("*.progress"))
    )
    (lease,) = folder.glob("claims/*")
    worker = int(json.loads(lease.read_text().splitlines()[0])["pid"])
    job = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(job, signal.SIGUSR2)  # what SLURM sends before it takes a node away
    thread.join(400)
    assert [path.read_text() for path in (tmp_path / "slurm" / "state").glob("*.restarts")] == ["1"]
    assert results(folder) == undisturbed(file, tmp_path / "twin")


NODES = """
import sys, threading, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from distaff.study.executors.ray import run_ray
from distaff.study.launch import LaunchRequest
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
ray.init(address=cluster.address, log_to_driver=False)
folder = Path(sys.argv[1])
lost = []
def tick():
    if not lost and list(folder.glob("packs/*.progress")):
        lost.append(nodes[0])
        cluster.remove_node(nodes[0], allow_graceful=False)
        cluster.add_node(num_cpus=1)
run_ray(LaunchRequest(folder, "small", workers=2, checkpoint_seconds=0.5), tick)
print("lost", len(lost))
"""


@pytest.mark.slow
def test_a_ray_node_that_is_killed_in_the_middle_costs_nothing_but_time(tmp_path: Path) -> None:
    file, folder = study_file(tmp_path, ("beta_vae", "factor_vae"), 2, 500), tmp_path / "store"
    save_study(folder, load_study(file))
    command = [sys.executable, "-c", NODES, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "lost 1" in done.stdout, done.stderr
    assert results(folder) == undisturbed(file, tmp_path / "twin")


def test_gpus_are_for_packs_and_not_for_scores() -> None:
    options = _options("partition=gpu, time=1440,gres=gpu:1,mem_gb=16")
    assert options == {"slurm_partition": "gpu", "slurm_time": 1440, "slurm_gres": "gpu:1", "mem_gb": 16}
    assert [kinds for kinds, _ in _arrays(options)] == ["train", "score"]
    assert "slurm_gres" not in _arrays(options)[1][1]
    assert _arrays({}) == [("train,score", {})]
    with pytest.raises(DistaffError, match="write options as name=value"):
        _options("gpu")


def test_what_slurm_queues_again_is_the_same_worker() -> None:
    task = WorkerTask(["worker"], Path("store"))
    assert task.checkpoint().function == task


def test_an_unknown_executor_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(DistaffError, match="Did you mean 'slurm'"):
        start("slurn", LaunchRequest(tmp_path, "x"), lambda: None)


def test_workers_have_cores_and_memory() -> None:
    assert 1 <= cores_and_memory() <= (os.cpu_count() or 1)
    assert 0 < available() <= total()
