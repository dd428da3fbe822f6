"""Small files in the formats of the published sets, as their authors wrote them."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
from scipy.io import savemat

NORB_MAGICS = {"f4": 0x1E3D4C51, "f8": 0x1E3D4C53, "i4": 0x1E3D4C54, "u1": 0x1E3D4C55, "i2": 0x1E3D4C56}


def norb_bytes(array: np.ndarray, magic: int | None = None) -> bytes:
    """A binary matrix of NORB."""
    array = np.ascontiguousarray(array)
    dims = list(array.shape) + [1] * (3 - array.ndim)
    magic = NORB_MAGICS[array.dtype.str[1:]] if magic is None else magic
    return struct.pack(f"<Ii{len(dims)}i", magic, array.ndim, *dims) + array.tobytes()


def norb(folder: Path, sizes: tuple[int, ...] = (1, 2, 2, 2, 1), seed: int = 0) -> dict[str, Path]:
    """The six files, half of the instances in each part, rows in random order; the left image holds its grid row."""
    folder.mkdir(parents=True, exist_ok=True)
    grid_rows = np.random.default_rng(seed).permutation(int(np.prod(sizes)))
    values = np.stack(np.unravel_index(grid_rows, sizes), axis=1)
    files = {}
    for part, split in enumerate(("5x46789x9x18x6x2x96x96-training", "5x01235x9x18x6x2x96x96-testing")):
        members = values[:, 1] % 2 == part
        pairs = np.zeros((members.sum(), 2, 96, 96), np.uint8)
        pairs[:, 0] = 10 * grid_rows[members, None, None]
        info = values[members][:, [1, 2, 3, 4]].astype("i4") * [1, 1, 2, 1]
        for what, array in (("dat", pairs), ("cat", values[members, 0].astype("i4")), ("info", info.astype("i4"))):
            path = folder / f"smallnorb-{split}-{what}.mat.gz"
            path.write_bytes(gzip.compress(norb_bytes(array)))
            files[path.name] = path
    return files


def cars(path: Path, names: list[str], azimuths: int = 3, elevations: int = 2, **more: bytes) -> Path:
    """The archive of cars: members in another order than its list, which stands at the end, beside other folders."""
    with tarfile.open(path, "w:gz") as tar:
        _add(tar, "data/sprites/readme.txt", b"other things")
        for k in sorted(range(len(names)), key=lambda k: names[k]):
            im = np.zeros((128, 128, 3, azimuths, elevations), np.uint8)
            for a in range(azimuths):
                for e in range(elevations):
                    im[..., a, e] = [100 * e, 50 * a, 20 * k]
            file = io.BytesIO()
            savemat(file, {"im": im, "mask": im[:, :, 0]}, do_compression=True)
            _add(tar, f"data/cars/{names[k]}.mat", file.getvalue())
        _add(tar, "data/cars/list.txt", "\n".join(names).encode())
        for name, content in more.items():
            _add(tar, name, content)
    return path


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def shapes3d(path: Path, sizes: tuple[int, ...], seed: int | None = None) -> Path:
    """The HDF5 file: images that hold their grid row, labels that are values; rows in order, or in a random one."""
    grid_rows = np.arange(int(np.prod(sizes)))
    if seed is not None:
        grid_rows = np.random.default_rng(seed).permutation(grid_rows)
    index = np.unravel_index(grid_rows, sizes)
    ends = [(0, 0.9), (0, 0.9), (0, 0.9), (0.75, 1.25), (0, 3), (-30, 30)]
    labels = np.stack([np.linspace(*end, size)[i] for end, size, i in zip(ends, sizes, index, strict=True)], axis=1)
    with h5py.File(path, "w") as file:
        images = np.ones((len(grid_rows), 64, 64, 3), np.uint8) * grid_rows.astype(np.uint8)[:, None, None, None]
        file.create_dataset("images", data=images, chunks=(7, 8, 8, 1), compression="gzip")
        file["labels"] = labels
    return path


def mpi3d(path: Path, n: int) -> Path:
    """The npz of MPI3D: images alone."""
    images = np.ones((n, 64, 64, 3), np.uint8) * np.arange(n, dtype=np.uint8)[:, None, None, None]
    np.savez_compressed(path, images=images)
    return path


def sprites(path: Path, sizes: tuple[int, ...], images: np.ndarray, seed: int | None = None) -> Path:
    """dSprites' npz (its metadata pickled by Python 2) or HDF5 file, of `images` [n 64 64] of 0 and 1 in grid order."""
    grid_rows = np.arange(len(images))
    if seed is not None:
        grid_rows = np.random.default_rng(seed).permutation(grid_rows)
    classes = np.stack(np.unravel_index(grid_rows, (1, *sizes)), axis=1)
    if path.suffix == ".hdf5":
        with h5py.File(path, "w") as file:
            file.create_dataset("imgs", data=images[grid_rows], compression="gzip", compression_opts=4)
            file["latents/classes"], file["latents/values"] = classes, classes.astype(float)
        return path
    np.savez_compressed(path, imgs=images[grid_rows], latents_classes=classes, latents_values=classes.astype(float))
    names = (b"color", b"shape", b"scale", b"orientation", b"posX", b"posY")
    metadata = {
        b"date": b"April 2017",
        b"version": 1,
        b"latents_names": names,
        b"latents_sizes": np.array([1, *sizes], dtype="<i8"),
        b"latents_possible_values": {b"scale": np.linspace(0.5, 1, 6)},
    }
    with zipfile.ZipFile(path, "a") as archive, archive.open("metadata.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        file.write(b"\x80\x02" + _object_array(_python2(metadata)) + b".")
    return path


def _python2(value: object) -> bytes:
    """The opcodes with which Python 2 pickles `value` at protocol 2; bytes stand for its strings."""
    if isinstance(value, bytes):
        return b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<i", len(value)) + value
    if isinstance(value, int):
        return b"K" + bytes([value])
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_python2, value)) + b"t"
    if isinstance(value, dict):
        return b"}(" + b"".join(_python2(k) + _python2(v) for k, v in value.items()) + b"u"
    assert isinstance(value, np.ndarray)
    kind = b"cnumpy\ndtype\n" + _python2((value.dtype.str[1:].encode(), 0, 1)) + b"R"
    kind += b"(K\x03" + _python2(b"<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return _array(_python2(value.shape), kind, _python2(value.tobytes()))


def _array(shape: bytes, kind: bytes, content: bytes) -> bytes:
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + _python2((0,)) + _python2(b"b") + b"\x87R"
    return made + b"(K\x01" + shape + kind + b"\x89" + content + b"tb"


def _object_array(content: bytes) -> bytes:
    kind = b"cnumpy\ndtype\n" + _python2((b"O8", 0, 1)) + b"R"
    kind += b"(K\x03" + _python2(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    return _array(b")", kind, b"]" + content + b"a")
