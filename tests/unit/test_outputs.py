"""No command writes over what it reads, or over a file of another kind unless it is told to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sisr.base.errors import SisrError
from sisr.base.images import write_png
from sisr.cli import app
from sisr.commands.shared import check_outputs
from typer.testing import CliRunner


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for folder in ("hr", "sr"):
        write_png(tmp_path / folder / "a.png", np.full((24, 24), 99, np.uint8))
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_scores_never_replace_an_image_that_is_scored(images: Path, force: tuple[str, ...]) -> None:
    before = (images / "hr/a.png").read_bytes()
    score = ("score", images / "hr", images / "sr", "--scale", 2, "--lpips", "none", *force)
    code, said = run(*score, "--out", images / "hr/a.png")
    assert code == 1
    assert said.startswith(f"error: {images / 'hr/a.png'}: is read by this command and would be overwritten;")
    assert (images / "hr/a.png").read_bytes() == before


def test_another_kind_needs_force_and_an_earlier_result_does_not(images: Path) -> None:
    score = ("score", images / "hr", images / "sr", "--scale", 2, "--lpips", "none", "--out")
    letter = images / "letter.txt"
    letter.write_text("Dear Sir,\n")
    code, said = run(*score, letter)
    assert (code, said) == (
        1,
        f"error: {letter}: is no CSV, and would be overwritten; give another name or --force\n",
    )
    assert letter.read_text() == "Dear Sir,\n"
    assert run(*score, letter, "--force")[0] == 0
    first = letter.read_bytes()
    assert run(*score, letter)[0] == 0
    assert letter.read_bytes() == first
    code, said = run(*score, images / "hr")
    assert (code, said) == (1, f"error: {images / 'hr'}: is a folder; expected the name of a CSV to write\n")


def test_made_images(images: Path) -> None:
    degrade = ("degrade", images / "hr", images / "lr", "-k", "matlab-bicubic", "-s", 2)
    assert run(*degrade)[0] == run(*degrade)[0] == 0
    (images / "lr/a.png").write_text("text")
    assert "is no PNG, and would be overwritten" in run(*degrade)[1]
    (images / "hr/a.png").rename(images / "hr/a.bmp")
    write_png(images / "hr/b.png", np.full((24, 24), 9, np.uint8))
    code, said = run(
        "upscale", "-m", "bicubic", "-s", 2, "--device", "cpu", images / "hr/b.png", images / "hr"
    )
    assert (code, "is read by this command" in said) == (1, True)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("CSV", b"model,psnr@y-bt601\n"),
        ("page", b"<!DOCTYPE html>\n<html>"),
        ("safetensors file", b"\x10\0\0\0\0\0\0\0{"),
        ("PNG", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_kinds_are_told_apart(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "out"
    check_outputs([path], kind, [], False)
    for there in (content, b""):
        path.write_bytes(there)
        check_outputs([path], kind, [], False)
    for there in (b"\0", b"import os\n", b"{}", b"\xff\xd8\xff"):
        path.write_bytes(there)
        with pytest.raises(SisrError, match=f"is no {kind}"):
            check_outputs([path], kind, [], False)
        check_outputs([path], kind, [], True)


def test_pages(tmp_path: Path) -> None:
    """The page beside the CSV of certification counts as well."""
    (tmp_path / "c.html").write_text("Dear Sir,\n")
    code, said = run("certify", "--quick", "--out", tmp_path / "c.csv")
    assert (code, "c.html: is no page, and would be overwritten" in said) == (1, True)
    code, said = run("certify", "--quick", "--out", tmp_path / "c.html")
    assert (code, "c.html: is no CSV" in said) == (1, True)
    code, said = run("certify", "--quick", "--out", tmp_path / "d.html")
    assert (code, "expected the name of a CSV" in said) == (1, True)
    assert (tmp_path / "c.html").read_text() == "Dear Sir,\n"
    assert not (tmp_path / "d.html").exists()
