"""Archives, hostile ones included."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sisr.base.errors import ChecksumError
from sisr.data.assets import fetch
from sisr.data.assets.archives import Limits, extract


def read(data: bytes, wanted: list[str], tmp_path: Path, limits: Limits | None = None) -> dict[str, bytes]:
    path = tmp_path / "archive.bin"
    path.write_bytes(data)
    found: dict[str, bytes] = {}
    extract(path, wanted, lambda name, stream: found.update({name: stream.read()}), limits)
    return found


FORMATS = ["zip", "w", "w:gz", "w:bz2", "w:xz"]


def pack(tools: Any, form: str, members: dict[str, bytes]) -> bytes:
    return tools.zip(members) if form == "zip" else tools.tar(members, form)


@pytest.mark.parametrize("form", FORMATS)
def test_only_wanted_members(tools: Any, tmp_path: Path, form: str) -> None:
    data = pack(tools, form, {"top/a.png": b"A", "top/b.png": b"B", "./c.png": b"C"})
    assert read(data, ["c.png", "top/a.png"], tmp_path) == {"top/a.png": b"A", "c.png": b"C"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (["../evil"], "unsafe path '../evil'"),
        (["a/../../evil"], "unsafe path"),
        (["/etc/evil"], "unsafe path '/etc/evil'"),
        (["C:/evil"], "unsafe path"),
        (["..\\evil"], "unsafe path"),
        (["A.png"], "'a.png' and 'A.png' differ in case only"),
        (["b/x", "B/y"], "'b' and 'B' differ in case only"),
        ([], "has no member 'missing'"),
    ],
)
def test_refused(tools: Any, tmp_path: Path, form: str, members: list[str], reason: str) -> None:
    data = pack(tools, form, {"a.png": b"A"} | dict.fromkeys(members, b""))
    with pytest.raises(ChecksumError) as caught:
        read(data, ["a.png"] if members else ["missing"], tmp_path)
    assert reason in str(caught.value)
    assert str(caught.value).startswith("archive.bin: ")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_tar_links_and_devices(tools: Any, tmp_path: Path, kind: bytes) -> None:
    buffer = io.BytesIO(tools.tar({"a.png": b"A"}, "w"))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        info = tarfile.TarInfo("b.png")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    for wanted in ("a.png", "b.png"):
        with pytest.raises(ChecksumError, match=r"'b\.png' is a (link|special file)"):
            read(buffer.getvalue(), [wanted], tmp_path)


@pytest.mark.parametrize(("name", "reason"), [("\0", r"unsafe path '\\x00'"), (".", "a member has no name")])
def test_zip_members_without_a_name(tools: Any, tmp_path: Path, name: str, reason: str) -> None:
    """Also empty up to a NUL, which zipfile's own is_dir() does not expect."""
    data = tools.zip({"a.png": b"A", "Q": b""}).replace(b"Q", name.encode())
    with pytest.raises(ChecksumError, match=f"refused: {reason}"):
        read(data, ["a.png"], tmp_path)


def test_zip_symlink(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ChecksumError, match=r"'a\.png' is a link"):
        read(buffer.getvalue(), ["a.png"], tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_same_member_twice(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"first")
        archive.writestr("a.png", b"second")
    with pytest.raises(ChecksumError, match="twice"):
        read(buffer.getvalue(), ["a.png"], tmp_path)


@pytest.mark.parametrize("form", FORMATS)
def test_bombs(tools: Any, tmp_path: Path, form: str) -> None:
    data = pack(tools, form, {f"{i}": bytes(1000) for i in range(10)})
    assert len(read(data, ["3"], tmp_path, Limits(members=10, total=10_000))) == 1
    with pytest.raises(ChecksumError, match="more than 9 members"):
        read(data, ["3"], tmp_path, Limits(members=9))
    with pytest.raises(ChecksumError, match="unpacks to more than 9999 bytes"):
        read(data, ["3"], tmp_path, Limits(total=9_999))


def test_tar_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    """A header that announces 1 TiB: refused at once, without reading on."""
    info = tarfile.TarInfo("a.png")
    info.size = 1 << 40
    with pytest.raises(ChecksumError, match="unpacks to more than"):
        read(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024), ["a.png"], tmp_path)


def test_zip_member_larger_than_declared(tools: Any, tmp_path: Path) -> None:
    """The central directory says 10 bytes where a million are packed: no more than 10 come out."""
    data = bytearray(tools.zip({"a.png": bytes(1_000_000)}))
    start = data.index(b"PK\x01\x02")
    data[start + 24 : start + 28] = (10).to_bytes(4, "little")
    with pytest.raises(ChecksumError, match="damaged archive: Bad CRC-32"):
        read(bytes(data), ["a.png"], tmp_path)


@pytest.mark.parametrize("form", FORMATS)
def test_damaged(tools: Any, tmp_path: Path, form: str) -> None:
    whole = pack(tools, form, {"a.png": bytes(range(256)) * 40})
    with pytest.raises(ChecksumError, match=r"damaged archive|has no member"):
        read(whole[: len(whole) // 2], ["a.png"], tmp_path)
    with pytest.raises(ChecksumError, match="damaged archive"):
        read(b"neither zip nor tar", ["a.png"], tmp_path)


def archive_asset(server: Any, tools: Any, data: bytes, members: dict[str, bytes]) -> dict[str, Any]:
    server.pages["/set.zip"] = data
    return {
        "archive": {"urls": [server.url("/set.zip")], "sha256": tools.sha256(data), "bytes": len(data)},
        "files": [
            {"name": Path(member).name, "member": member, "sha256": tools.sha256(body)}
            for member, body in members.items()
        ],
    }


def test_archive_asset(server: Any, tools: Any, registry: Callable[..., Path], tmp_path: Path) -> None:
    members = {"top/a.png": b"A" * 999, "top/b.png": b"B" * 999}
    data = tools.zip(members | {"top/readme": b"-"})
    config = registry(zipped=archive_asset(server, tools, data, members))
    manifest = fetch("zipped", tmp_path, config=config)
    assert manifest.path("b.png").read_bytes() == b"B" * 999
    assert manifest.files["b.png"].url == server.url("/set.zip") + "#top/b.png"
    home = tmp_path / "assets/zipped"
    assert sorted(path.name for path in home.iterdir()) == ["a.png", "b.png"]

    fetch("zipped", tmp_path, config=config)
    assert server.requests == ["/set.zip"]  # nothing missing, nothing downloaded
    manifest.path("a.png").unlink()
    fetch("zipped", tmp_path, config=config)
    assert manifest.path("a.png").read_bytes() == b"A" * 999


def test_archive_with_wrong_member(
    server: Any, tools: Any, registry: Callable[..., Path], tmp_path: Path
) -> None:
    data = tools.zip({"a.png": b"other"})
    config = registry(zipped=archive_asset(server, tools, data, {"a.png": b"A"}))
    with pytest.raises(ChecksumError, match=r"zipped/a\.png: wrong content from .*set\.zip#a\.png: expected"):
        fetch("zipped", tmp_path, config=config)
    assert list((tmp_path / "assets").rglob("*.*")) == []


def test_archive_is_verified_before_it_is_opened(
    server: Any, tools: Any, registry: Callable[..., Path], tmp_path: Path
) -> None:
    config = registry(zipped=archive_asset(server, tools, tools.zip({"a.png": b"A"}), {"a.png": b"A"}))
    server.pages["/set.zip"] = tools.zip({"a.png": b"A", "more": b""})
    with pytest.raises(ChecksumError, match=r"zipped \(archive\): wrong content"):
        fetch("zipped", tmp_path, config=config)
