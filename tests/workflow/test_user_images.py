"""User images, named by the config alone: of all kinds, sizes and names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from tiny_project import CONFIG, SCORES, Project, rows, save

pytestmark = pytest.mark.workflow

SUITE = {
    "datasets": ["tiny"],
    "kernels": ["matlab-bicubic", "opencv-linear"],
    "scales": [2],
    "models": ["nearest", "bicubic", "gone"],
}
#: Image -> size (height, width), channels and what its notes say.
EXPECTED = {
    "deep": (51, 43, 1, "16 bits reduced to 8"),
    "gray": (48, 49, 1, ""),
    "palette": (48, 64, 3, "palette converted to RGB"),
    "scan": (47, 64, 3, "first of 2 frames"),
    "screen": (48, 63, 3, "alpha composited on white"),
    "turned_1___a__ü": (65, 47, 3, "EXIF orientation 6 applied"),
    "web": (48, 61, 3, ""),
}


def write_photos(folder: Path) -> None:
    """Parts of photographs as telephones, cameras, scanners and programs write them."""
    cat, camera = data.chelsea()[100:160, 150:250], data.camera()[60:120, 200:300]
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(cat[:47, :65]).save(folder / "turned 1) {a} ü.jpg", exif=exif, quality=95)
    Image.fromarray(camera[:51, :43].astype(np.uint16) * 257).save(folder / "deep.png")
    save(folder / "gray.PNG", camera[:48, :49])
    Image.fromarray(cat[:48, :64]).quantize(16).save(folder / "palette.gif")
    alpha = np.full((48, 63, 1), 255, np.uint8)
    alpha[:8] = 0
    save(folder / "screen.png", np.concatenate([cat[:48, :63], alpha], axis=2))
    Image.fromarray(cat[:48, :61]).save(folder / "web.webp", lossless=True)
    page = Image.fromarray(cat[:47, :64])
    page.save(folder / "scan.tiff", save_all=True, append_images=[page])
    (folder / "notes.txt").write_text("not an image")


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that nothing was run in, with a folder of images that no registry names."""
    project = Project.create(tmp_path_factory.mktemp("album") / "project")
    write_photos(project.root / "album")
    project.configure({**CONFIG, "suites": {"main": SUITE}})
    return project


def test_images_as_hr_are_run_to_the_report(album: Project) -> None:
    run = album.run("--config", "user_images=album", "datasets=user-images")
    assert run.status == 0, run.output
    images = {
        image["name"]: image for image in json.loads(album.read("results/tiny/hr/user-images.json"))["images"]
    }
    assert list(images) == sorted(EXPECTED)
    for name, (height, width, channels, note) in EXPECTED.items():
        image = images[name]
        assert (image["height"], image["width"], image["channels"]) == (height, width, channels), name
        assert note in " ".join(image["notes"]), name
    scores = rows(album.read(SCORES))
    assert {(row["dataset"], row["kernel"], row["scale"]) for row in scores} == {
        ("user-images", "matlab-bicubic", "2")
    }
    assert {row["model"] for row in scores} == {"nearest", "bicubic"}
    assert {row["image"] for row in scores} == set(EXPECTED)
    assert "User images" in album.read("results/tiny/tables/x2.md")
    assert (album.root / "results/tiny/figures/crops/user-images_matlab-bicubic_x2_1.jpg").is_file()
    assert "User images" in album.read("results/tiny/report.html")
    config = json.loads(album.read("results/tiny/provenance.json"))["config"]
    assert config["user_images"] == {"path": "album"}
    # Adding an image prepares the set again; the same folder does not.
    again = ("--dry-run", "--config", "user_images=album", "datasets=user-images", "--", SCORES)
    assert "prepare_dataset" not in album.run(*again).jobs
    save(album.root / "album/zebra.png", data.chelsea()[:40, :40])
    assert album.run(*again).jobs["prepare_dataset"] == 1
    (album.root / "album/zebra.png").unlink()
    # Nor does another time; an older image that takes the place of one does.
    name = next(path for path in sorted((album.root / "album").iterdir()) if path.suffix == ".png")
    os.utime(name)
    assert "prepare_dataset" not in album.run(*again).jobs
    kept = name.read_bytes()
    save(name, data.chelsea()[:40, :40])
    os.utime(name, (1e9, 1e9))
    assert album.run(*again).jobs["prepare_dataset"] == 1
    name.write_bytes(kept)


