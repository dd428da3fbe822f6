"""Files of strangers are read through one room: regular, bounded, inside their folder, and never run."""

from __future__ import annotations

import gzip
import io
import os
import socket
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

import strangers
from distaff.errors import DistaffError
from distaff.untrusted.archives import gzipped_members
from distaff.untrusted.bounds import memory, size_text
from distaff.untrusted.columns import read_frame, read_lines
from distaff.untrusted.documents import parse_json
from distaff.untrusted.matlab import read_matlab
from distaff.untrusted.names import inside, points_out
from distaff.untrusted.pictures import open_picture
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import read_bytes
from distaff.untrusted.stacks import open_stack, read_npz

PETABYTES = (2**20, 2**30)


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    with strangers.in_time(strangers.WAIT):
        yield


def header(descr: str = "<f8", shape: object = (3,), order: bool = False, version: int = 1) -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


@pytest.mark.parametrize("name", strangers.KINDS)
@pytest.mark.parametrize("what", ["a named pipe", "a folder", "a socket", "a device"])
def test_what_is_no_regular_file_is_one_line_and_never_a_wait(tmp_path: Path, name: str, what: str) -> None:
    path = tmp_path / strangers.KINDS[name].file
    if what == "a named pipe":
        os.mkfifo(path)
    elif what == "a folder":
        path.mkdir()
    elif what == "a device":
        path.symlink_to("/dev/zero")
    else:
        listener = socket.socket(socket.AF_UNIX)
        os.chdir(tmp_path)  # names of sockets are short
        listener.bind(path.name)
        listener.close()
    with pytest.raises((DistaffError, OSError), match=what) as raised:
        strangers.KINDS[name].read(path)
    assert isinstance(raised.value, DistaffError)
    assert len(str(raised.value).splitlines()) == 1


def test_a_file_larger_than_its_kind_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse.json"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(DistaffError, match=r"has 1.1 TB; a file of its kind has at most 4.3 GB"):
        read_bytes(path)
    assert read_bytes(Path("/proc/self/cmdline"), 10_000), "files of /proc announce no size"


@pytest.mark.parametrize("array", [
    np.arange(24).reshape(2, 3, 4), np.asfortranarray(np.ones((3, 4))), np.array(["a", "bé"]), np.float64(3),
    np.zeros((0, 3)), np.zeros((5, 0)), np.array([True]), np.zeros(3, complex), np.arange(3, dtype=">i2"),
    np.ones(2, np.float16),
])  # fmt: skip
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saves_is_read_as_numpy_reads_it(tmp_path: Path, array: np.ndarray, save) -> None:
    save(tmp_path / "a.npz", x=array)
    read = read_npz(tmp_path / "a.npz", ("x", "y"))
    assert list(read) == ["x"]
    assert (read["x"].dtype, read["x"].shape) == (array.dtype, array.shape)
    assert (read["x"] == array).all()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (header(shape=PETABYTES) + bytes(64), "announces 9.0 PB and holds 64 bytes"),
        (header(shape=(4,)) + bytes(24), "announces 32 bytes and holds 24 bytes"),
        (header(shape=(2**58, 2**58)), "sensible sizes"),
        (header(shape=(1,) * 9), "valid shape"),
        (header(shape=(3, 2**40)), "announces"),
        (header(shape="(-1,)"), "valid shape"),
        (header(shape="(__import__('os').system('true'),)"), "valid shape"),
        (header("|O"), "Python objects, which are never unpickled"),
        (header("<M8[D]"), "values of the type '<M8"),
        (header("|V8"), "values of the type"),
        (header("<u5"), "values of the type"),
        (header("|S999999999"), "values of the type"),
        (header().replace(b"'<f8'", b"[('a', '<f8')]"), "table of several types|cut short"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31), "header of 2,147,483,648 bytes"),
        (b"\x93NUMPY\x07\x00", "version 7"),
        (b"PK\3\4 nonsense", "not an .npy array"),
        (b"", "not an .npy array"),
    ],
)
def test_headers_of_arrays_are_believed_as_far_as_their_bytes_go(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DistaffError, match=complaint):
        open_stack(tmp_path / "a.npy").whole()
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DistaffError, match=complaint):
        read_npz(tmp_path / "a.npz", ("x",))


