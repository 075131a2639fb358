"""Manifests: what their files hold, byte for byte, and what is said of a file that is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from sisr.base.errors import ManifestError
from sisr.base.manifest import (
    HrImage,
    HrManifest,
    LrImage,
    LrManifest,
    Manifest,
    SrImage,
    SrManifest,
    relative,
)

HR = """{
 "dataset": "set",
 "images": [
  {
   "name": "a",
   "file": "set/a.png",
   "source": "á.bmp",
   "source_sha256": "00",
   "height": 9,
   "width": 8,
   "channels": 3,
   "notes": [
    "palette converted to RGB"
   ],
   "sha256": "11"
  }
 ]
}
"""
LR = """{
 "dataset": "set",
 "kernel": "k",
 "scale": 4,
 "function": "f",
 "params": {
  "kernel": "cubic"
 },
 "border": "mirror",
 "phase": [
  0.0,
  -0.5
 ],
 "images": [
  {
   "name": "a",
   "file": "x4/a.png",
   "hr_height": 8,
   "hr_width": 8,
   "crop": {
    "bottom": 1,
    "right": 0
   },
   "height": 2,
   "width": 2,
   "channels": 1,
   "sha256": "22"
  }
 ]
}
"""
GIVEN = """{
 "dataset": "set",
 "kernel": "given",
 "scale": 4,
 "images": [
  {
   "name": "a",
   "file": "x4/a.png",
   "height": 2,
   "width": 2,
   "channels": 1,
   "sha256": "22"
  }
 ]
}
"""
SR = """{
 "model": "m",
 "scale": 4,
 "device": "cpu",
 "threads": 1,
 "status": "ok",
 "reason": "",
 "notes": [],
 "job": {
  "seconds": 2.5,
  "peak_gpu_mib": null
 },
 "images": [
  {
   "name": "a",
   "file": "0of1/a.png",
   "seconds": 0.25
  }
 ]
}
"""


def made(path: Path) -> list[tuple[Manifest, str]]:
    size = {"height": 2, "width": 2, "channels": 1}
    hr = HrImage(
        name="a", file="set/a.png", source="á.bmp", source_sha256="00", height=9, width=8, channels=3,
        notes=("palette converted to RGB",), sha256="11",
    )  # fmt: skip
    crop = {"bottom": 1, "right": 0}
    lr = LrImage(name="a", file="x4/a.png", hr_height=8, hr_width=8, crop=crop, **size, sha256="22")
    given = LrImage(name="a", file="x4/a.png", **size, sha256="22")
    sr = SrImage(name="a", file="0of1/a.png", seconds=0.25)
    kernel = {"function": "f", "params": {"kernel": "cubic"}, "border": "mirror", "phase": (0.0, -0.5)}
    job = {"seconds": 2.5, "peak_gpu_mib": None}
    return [
        (HrManifest(path=path, dataset="set", images=(hr,)), HR),
        (LrManifest(path=path, dataset="set", kernel="k", scale=4, **kernel, images=(lr,)), LR),
        (LrManifest(path=path, dataset="set", kernel="given", scale=4, images=(given,)), GIVEN),
        (
            SrManifest(
                path=path, model="m", scale=4, device="cpu", threads=1, status="ok", job=job, images=(sr,)
            ),
            SR,
        ),
    ]  # type: ignore[arg-type]


@pytest.mark.parametrize("which", range(4), ids=["hr", "lr", "given", "sr"])
def test_files_hold_what_they_held_and_are_read_again(tmp_path: Path, which: int) -> None:
    path = tmp_path / "set.json"
    manifest, text = made(path)[which]
    manifest.write()
    assert path.read_text(encoding="utf-8") == text
    assert type(manifest).read(path) == manifest
    (image,) = manifest.images
    assert Manifest.read(path).files == {"a": tmp_path / image.file} == manifest.files
    assert manifest.path_of(image) == tmp_path / image.file


def test_what_a_newer_version_adds_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "set.json"
    path.write_text(HR.replace('"name"', '"more": 1,\n"name"').replace('"dataset"', '"more": 1,\n"dataset"'))
    assert HrManifest.read(path) == made(path)[0][0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"dataset": "set",', "", r"set\.json: expected images, dataset, found no 'dataset'"),
        ('"width": 8,', "", r"set\.json: expected name, file, height, width, channels, found no 'width'"),
        ('"images"', '"files"', r"set\.json: expected a list of images, found no 'images'"),
        ("{", "", "not JSON"),
    ],
)
def test_a_file_that_is_none_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "set.json"
    path.write_text(HR.replace(old, new, 1))
    with pytest.raises(ManifestError, match=message) as caught:
        HrManifest.read(path)
    assert "\n" not in str(caught.value)


def test_files_are_named_from_the_manifests_folder(tmp_path: Path) -> None:
    manifest = tmp_path / "lr/set/x4.json"
    assert relative(tmp_path / "lr/set/x4/a.png", manifest) == "x4/a.png"
    assert relative(tmp_path / "hr/a.png", manifest) == "../../hr/a.png"
