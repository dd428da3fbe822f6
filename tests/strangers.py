"""Files as strangers would send them, one of each kind, and seeded mutations of their bytes.

A kind is a name, the files that make a case, and how distaff reads them. Nothing here imports torch.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import signal
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np
from PIL import Image
from scipy.io import savemat

from distaff.errors import DistaffError
from distaff.untrusted.archives import gzipped_members, tar_members
from distaff.untrusted.columns import read_frame, read_lines, read_numbers
from distaff.untrusted.documents import parse_json
from distaff.untrusted.matlab import read_matlab
from distaff.untrusted.names import inside
from distaff.untrusted.pictures import open_picture
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import read_bytes
from distaff.untrusted.stacks import open_stack, read_npz

SECONDS = 20.0  # of the processor that one case may take
WAIT = 120  # seconds by the clock, on a busy machine
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**64 - 1)
TEXTS = (b"../", b"/etc/passwd", b"\0", b"\xff\xfe", b"-1", b"9" * 30, b"[" * 2000, b'{"a":' * 500, b"NaN", b"1e999")


@dataclass(frozen=True)
class Kind:
    """A kind of file: its name, what a good one holds, and how it is read."""

    file: str
    make: Callable[[], bytes]
    read: Callable[[Path], Any]


def arrays() -> dict[str, np.ndarray]:
    """Codes and factors of twelve rows."""
    factors = np.stack(np.unravel_index(np.arange(12), (3, 4)), axis=1)
    return {"codes": factors.astype(np.float32), "factors": factors, "names": np.array(["shape", "größe"])}


def _npz() -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays())
    return content.getvalue()


def _npy() -> bytes:
    content = io.BytesIO()
    np.save(content, arrays()["codes"])
    return content.getvalue()


def _hdf5() -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_dataset("images", data=np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4), chunks=(5, 4, 2),
                            compression="gzip", shuffle=True)  # fmt: skip
        file.create_dataset("latents/classes", data=arrays()["factors"])
        file["labels"] = h5py.SoftLink("/latents/classes")
    return content.getvalue()


def _csv() -> bytes:
    lines = [f"{number}.png,{a},{b},{a / 7}" for number, (a, b) in enumerate(arrays()["factors"].tolist())]
    return ("\n".join(["file,shape,größe,angle", *lines]) + "\n").encode()


def _picture(form: str) -> Callable[[], bytes]:
    def make() -> bytes:
        content = io.BytesIO()
        Image.fromarray(np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)).save(content, format=form)
        return content.getvalue()

    return make


def _mat() -> bytes:
    content = io.BytesIO()
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    savemat(content, {"mask": image[..., 0], "im": image}, do_compression=True)
    return content.getvalue()


def _tar() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in (("data/cars/a.mat", _mat()), ("data/cars/list.txt", b"a"), ("x" * 120, b"long")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


SCORES = [("id", "ab12"), ("dataset", "toy"), ("metric", "mig"), ("value", 0.25), ("seed", 3)]


def _schema() -> dict[str, Any]:
    import polars as pl

    kinds = {str: pl.String, float: pl.Float64, int: pl.Int64}
    return {name: kinds[type(value)] for name, value in SCORES}


def _frame() -> Any:
    import polars as pl

    return pl.DataFrame([dict(SCORES)] * 20)


def _parquet() -> bytes:
    content = io.BytesIO()
    _frame().write_parquet(content)
    return content.getvalue()


def _curve() -> bytes:
    import polars as pl

    content = io.BytesIO()
    pl.DataFrame({"step": np.arange(50), "term.nll": np.linspace(1, 0, 50, dtype=np.float32)}).write_parquet(content)
    return content.getvalue()


def _record() -> bytes:
    record = {"format": 1, "id": "ab12", "dataset": "toy", "scores": [dict(SCORES)] * 3, "optim": {"lr": 1e-4}}
    return json.dumps(record, indent=1).encode()


def _safetensors() -> bytes:
    from safetensors.numpy import save

    return save({"encoder.0.weight": np.ones((4, 3), np.float32), "bias": np.zeros(4, np.float32)}, {"run": "ab12"})


def _read_safetensors(path: Path) -> Any:
    from safetensors.numpy import load

    with reading(path):
        return load(read_bytes(path))


def _read_picture(path: Path) -> Any:
    with open_picture(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _read_names(path: Path) -> Any:
    lines = read_lines(path)
    return [inside(path.parent, line[0], str(path)) for line in lines[1:]]


def _read_hdf5(path: Path) -> Any:
    return [open_stack(path, name).whole() for name in ("images", "labels")]


def _read_tar(path: Path) -> Any:
    with reading(path):
        return [*tar_members(io.BytesIO(read_bytes(path)), str(path), lambda _: True, 2**20)]


def _read_gzipped(path: Path) -> Any:
    return [*gzipped_members(path, lambda name: name.parts[:1] == PurePosixPath("data").parts, 2**20)]


def one_run() -> Any:
    """A run of a stranger, as a study would have it."""
    from distaff.runs import run

    return run("toy", "beta_vae(beta=4)", "mlp(width=8, latents=2)", updates=40)


def _run() -> bytes:
    from distaff.store.store import run_record

    return json.dumps({"format": 1, **run_record(one_run()), "ended": {"nll": 1.5, "kl": 0.5, "elbo": -2.0}}).encode()


def _study() -> bytes:
    from distaff.store.store import run_record

    sizes = {"rows": 500, "test_rows": 200, "cells": 1000, "pack": 4, "sampling": "disjoint"}
    names = {"format": 1, "name": "theirs", "purpose": "to see", "command": "distaff study run theirs.py"}
    return json.dumps({**names, "metrics": ["mig", "modularity"], **sizes, "runs": [run_record(one_run())]}).encode()


def _scores() -> bytes:
    asked = {"metrics": {"mig": "{}"}, "rows": 500, "test_rows": 200, "cells": 1000, "sampling": "disjoint"}
    split = {"sampling": "disjoint", "images": 100, "rows": 100, "train": 60, "test": 40, "overlap": 0.0}
    rows = [{"metric": "mig", "representation": kind, "value": 0.25} for kind in ("mean", "sampled")]
    losses = {"batches": 4, "nll": 1.0, "kl": 0.5, "elbo": -1.5}
    record = {"format": 1, "run": one_run().id, "asked": asked, "made": {"distaff": "0.1.0"}, "split": split}
    return json.dumps({**record, "losses": losses, "scores": rows}).encode()


def _read_run(path: Path) -> Any:
    from distaff.store.store import run_in

    return run_in(path.parent)


def _read_study(path: Path) -> Any:
    from distaff.store.studies import read_study

    return read_study(path)


def _read_scores(path: Path) -> Any:
    from distaff.store.files import read_json

    return read_json(path)


def hand_made_store(folder: Path) -> Path:
    """A store of one run of one study, as its files say; nothing was trained."""
    from distaff.store.files import sealed

    place = folder / "runs" / one_run().id
    place.mkdir(parents=True)
    (folder / "studies").mkdir()
    made = {"distaff": "0.1.0", "seconds": 1.5, "host": "theirs", "device": "cpu"}
    contents = {
        place / "run.json": _run(),
        place / "curve.parquet": _curve(),
        place / "model.safetensors": _safetensors(),
        place / "provenance.json": sealed(made),
        place / "scores-0123456789abcdef.json": _scores(),
        folder / "studies" / "theirs.json": _study(),
    }
    for path, content in contents.items():
        path.write_bytes(content)
    return folder


KINDS = {
    "record of a run": Kind("run.json", _run, _read_run),
    "record of a study": Kind("theirs.json", _study, _read_study),
    "file of scores": Kind("scores-0123456789abcdef.json", _scores, _read_scores),
    "npz": Kind("a.npz", _npz, lambda path: read_npz(path, ("codes", "factors", "names"))),
    "npz, a run of rows": Kind("a.npz", _npz, lambda path: open_stack(path, "codes").whole()),
    "npy": Kind("a.npy", _npy, lambda path: open_stack(path).whole()),
    "HDF5": Kind("a.h5", _hdf5, _read_hdf5),
    "CSV": Kind("a.csv", _csv, _read_names),
    "MATLAB": Kind("a.mat", _mat, lambda path: read_matlab(read_bytes(path), "im", str(path), 2**20)),
    "tar": Kind("a.tar", _tar, _read_tar),
    "tar.gz": Kind("a.tar.gz", lambda: gzip.compress(_tar(), mtime=0), _read_gzipped),
    "parquet of scores": Kind("a.parquet", _parquet, lambda path: read_frame(path, _schema())),
    "CSV of scores": Kind("a.csv", lambda: _frame().write_csv().encode(), lambda path: read_frame(path, _schema())),
    "parquet of a curve": Kind("a.parquet", _curve, lambda path: read_numbers(read_bytes(path), path)),
    "JSON": Kind("a.json", _record, lambda path: parse_json(read_bytes(path))),
    "safetensors": Kind("a.safetensors", _safetensors, _read_safetensors),
    **{form: Kind(f"a.{form.lower()}", _picture(form), _read_picture)
       for form in ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")},
}  # fmt: skip


def mutations(content: bytes, n: int, seed: str) -> Iterator[bytes]:
    """`n` damaged copies of `content`: bits, bytes, numbers and texts written over, parts cut, doubled and swapped.

    Half of those of an archive are made of its members before they are packed, so that checksums hold.
    """
    draw = random.Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    for number in range(n):
        if number % 2 and content[:4] == b"PK\3\4":
            yield _of_members(content, draw)
        elif number % 2 and content[:1] == b"{":
            yield _of_values(content, draw)
        elif number % 2 and content[:2] == b"\x1f\x8b":
            yield gzip.compress(_mutated(gzip.decompress(content), draw), mtime=0)
        else:
            yield _mutated(content, draw)


def _of_members(content: bytes, draw: random.Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in archive.namelist():
            new.writestr(name, _mutated(archive.read(name), draw))
    return packed.getvalue()


VALUES = (
    None,
    True,
    -1,
    0,
    2**70,
    1e308,
    float("nan"),
    "",
    "x",
    "../x",
    "\0",
    "\ud800",
    "</script>",
    [],
    {},
    [[]],
    {"a": 1},
)


def _of_values(content: bytes, draw: random.Random) -> bytes:
    """JSON of which one value, somewhere, is another, or is gone."""
    try:
        value = at = json.loads(content)
    except ValueError:  # it was mutated before
        return _mutated(content, draw)
    while True:
        key = draw.choice([*at] if isinstance(at, dict) else range(len(at)))
        inner = at[key]
        if not isinstance(inner, (dict, list)) or not inner or draw.random() < 0.3:
            break
        at = inner
    if draw.random() < 0.2:
        del at[key]
    else:
        at[key] = draw.choice(VALUES)
    return json.dumps(value).encode()


def _mutated(content: bytes, draw: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 4, 8))):
        # headers decide most: half of the places are among the first bytes, or the last
        near = draw.choice((64, 256, len(data)))
        at = draw.randrange(max(1, min(near, len(data)) if draw.random() < 0.7 else len(data)))
        at = max(0, len(data) - 1 - at) if draw.random() < 0.3 else at
        _damage(data, at, draw)
    return bytes(data)


def _damage(data: bytearray, at: int, draw: random.Random) -> None:
    match draw.randrange(7):
        case 0:
            data[at : at + 1] = bytes([data[at] ^ 1 << draw.randrange(8)]) if at < len(data) else b"\0"
        case 1:
            data[at : at + 1] = bytes([draw.randrange(256)])
        case 2:
            width = draw.choice((1, 2, 4, 8))
            number = draw.choice(INTERESTING) & (1 << 8 * width) - 1
            data[at : at + width] = number.to_bytes(width, draw.choice(("little", "big")))
        case 3:
            text = draw.choice(TEXTS)
            data[at : at + draw.choice((0, len(text)))] = text
        case 4:
            del data[at : at + draw.choice((1, 8, 64, len(data)))]
        case 5:
            data[at:at] = data[at : at + draw.choice((1, 8, 64, 512))]
        case _:
            other = draw.randrange(max(1, len(data)))
            data[at : at + 8], data[other : other + 8] = data[other : other + 8], data[at : at + 8]


class Watch:
    """What the process opens, from the moment it is installed: an audit hook, which cannot be removed."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.outside: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None:
            return
        if event in (
            "os.system",
            "subprocess.Popen",
            "os.exec",
            "os.posix_spawn",
            "pickle.find_class",
            "socket.connect",
        ):
            self.outside.append(f"{event} {arguments}")
        if event == "open" and isinstance(arguments[0], (str, bytes)):
            path = Path(arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]).resolve()
            library = any(
                path.is_relative_to(place) for place in (sys.prefix, sys.base_prefix, Path(__file__).parent.parent)
            )
            if not path.is_relative_to(self.folder) and not library:
                self.outside.append(str(path))

    @contextmanager
    def only(self, folder: Path) -> Iterator[None]:
        """Within this context, note every file that is opened outside `folder` and the libraries."""
        self.folder = folder.resolve()
        try:
            yield
        finally:
            self.folder = None