def test_rows_of_no_bytes_are_no_loop_without_end(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(header(shape=(2**47, 0)))
    assert open_stack(tmp_path / "a.npy").whole().shape == (2**47, 0)


def test_an_archive_that_unpacks_to_more_than_deflate_can_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", header(shape=(2**40,)) + bytes(2**20))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    place = content.rfind(b"PK\1\2")  # the sizes of the list at the end are those that are believed
    content[place + 24 : place + 28] = struct.pack("<I", 2**32 - 2)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DistaffError, match=r"announces 4.3 GB and stores .* made to fill a memory"):
        read_npz(tmp_path / "a.npz", ("x",))


def test_an_array_beyond_half_of_the_memory_is_refused(tmp_path: Path) -> None:
    n = memory() + 1
    with (tmp_path / "a.npy").open("wb") as file:
        file.write(header("|u1", (n, 1)))
        file.truncate(file.tell() + n)  # sparse
    stack = open_stack(tmp_path / "a.npy")
    with pytest.raises(DistaffError, match=r"more than the .* of memory that one array may take"):
        stack.whole()
    assert len(next(stack.blocks())) < n, "a run of rows at a time it can be read"


def test_encrypted_members_and_other_compressions_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.npy", header() + bytes(24))
    with pytest.raises(DistaffError, match="compressed as numpy does not"):
        read_npz(tmp_path / "a.npz", ("x",))


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    path = tmp_path / "outside" / "secret.bin"
    path.write_bytes(bytes(range(64)))
    return path


def _external(file: h5py.File, secret: Path) -> None:
    file.create_dataset("images", (1, 8, 8), "u1", external=[(str(secret), 0, 64)])


def _virtual(file: h5py.File, secret: Path) -> None:
    with h5py.File(secret.with_suffix(".h5"), "w") as other:
        other["x"] = np.arange(64, dtype="u1").reshape(1, 8, 8)
    layout = h5py.VirtualLayout((1, 8, 8), "u1")
    layout[:] = h5py.VirtualSource(str(secret.with_suffix(".h5")), "x", shape=(1, 8, 8))
    file.create_virtual_dataset("images", layout)


def _external_link(file: h5py.File, secret: Path) -> None:
    _virtual(file, secret)
    del file["images"]
    file["images"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "x")


def _link_to_nothing(file: h5py.File, secret: Path) -> None:
    file["images"] = h5py.ExternalLink(str(secret.with_name("none.h5")), "x")  # whether it is there is not even looked


def _external_group(file: h5py.File, secret: Path) -> None:
    _external_link(file, secret)
    del file["images"]
    file["theirs"] = h5py.ExternalLink(str(secret.with_suffix(".h5")), "/")
    file["images"] = h5py.SoftLink("/theirs/x")


@pytest.mark.parametrize(("make", "complaint"), [
    (_external, "keeps its data in other files"), (_virtual, "keeps its data in other files"),
    (_external_link, "link to another file"), (_external_group, "link to another file"),
    (_link_to_nothing, "link to another file"),
])  # fmt: skip
def test_hdf5_reads_no_other_file_of_the_machine(tmp_path: Path, secret: Path, make, complaint: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        make(file, secret)
    with pytest.raises(DistaffError, match=complaint):
        open_stack(tmp_path / "a.h5", "images").whole()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"shape": (2**40, 64, 64), "dtype": "u1", "chunks": (1, 64, 64), "compression": "gzip"}, "announces 4.5 PB"),
        ({"shape": (4, 2**31), "dtype": "u1", "chunks": (1, 2**10)}, "rows of 2.1 GB each"),
        ({"shape": (2**31, 1), "dtype": "u1", "chunks": (2**31, 1)}, "announces 2.1 GB|chunks of"),
        ({"shape": (3,), "dtype": h5py.string_dtype()}, "no plain numbers"),
        ({"shape": (3,), "dtype": h5py.ref_dtype}, "no plain numbers"),
        ({"shape": (3,), "dtype": [("a", "i4"), ("b", "f4")]}, "no plain numbers"),
        ({"shape": (3,), "dtype": h5py.vlen_dtype("u1")}, "no plain numbers"),
        ({"shape": (), "dtype": "u1"}, "single value"),
    ],
)
def test_hdf5_arrays_are_plain_numbers_of_sizes_that_are_there(tmp_path: Path, options, complaint: str) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", **options)
    with pytest.raises(DistaffError, match=complaint):
        open_stack(tmp_path / "a.h5", "images").whole()


