"""Digests of the user's files: content and names count, times do not, and only what changed is read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sisr.base import user_files
from sisr.base.user_files import files_digest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(user_files, "UNSURE", -1.0)
    (tmp_path / "images").mkdir()
    for name in ("a", "b"):
        (tmp_path / "images" / f"{name}.png").write_bytes(name.encode())
    return tmp_path / "images"


def digest(folder: Path) -> str:
    return files_digest(folder.iterdir(), folder.parent / "kept.json")


def replaced(folder: Path, how: str) -> None:
    """Another image of the same size takes the place of one, with the old one's time or an older one."""
    old, new = folder / "a.png", folder.parent / "new.png"
    new.write_bytes(b"A")
    stat = old.stat()
    os.utime(new, ns=(stat.st_atime_ns, stat.st_mtime_ns - (10**12 if how == "older" else 0)))
    if how == "written":
        old.write_bytes(b"A")
        os.utime(old, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        shutil.copy2(new, old) if how == "copied" else new.replace(old)


@pytest.mark.parametrize("how", ["copied", "moved", "older", "written"])
def test_an_image_that_took_another_s_place(folder: Path, how: str) -> None:
    before = digest(folder)
    replaced(folder, how)
    assert digest(folder) != before


def test_names_count_and_times_do_not(folder: Path) -> None:
    before = digest(folder)
    os.utime(folder / "a.png", (1, 1))
    assert digest(folder) == before
    (folder / "a.png").rename(folder / "c.png")
    assert digest(folder) != before


def test_what_did_not_change_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(folder)

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(user_files, "file_digest", refuse)
    assert digest(folder) == before


def test_a_file_that_may_still_change_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_files, "UNSURE", 1e9)
    digest(folder)
    assert not (folder.parent / "kept.json").exists()