class HangsError(BaseException):
    """It takes for ever; what reads files turns every `Exception` into a message, and must not turn this one."""


@contextmanager
def in_time(seconds: int) -> Iterator[None]:
    """Raise `HangsError` within this context if it takes longer, by the clock."""

    def late(*_: object) -> None:
        raise HangsError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attack(kind: Kind, folder: Path, n: int, watch: Watch, seed: str) -> dict[str, int]:
    """Read `n` mutations of a file of this kind; returns how many were read and how many refused.

    Raises `AssertionError` for the first that ends otherwise than in a value or a `DistaffError` of one line.
    """
    path, good = folder / kind.file, kind.make()
    path.write_bytes(good)
    kind.read(path)
    ended = {"read": 0, "refused": 0}
    for number, content in enumerate(mutations(good, n, f"{seed} {kind.file}")):
        path.write_bytes(content)
        began = time.process_time()
        try:
            with watch.only(folder), in_time(WAIT):
                kind.read(path)
            ended["read"] += 1
        except DistaffError as error:
            if len(str(error).splitlines()) != 1:
                raise AssertionError(f"mutation {number}: several lines: {error}") from error
            ended["refused"] += 1
        except (Exception, HangsError) as error:
            raise AssertionError(f"mutation {number} of {seed} {kind.file}: {type(error).__name__}: {error}") from error
        assert time.process_time() - began < SECONDS, number
        assert not watch.outside, (number, watch.outside)
    return ended
