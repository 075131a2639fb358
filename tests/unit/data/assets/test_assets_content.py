"""Checks of content and the move to the final name."""

from __future__ import annotations

from pathlib import Path

import pytest
from sisr.base.errors import SisrError
from sisr.data.assets.content import Check, commit, inspect, part_file, remove_parts


def test_hashes_against_published_values(tmp_path: Path) -> None:
    path = tmp_path / "a"
    # NIST, FIPS 180-2 appendix B.1.
    path.write_bytes(b"abc")
    assert inspect(path).sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    # Pro Git, chapter 10.2 (Git Objects): git hash-object of "what is up, doc?".
    path.write_bytes(b"what is up, doc?")
    content = inspect(path)
    assert content.git_blob == "bd9dbf5aae1a3862dd1526723246b20206e5fc37"
    assert content.bytes == 16
    # The empty blob of every Git repository.
    path.write_bytes(b"")
    assert inspect(path).git_blob == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


@pytest.mark.parametrize(
    ("check", "accepted"),
    [
        (Check("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), True),
        (Check("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 4), False),
        (Check("sha256", "ba" + "0" * 62), False),
        (Check("sha256_prefix", "ba7816bf"), True),
        (Check("sha256_prefix", "ba7816b0"), False),
        (Check("git_blob", "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f", 3), True),  # git hash-object
        (Check("git_blob", "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b70"), False),
    ],
)
def test_check(tmp_path: Path, check: Check, accepted: bool) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    content = inspect(tmp_path / "a")
    assert check.accepts(content) is accepted
    text = check.explain(content)
    assert check.value in text
    assert "(3 bytes)" in text
    assert "\n" not in text


def test_part_file_is_gone_unless_committed(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "x.png"
    with pytest.raises(KeyboardInterrupt), part_file(target) as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(target.parent.iterdir()) == []
    with part_file(target) as part:
        assert part.parent == target.parent  # the same file system, so that the move is atomic
        part.write_bytes(b"whole")
        commit(part, target)
    assert [path.name for path in target.parent.iterdir()] == ["x.png"]


def test_remove_parts_leaves_other_files(tmp_path: Path) -> None:
    keep = tmp_path / "a" / "x.png"
    keep.parent.mkdir()
    keep.write_bytes(b"")
    stale = tmp_path / "a" / ".y.png.123-abc.part"
    stale.write_bytes(b"half")
    remove_parts(tmp_path)
    assert keep.exists()
    assert not stale.exists()


def test_unwritable_is_no_failure_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SisrError, match="cannot write") as caught, part_file(tmp_path / "file" / "x.png"):
        pass
    assert type(caught.value) is SisrError
