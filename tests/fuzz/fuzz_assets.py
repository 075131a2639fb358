"""Archives and assets: what is unpacked, from where, and what an entry may say."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sisr.base import registry
from sisr.base.errors import SisrError
from spoiling import as_yaml, bytes_of, document_of
from warm import Case, app

BODIES = {"top/a.png": b"A" * 999, "top/b.png": bytes(range(256)) * 9}
MEMBERS = st.sampled_from(
    ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "..\\evil", "TOP/A.png", "top/A.png", "top/a.png",
     "top", "é", "a\nb", "\udcff", "n" * 300, "", ".", "./top/c.png", "a//b", "top/a.png/c",
     "CON", "x\0y", "top/b.png "]
)  # fmt: skip
FORMS = ("zip", "stored", "w:", "w:gz", "w:bz2", "w:xz")
KINDS = (
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
)


def packed(form: str, members: Sequence[tuple[str, bytes, int]]) -> bytes:
    """An archive; the third of a member is which of :data:`KINDS` it is."""
    stream = io.BytesIO()
    if not form.startswith("w"):
        method = zipfile.ZIP_DEFLATED if form == "zip" else zipfile.ZIP_STORED
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, body, kind in members:
                info = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
                info.external_attr = (
                    (stat.S_IFLNK | 0o777) if kind in (1, 2) else (stat.S_IFREG | 0o644)
                ) << 16
                info.compress_type = method
                archive.writestr(info, body)
        return stream.getvalue()
    with tarfile.open(fileobj=stream, mode=form) as tar:  # type: ignore[call-overload]
        for name, body, kind in members:
            member = tarfile.TarInfo(name)
            member.type = KINDS[kind]
            member.linkname = "/etc/passwd" if kind in (1, 2) else ""
            member.size = len(body) if kind == 0 else 0
            tar.addfile(member, io.BytesIO(body))
    return stream.getvalue()


@st.composite
def assets(draw: st.DrawFn) -> Case:
    """An archive with members that it may not have, or spoilt; its entry has the checksums."""
    form = draw(st.sampled_from(FORMS))
    more = [
        (name, b"evil", draw(st.sampled_from([0, 0, 1, 2, 3, 4, 5])))
        for name in draw(st.lists(MEMBERS, max_size=2))
    ]
    members = [(name, body, 0) for name, body in BODIES.items()]
    try:
        with warnings.catch_warnings(action="ignore"):  # of members of one name
            whole = packed(form, [*members, *more])
    except (ValueError, UnicodeError):
        more, whole = [], packed(form, members)
    how, content = draw(bytes_of(whole))
    entry: Any = {
        "description": "A test",
        "licence": "CC0",
        "source": "https://example.org",
        "archive": {
            "urls": ["https://example.org/set.bin"],
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        },
        "files": [
            {"name": Path(name).name, "member": name, "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in BODIES.items()
        ],
    }
    changed = draw(st.integers(0, 3)) == 0
    if changed:
        entry = draw(document_of(entry, 1))
    name = draw(st.sampled_from([*["own"] * 20, "a/b", "..", "é", "A b", ""]))
    argv = ["fetch", name, "--resources", "res", "--mirror", "mirror"]
    if draw(st.integers(0, 5)) == 0:
        argv[-1] = draw(
            st.sampled_from(
                ["nowhere", "http://[::1/x", "file:///dev", "http://127.0.0.1:9/", "ftp://x", " ", "own.yaml"]
            )
        )

    def build(work: Path) -> None:
        (work / "mirror/example.org").mkdir(parents=True)
        (work / "mirror/example.org/set.bin").write_bytes(content)
        (work / "own.yaml").write_bytes(as_yaml({"assets": {name: entry}}))

    def call(argv: Sequence[str]) -> None:
        try:
            registry.use(["own.yaml"])
        except SisrError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        app(argv)

    def judge(work: Path, said: str) -> str:
        home = work / "res/assets" / name
        found = {
            path.name: path.read_bytes()
            for path in home.iterdir()
            if path.is_file() and not path.is_symlink()
        }
        for path in work.rglob("*"):
            if path.is_symlink():
                return f"a link was made: {path}"
        if not changed:
            wanted = {Path(member).name: body for member, body in BODIES.items()}
            return "" if found == wanted else f"{how}: {sorted(found)} are not what the registry says"
        record = json.loads((work / "res/assets" / f"{name}.json").read_text())
        digests = {one: hashlib.sha256(body).hexdigest() for one, body in found.items()}
        return (
            ""
            if all(digests.get(one) == file["sha256"] for one, file in record["files"].items())
            else f"{record}"
        )

    label = f"fetch {name} {form} {more} {how} {'changed' if changed else ''} {argv[-1]}"
    return Case(label, argv, build, judge, call)