def test_soft_links_inside_an_hdf5_file_are_followed_and_rings_are_not(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["deep/x"] = np.arange(6).reshape(2, 3)
        file["images"] = h5py.SoftLink("/deep/alias")
        file["deep/alias"] = h5py.SoftLink("x")
        file["ring"] = h5py.SoftLink("/ring")
    assert open_stack(tmp_path / "a.h5", "images").whole().tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(DistaffError, match="link"):
        open_stack(tmp_path / "a.h5", "ring")
    with pytest.raises(DistaffError, match="holds deep/x, where nothing is required"):
        open_stack(tmp_path / "a.h5", "nothing")


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "/abs/x.png",
        "a/../../x.png",
        "",
        ".",
        "..",
        "C:\\x.png",
        "\\\\host\\x.png",
        "a\\..\\..\\x.png",
        "a\0.png",
    ],
)
def test_names_of_a_table_stay_inside_its_folder(tmp_path: Path, name: str) -> None:
    assert points_out(name)
    with pytest.raises(DistaffError, match=r"f.csv, row 3: .* leads out of"):
        inside(tmp_path, name, "f.csv, row 3")


def test_links_of_a_folder_of_pictures_may_lead_anywhere_inside_it(tmp_path: Path, secret: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.png").write_bytes(b"")
    (folder / "deep" / "b.png").symlink_to("../a.png")
    (folder / "c.png").symlink_to(secret)
    (folder / "elsewhere").symlink_to(secret.parent)
    assert inside(folder, "deep/b.png", "f.csv") == folder / "deep" / "b.png"
    for name in ("c.png", "elsewhere/secret.bin"):
        with pytest.raises(DistaffError, match="is a link out of"):
            inside(folder, name, "f.csv")


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(secret) (r) file\nshowpage\n"
GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


@pytest.mark.parametrize(
    "content", [EPS, GIF, b"%PDF-1.7\n", b"<svg/>", b"\x7fELF", b"", b"\xd7\xcd\xc6\x9a" + bytes(60)]
)
def test_pictures_are_of_six_formats_by_content_whatever_their_names(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    complaint = r"a.png cannot be read as a picture: by its content it is none of PNG, JPEG"
    with pytest.raises(DistaffError, match=complaint), open_picture(tmp_path / "a.png"):
        pass


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP"])
def test_a_picture_is_read_whatever_its_name(tmp_path: Path, form: str) -> None:
    with (tmp_path / "a.data").open("wb") as file:
        Image.new("RGB", (8, 4), (10, 20, 30)).save(file, format=form)
    with open_picture(tmp_path / "a.data") as picture:
        assert np.asarray(picture).shape == (4, 8, 3)


@pytest.mark.parametrize("sides", [(100_000, 100_000), (40_000, 2_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_announces_too_many_pixels_is_refused(tmp_path: Path, sides: tuple[int, int]) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", *sides, 8, 0, 0, 0, 0))
    (tmp_path / "a.png").write_bytes(content + chunk(b"IDAT", zlib.compress(bytes(64))) + chunk(b"IEND", b""))
    with pytest.raises(DistaffError, match="pixels"), open_picture(tmp_path / "a.png"):
        pass


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i4", "i8", "f4", "f8", "?"])
def test_matlab_files_are_read_as_scipy_reads_them(kind: str, compressed: bool) -> None:
    content, x = io.BytesIO(), (np.arange(48) % 7).reshape(2, 3, 4, 2).astype(kind)
    savemat(content, {"first": "text", "cell": np.array([{"a": 1}], object), "im": x}, do_compression=compressed)
    read = read_matlab(content.getvalue(), "im", "a.mat")
    content.seek(0)
    expected = loadmat(content)["im"]
    assert (read == expected).all()
    assert read.shape == expected.shape == x.shape
    assert read_matlab(content.getvalue(), "none", "a.mat") is None
    with pytest.raises(DistaffError, match="no real numbers as `first`"):
        read_matlab(content.getvalue(), "first", "a.mat")


def test_a_matlab_file_that_unpacks_to_gigabytes_is_refused() -> None:
    start = b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    bomb = zlib.compress(bytes(2**24))
    with pytest.raises(DistaffError, match="unpacks to more than 1,048,576 bytes"):
        read_matlab(start + struct.pack("<II", 15, len(bomb)) + bomb, "im", "a.mat", 2**20)
    with pytest.raises(DistaffError, match="announces 4,000,000,000 bytes"):
        read_matlab(start + struct.pack("<II", 14, 4_000_000_000), "im", "a.mat")
    with pytest.raises(DistaffError, match=r"version 7.3"):
        read_matlab(b"MATLAB 7.3 MAT-file".ljust(600), "im", "a.mat")


def tar(path: Path, *members: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> Path:
    with tarfile.open(path, "w:gz", format=form) as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


@pytest.mark.parametrize(
    "info",
    [
        member("../a"), member("/a"), member("a/../../b"), member("a", tarfile.SYMTYPE, link="/etc/passwd"),
        member("a", tarfile.LNKTYPE, link="../b"), member("a", tarfile.CHRTYPE), member("a", tarfile.FIFOTYPE),
        member("x" * 150 + "/../../../b"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_an_archive_stay_inside_it(tmp_path: Path, info: tarfile.TarInfo, form: int) -> None:
    with pytest.raises(DistaffError, match="points out of it or is no file"):
        list(gzipped_members(tar(tmp_path / "a.tar.gz", info, form=form), lambda _: True))


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_members_are_read_as_tarfile_reads_them(tmp_path: Path, form: int) -> None:
    names = ["data", "data/a.bin", "data/größe.bin", *([] if form == tarfile.USTAR_FORMAT else [f"{'x' * 150}/b"])]
    infos = [member(names[0], tarfile.DIRTYPE), *(member(name, size=700) for name in names[1:])]
    path = tar(tmp_path / "a.tar.gz", *infos, form=form)
    found = {str(name): content for name, content in gzipped_members(path, lambda _: True)}
    with tarfile.open(path) as archive:
        assert found == {one.name: archive.extractfile(one).read() for one in archive if one.isreg()}


def test_sizes_in_an_archive_are_bounded(tmp_path: Path) -> None:
    path = tar(tmp_path / "a.tar.gz", member("a", size=3000))
    with pytest.raises(DistaffError, match=r"holds a of 3.0 kB; at most 1.0 kB fit"):
        list(gzipped_members(path, lambda _: True, 1000))
    assert not list(gzipped_members(path, lambda name: name.name == "b", 1000)), "what is not wanted is passed over"
    huge = member("a", size=2**40)
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(huge.tobuf(tarfile.GNU_FORMAT)))
    with pytest.raises(DistaffError, match="unpacks to more than"):
        list(gzipped_members(tmp_path / "b.tar.gz", lambda _: True))


def test_lines_and_fields_of_a_table_have_an_end(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for content, complaint in (
        (b"a,b\n" + b"x" * 2_000_000 + b"\n", "cannot be read as CSV|characters"),
        (b"a\n" + b"x" * 2000 + b"\n", "2,000 characters"),
        (b"," * 20_000, "20,001 fields"),
        (b'a\n"open', "cannot be read as CSV"),
        (b"a\n\xff\n", "cannot be read as CSV in UTF-8"),
    ):
        path.write_bytes(content)
        with pytest.raises(DistaffError, match=complaint):
            read_lines(path)


def test_a_table_that_announces_billions_of_rows_is_refused(tmp_path: Path) -> None:
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 2**22
    table = pa.table(
        {name: pa.array([value]).take(pa.array(np.zeros(rows, np.int32))) for name, value in strangers.SCORES}
    )
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=rows)
    schema = {name: pl.String for name, _ in strangers.SCORES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distaff.untrusted.bounds.memory", lambda: 10**8)
        with pytest.raises(DistaffError, match=r"announces 335.5 MB, more than the 100.0 MB of memory"):
            read_frame(tmp_path / "a.parquet", schema)


def test_json_of_absurd_depth_or_size_is_one_line() -> None:
    assert parse_json(rb'{"a": "\ud83d\ude00"}') == {"a": "\U0001f600"}
    for content in (
        rb'["\ud83d"]',
        rb'{"\udead": 1}',
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"1" * 100_000,
        b"\xff",
        b"",
        b"{",
    ):
        with pytest.raises(DistaffError):
            parse_json(content)


def test_whatever_a_library_raises_is_one_line_that_names_the_file() -> None:
    for error in (
        KeyError("x"),
        RecursionError("deep"),
        MemoryError(),
        OSError("no\nidea"),
        UnicodeError("a\nb"),
        Warning(),
    ):
        complaint = r"^a.bin is damaged, cut short or of another format: .+$"
        with pytest.raises(DistaffError, match=complaint) as raised, reading("a.bin"):
            raise error
        assert "\n" not in str(raised.value)
    with pytest.raises(KeyboardInterrupt), reading("a.bin"):
        raise KeyboardInterrupt


def test_sizes_are_written_as_people_read_them() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 1_500_000, 2**50)] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "1.5 MB",
        "1.1 PB",
    ]
