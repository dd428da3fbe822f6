"""The explorer shows what its store holds, and no file outside it can be read through it."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from distaff.errors import DistaffError
from distaff.explore.index import index_store
from distaff.explore.sliders import ROWS, moved, real, start
from distaff.pictures.draw import IMAGES
from distaff.pictures.model import encode_sample, observed_images
from distaff.store.store import Store
from small_store import small_store

SECRET = b"nobody should read this"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("outer") / "store"
    made = small_store(folder, updates=60)
    (folder.parent / "secret.txt").write_bytes(SECRET)
    return made


@pytest.fixture(scope="module")
def address(store: Store) -> Iterator[str]:
    run = "import sys; from pathlib import Path; from distaff.commands.explore import explore; "
    command = [sys.executable, "-c", run + "explore(Path(sys.argv[1]), port=0, browser=False)", str(store.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) is not None


def request(address: str, path: str, host: str | None = None, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    """One request with its path exactly as given: clients would tidy it up."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or place.netloc)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, dict(response.getheaders())


def image(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture).astype(int)


def test_a_listing_holds_every_run_with_its_scores(store: Store) -> None:
    found = index_store(store.folder)
    assert len(found.rows) == len(found.runs) == 3
    labels = {(one["group"], one["label"]): one["key"] for one in found.measures}
    assert all(0 <= row[labels["Scores of mean codes", "MIG"]] <= 1 for row in found.rows)
    assert ("Training", "ELBO") in labels
    assert {row["label"] for row in found.rows} == {"β-VAE", "DIP-VAE-I"}
    with pytest.raises(DistaffError, match="no run to explore"):
        index_store(store.folder / "packs")


def test_links_out_of_the_store_and_damaged_runs_are_left_out_and_named(store: Store, tmp_path: Path) -> None:
    inner = tmp_path / "store"
    (inner / "runs").mkdir(parents=True)
    first, second, third = sorted((store.folder / "runs").iterdir())
    (inner / "runs" / first.name).symlink_to(first)
    for run in (second, third):
        (inner / "runs" / run.name).mkdir()
        for path in run.iterdir():
            (inner / "runs" / run.name / path.name).write_bytes(path.read_bytes())
    assert len(index_store(inner).runs) == 2
    (inner / "runs" / second.name / "run.json").write_text("{")
    found = index_store(inner)
    assert list(found.runs) == [third.name]
    assert [line.split(":")[0] for line in found.left_out] == [first.name, second.name]


def test_a_model_moves_as_its_decoder_says(store: Store) -> None:
    id = next(iter(index_store(store.folder).runs))
    found = encode_sample(store.model(id), ROWS)
    sliders = start(found, 7)
    assert (np.array(sliders["low"]) <= -3).all()
    assert (np.array(sliders["high"]) >= 3).all()
    rebuilt = found.model.decode(np.array([sliders["code"]], np.float32))[0]
    got = image(moved(found, ",".join(map(str, sliders["code"]))))
    assert (got == np.rint(255 * rebuilt[..., 0])).all()
    shown = observed_images(found.model.dataset, found.rows[7:8])[0, ..., 0]
    assert (image(real(found, 7)) == np.rint(255 * shown)).all()
    for bad in ("", "1,2", "1,2,3,x", "1,2,3,nan", "1,2,3,inf"):
        with pytest.raises(DistaffError, match="a code is 4"):
            moved(found, bad)


def test_the_server_answers_what_the_page_asks(store: Store, address: str) -> None:
    id = next(iter(index_store(store.folder).runs))
    for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/vega.js", "text/javascript")):
        status, body, headers = request(address, path)
        assert (status, headers["content-type"].split(";")[0]) == (200, kind)
        assert len(body) > 1000
    data = json.loads(request(address, "/data.json")[1])
    assert {row["id"] for row in data["runs"]} == set(index_store(store.folder).runs)
    code = json.loads(request(address, f"/runs/{id}/start.json?image=3")[1])["code"]
    assert image(request(address, f"/runs/{id}/decode.png?z={','.join(map(str, code))}")[1]).shape == (16, 16)
    status, body, _ = request(address, f"/runs/{id}/decode.png?z=1,2")
    assert status == 422
    assert "4 finite numbers" in json.loads(body)["error"]
    assert request(address, f"/runs/{id}/start.json?image=-1")[0] == 422
    assert image(request(address, f"/runs/{id}/{IMAGES}")[1]).min() == 0
    assert not (store.run_folder(id) / IMAGES).exists(), "looking writes nothing into the store"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/runs/../../secret.txt",
        "/runs/..%2f..%2fsecret.txt",
        "/runs/ID/../../../secret.txt",
        "/runs/ID/..%2f..%2f..%2fsecret.txt",
        "/runs/ID/%2e%2e%2f%2e%2e%2f%2e%2e%2fsecret.txt",
        "/runs/ID/..%5c..%5c..%5csecret.txt",
        "/runs/ID/%00",
        "/runs/../runs/picture-images.png",
        "/runs/%2e%2e/start.json",
        "//etc/passwd",
        "/runs/ID//etc/passwd",
        "/runs/ID/%2fetc%2fpasswd",
        "/runs/ID/model.safetensors",
        "/runs/ID/run.json",
        "/app.py",
        "/page.html",
    ],
)
def test_no_path_leads_out_of_what_is_offered(store: Store, address: str, path: str) -> None:
    id = next(iter(index_store(store.folder).runs))
    status, body, _ = request(address, path.replace("ID", id))
    assert status in (400, 404)
    assert SECRET not in body
    assert b"root:" not in body


def test_a_picture_that_is_a_link_out_of_the_store_is_drawn_anew(store: Store, address: str) -> None:
    id = sorted(index_store(store.folder).runs)[1]
    link = store.run_folder(id) / "picture-latents.gif"
    link.symlink_to(store.folder.parent / "secret.txt")
    try:
        status, body, _ = request(address, f"/runs/{id}/picture-latents.gif")
    finally:
        link.unlink()
    assert status == 200
    assert body.startswith(b"GIF89a")


def test_other_names_of_this_machine_and_other_methods_are_refused(address: str) -> None:
    assert request(address, "/data.json", host="evil.example")[0] == 400
    assert request(address, "/data.json", method="POST")[0] == 405
    assert "default-src 'none'" in request(address, "/")[2]["content-security-policy"]


def test_only_this_machine_can_connect_by_default(address: str) -> None:
    assert urlsplit(address).hostname == "127.0.0.1"
    if not Path("/proc/net/tcp").exists():
        pytest.skip("the addresses that are listened on cannot be read here")
    port = f"{urlsplit(address).port:04X}"
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if " 0A " in line]
    assert [place for place in listening if place.endswith(f":{port}")] == [f"0100007F:{port}"]


def test_a_port_that_is_taken_is_a_clear_error(store: Store, address: str) -> None:
    run = "import sys; from pathlib import Path; from distaff.explore.serve import serve; "
    run += "serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2]), False, print)"
    command = [sys.executable, "-c", run, str(store.folder), str(urlsplit(address).port)]
    response = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
    assert "try --port 0" in response.stderr.splitlines()[-1]