@pytest.mark.parametrize(
    ("file", "content", "line"),
    [
        ("IMG_1.HEIC", b"", "config: user_images.path: album/IMG_1.HEIC: HEIC is not read: convert to PNG"),
        ("half.jpg", b"ID3", "album/half.jpg: not an image: expected one of PNG, JPEG"),
        ("gray.jpg", b"", "'gray.jpg' and 'gray.PNG' would both be image 'gray': rename one"),
    ],
)
def test_a_image_that_cannot_be_used_is_named(album: Project, file: str, content: bytes, line: str) -> None:
    path = album.root / "album" / file
    path.write_bytes(content)
    try:
        given = ("--config", "user_images=album", "datasets=user-images", "name=bad")
        run = album.run(*given, "--", "results/bad/hr/user-images.json")
    finally:
        path.unlink()
    assert run.status != 0
    assert len(run.errors) == 1 and line in run.errors.pop(), run.output


def test_a_folder_that_is_not_there(album: Project) -> None:
    run = album.run("--config", "user_images=albun")
    assert run.errors == {
        "config: user_images.path: albun: expected a folder of images: No such file or directory"
    }


@pytest.fixture(scope="module")
def thumbnails(tmp_path_factory: pytest.TempPathFactory, mirror: Path) -> Project:
    """A project with two small images, and one that is too small for NIQE at x2."""
    project = Project.create(tmp_path_factory.mktemp("thumbnails") / "project")
    save(project.root / "thumbs/cat.png", data.chelsea()[80:135, 100:213])
    save(project.root / "thumbs/camera.png", data.camera()[60:113, 180:285])
    save(project.root / "thumbs/stamp.png", data.astronaut()[40:72, 190:234])
    project.configure({**CONFIG, "mirror": str(mirror), "suites": {"main": SUITE}})
    return project


@pytest.mark.mirror
def test_images_as_lr_have_measures_of_the_sr_image_and_crops(thumbnails: Project) -> None:
    given = ("--config", "user_images={path: thumbs, as: lr}")
    run = thumbnails.run(*given)
    assert run.status == 0, run.output
    # They are in no score, table or image of the benchmark.
    cells = json.loads(thumbnails.read("results/tiny/provenance.json"))["config"]["suites"]
    assert cells == {"main": SUITE}
    assert {row["dataset"] for row in rows(thumbnails.read(SCORES))} == {"tiny"}
    assert not list((thumbnails.root / "results/tiny/site/images").glob("user-images*"))

    folder = thumbnails.root / "results/tiny/user_images"
    scores = rows((folder / "scores_x2.csv").read_text())
    assert {(row["metric"], row["model"], row["image"]) for row in scores} == {
        ("niqe", model, image) for model in ("nearest", "bicubic") for image in ("cat", "camera")
    }
    status = {row["model"]: row for row in rows((folder / "status_x2.csv").read_text())}
    assert {model: row["status"] for model, row in status.items()} == {
        "nearest": "ok",
        "bicubic": "ok",
        "gone": "unavailable",
    }
    assert status["bicubic"]["images"] == "3"
    table = (folder / "x2.md").read_text()
    assert "NIQE" in table and "PSNR" not in table
    assert "User images without 1 too small or flat (2)" in table and "Gone: unavailable" in table
    sr = thumbnails.root / "results/tiny/sr/user-images/given/x2/bicubic/0of1/stamp.png"
    with Image.open(sr) as image:
        assert image.size == (88, 64)
    with Image.open(folder / "crops_x2_1.jpg") as sheet:
        assert sheet.width > 300
    assert "User images" in thumbnails.read("results/tiny/report.html")


@pytest.mark.mirror
def test_lr_images_alone(thumbnails: Project) -> None:
    given = ("--config", "user_images={path: thumbs, as: lr}", "name=alone", "models=nearest")
    run = thumbnails.run(*given, "--dry-run", "--", "user_images")
    assert run.status == 0, run.output
    assert "score" not in run.jobs
    assert (run.jobs["upscale"], run.jobs["score_user_images"], run.jobs["user_crops"]) == (1, 1, 1)
