"""No image leaves a folder without a word: each is taken, or refused by its name."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from sisr.base.errors import SisrError
from sisr.base.image_files import list_images
from sisr.base.images import read_image, write_png
from sisr.base.matching import hr_images, lr_images
from sisr.commands.imaging import upscale
from sisr.data.datasets import prepare
from sisr.data.user_images import UserImages
from sisr.lr.degrade import degrade_folder
from sisr.scoring.folders import match_folders

RNG = np.random.default_rng(3)


def write(path: Path, side: int = 16) -> None:
    write_png(path, RNG.integers(0, 256, (side, side, 3), dtype=np.uint8))


def a_loop(path: Path) -> None:
    path.symlink_to(path)


#: What cannot be read, by how it comes about, and what is said of it.
BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    **{
        ending: (f"b.{ending}", Path.touch, f"{ending.upper()} is not read")
        for ending in ("avif", "jp2", "JXL", "heic", "exr", "tga", "svg", "CR2", "dng", "psd")
    },
    "broken link": ("b.png", lambda path: path.symlink_to("none"), "a link that leads nowhere .No such file"),
    "loop": ("b.jpg", a_loop, "a link that leads nowhere .Too many levels"),
    "device": ("b.tif", lambda path: path.symlink_to(os.devnull), "found a device"),
    "pipe": ("b.bmp", os.mkfifo, "found a named pipe"),
    "folder": ("b.webp", Path.mkdir, "found a folder"),
}


def ways(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What takes a folder of images: degrade, upscale, score from either side, and the workflow's jobs."""
    fine = tmp_path / "fine"
    if not fine.is_dir():
        write(fine / "a.png", 32)
    dataset = {"label": "own", "path": str(folder)}
    monkeypatch.setattr("sisr.base.registry.entry", lambda *_: dataset)
    return [
        lambda: degrade_folder(folder, tmp_path / "lr", "matlab-bicubic", 2),
        lambda: match_folders(folder, fine, 2),
        lambda: match_folders(fine, folder, 2),
        lambda: prepare("own", asset_record=None, out_dir=tmp_path / "hr", manifest=tmp_path / "hr.json"),
        lambda: UserImages(str(folder), lr=False).require(),
    ]


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_refused_by_name(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "images"
    write(folder / "a.png")
    name, make, said = BAD[kind]
    make(folder / name)
    for way in ways(folder, tmp_path, monkeypatch):
        with pytest.raises(SisrError, match=f"{folder / name}: .*{said}"):
            way()
    with pytest.raises(typer.Exit):
        upscale(folder, tmp_path / "sr", model="bicubic", scale=2)
    assert f"{folder / name}: " in capsys.readouterr().err


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(SisrError, match=r"a\.png: expected an image, found a named pipe"):
        read_image(tmp_path / "a.png")


def test_an_image_that_is_not_read_counts_as_there_beside_one_of_its_name(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    (tmp_path / "a.NEF").touch()
    assert list_images(tmp_path) == [tmp_path / "a.png"]


def test_endings_of_jpeg_are_read_whatever_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    folder = tmp_path / "images"
    folder.mkdir()
    stream = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(stream, "JPEG")
    for name in ("a.jfif", "b.JFIF", "c.jpe", "d.jpg"):
        (folder / name).write_bytes(stream.getvalue())
    assert [path.name for path in degrade_folder(folder, tmp_path / "lr", "matlab-bicubic", 2)] == [
        "a.png",
        "b.png",
        "c.png",
        "d.png",
    ]


# --- HR and LR side by side -----------------------------------------------------------------------------


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """As SelfExSR gives its images."""
    for name in ("img_001", "img_002"):
        write(tmp_path / "pairs" / f"{name}_SRF_4_HR.png", 16)
        write(tmp_path / "pairs" / f"{name}_SRF_4_LR.png", 4)
    return tmp_path / "pairs"


def test_hr_and_lr_side_by_side_by_one_rule(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hr = ["img_001_SRF_4_HR.png", "img_002_SRF_4_HR.png"]
    lr = [name.replace("HR", "LR") for name in hr]
    written = degrade_folder(pairs, tmp_path / "lr", "matlab-bicubic", 4)
    assert [path.name for path in written] == hr
    upscale(pairs, tmp_path / "sr", model="bicubic", scale=4)
    assert caplog.messages == [
        f"{pairs}: 2 images are {role} by their names; 2 beside them are not taken" for role in ("HR", "LR")
    ]
    assert sorted(path.name for path in (tmp_path / "sr").iterdir()) == lr
    assert [pair.hr_path.name for pair in match_folders(pairs, tmp_path / "lr", 4)] == hr
    monkeypatch.setattr("sisr.base.registry.entry", lambda *_: {"label": "own", "path": str(pairs)})
    manifest = prepare("own", asset_record=None, out_dir=tmp_path / "hr", manifest=tmp_path / "hr.json")
    assert [image.source for image in manifest.images] == hr
    UserImages(str(pairs), lr=False).require()
    with pytest.raises(SisrError, match="HR images beside the LR ones"):
        UserImages(str(pairs), lr=True).require()


def test_marked_images_alone_are_all_taken() -> None:
    for names in (["a_HR.png", "b_HR.png"], ["a_LR.png", "b.png"], ["a_x2.png"]):
        files = [Path(name) for name in names]
        assert hr_images(files) == lr_images(files, 2) == files


def test_an_image_without_mark_among_marked_ones_is_refused(pairs: Path, tmp_path: Path) -> None:
    write(pairs / "holiday.png")
    said = r"holiday\.png: not marked as HR, as img_001_SRF_4_HR\.png is, and no HR image of that name"
    for way in (
        lambda: degrade_folder(pairs, tmp_path / "lr", "matlab-bicubic", 4),
        lambda: match_folders(pairs, tmp_path, 4),
    ):
        write(tmp_path / "sr.png")
        with pytest.raises(SisrError, match=said):
            way()


def test_an_hr_image_without_its_lr_image_is_refused(pairs: Path) -> None:
    (pairs / "img_002_SRF_4_LR.png").unlink()
    with pytest.raises(SisrError, match=r"img_002_SRF_4_HR\.png: no LR image for scale 4"):
        lr_images(list_images(pairs), 4)


# --- the cases that were found --------------------------------------------------------------------------


@pytest.fixture
def cases() -> Path:
    folder = Path(os.environ.get("SISR_MIRROR", "none")).parent / "cases"
    if not folder.is_dir():
        pytest.skip("no folder of cases beside the mirror")
    return folder


def test_cases_of_images(cases: Path, tmp_path: Path) -> None:
    """Each gives what its README says."""
    of = {"in": "expected", "gray4_trns": "gray4_expected", "gray16_trns": "gray16_expected"}
    read = [path for path in sorted(cases.glob("0[1-4]-*/*")) if path.stem in of]
    assert len(read) == 5
    for path in read:
        expected = read_image(path.with_name(f"{of[path.stem]}.png")).array
        assert np.array_equal(read_image(path).array, expected), path
    (floating,) = cases.glob("05-*/in.tif")
    with pytest.raises(SisrError, match="floating-point pixels"):
        read_image(floating)
    (endings,) = cases.glob("07-*")
    with pytest.raises(SisrError, match=r"c\.avif: AVIF is not read .and 1 more files."):
        list_images(endings)
    read_alone = tmp_path / "07"
    shutil.copytree(endings, read_alone, ignore=shutil.ignore_patterns("*.avif", "*.jp2"))
    assert [path.name for path in list_images(read_alone)] == ["a.png", "b.JFIF"]
    (layout,) = cases.glob("12-*")
    (written,) = degrade_folder(layout, tmp_path / "12", "matlab-bicubic", 4)
    assert written.name == "img_001_SRF_4_HR.png"
    assert read_image(written).array.shape == read_image(layout / "img_001_SRF_4_LR.png").array.shape
