"""The audit of a run: sets, tables, pages and the commands, on images of which the shift is known."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from sisr.analysis import audit
from sisr.analysis.phase import TOLERANCE
from sisr.base import registry
from sisr.base.images import write_png
from sisr.cli import app
from sisr.lr import kernels
from sisr.lr.degrade import make_lr
from sisr.report import phase_pages
from skimage import data
from typer.testing import CliRunner

IMAGES = {
    "astronaut": data.astronaut()[:256, 100:356],
    "cat": data.chelsea()[20:276, 100:356],
    "camera": data.camera()[60:316, 100:356],
}
GRIDS = [
    (kernel, int(scale)) for kernel, entry in registry.load("kernels").items() for scale in entry["phase"]
]
runner = CliRunner()


@pytest.mark.parametrize(("kernel", "scale"), GRIDS)
def test_documented_phase_is_the_measured_one(kernel: str, scale: int) -> None:
    found = audit.kernel_ramp(kernel, scale)
    documented = kernels.phase(registry.entry("kernels", kernel), scale)
    # Random kernels, noise, JPEG: the interval of the measurement, which must itself mean something.
    error = max(found.down_error, found.right_error)
    assert error < scale / 4
    gap = np.abs(np.subtract(found[:2], documented)).max()
    assert gap <= max(TOLERANCE, error)


# OpenCV's and Pillow's own choice of samples, in closed form: at x4 column 4i and 4i + 2; the centre of the
# area is 4i + 1.5.
@pytest.mark.parametrize(
    ("kernel", "expected"), [("opencv-nearest", -1.5), ("pillow-nearest", 0.5), ("opencv-area", 0.0)]
)
def test_nearest_of_two_programs(kernel: str, expected: float) -> None:
    if kernel not in registry.load("kernels"):
        pytest.skip(f"no kernel '{kernel}' in the registry")
    assert audit.kernel_ramp(kernel, 4)[:2] == pytest.approx((expected, expected), abs=0.005)


def test_torch_nearest_and_slicing_are_where_opencv_nearest_is() -> None:
    torch = pytest.importorskip("torch")
    hr = IMAGES["astronaut"]
    planes = torch.from_numpy(hr.transpose(2, 0, 1).astype(np.float32))[None]
    small = torch.nn.functional.interpolate(planes, scale_factor=0.25, mode="nearest")[0].numpy()
    expected = kernels.apply("opencv-nearest", hr, 4)
    assert np.array_equal(small.transpose(1, 2, 0).astype(np.uint8), expected)
    assert np.array_equal(hr[::4, ::4], expected)


# --- sets -----------------------------------------------------------------------------------------------


def manifest(path: Path, **content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Rows of two LR sets; a model keeps the grid, one moves it by half a pixel, one has no images."""
    root = tmp_path_factory.mktemp("run")
    for name, image in IMAGES.items():
        write_png(root / "hr" / f"{name}.png", np.ascontiguousarray(image))
    size = {"height": 8, "width": 8, "channels": 3}  # which nobody reads
    images = [{"name": name, "file": f"hr/{name}.png", **size} for name in IMAGES]
    hr = manifest(root / "hr.json", dataset="set", images=images)
    rows = []
    for kernel in ("pillow-bicubic", "opencv-nearest"):
        lr_manifest = root / "lr" / kernel / "x2.json"
        made = make_lr(hr, kernel, 2, out_dir=root / "lr" / kernel / "x2", manifest=lr_manifest)
        status = {}
        for model, move in (("still", 0), ("moved", 1)):
            listed = []
            for image in made.images:
                lr = audit.read_image(lr_manifest.parent / image.file).array
                large = lr.repeat(4, axis=0).repeat(4, axis=1)
                # Means of 2 x 2 from an offset of one: a quarter of an LR pixel, which is half an HR pixel.
                padded = np.pad(large, [(0, 2), (0, 2)] + [(0, 0)] * (lr.ndim - 2), mode="edge")
                part = padded[move : move + large.shape[0], move : move + large.shape[1]].astype(float)
                sr = part.reshape(large.shape[0] // 2, 2, large.shape[1] // 2, 2, *lr.shape[2:]).mean((1, 3))
                target = root / "sr" / kernel / model / f"{image.name}.png"
                write_png(target, np.rint(sr).astype(np.uint8))
                listed.append({"name": image.name, "file": f"{model}/{target.name}"})
            path = root / "sr" / kernel / f"{model}.json"
            status[model] = [manifest(path, status="ok", images=listed)]
        gone = manifest(root / "sr" / kernel / "gone.json", status="unavailable", images=[])
        out = root / "phase" / f"{kernel}.csv"
        audit.measure_set(hr, lr_manifest, {**status, "gone": [gone]}, out)
        rows += audit.read_shifts([out])
    return rows


def test_models_are_not_blamed_for_the_kernel(measured: list[dict[str, str]]) -> None:
    found = {(row.kernel, row.model): row for row in audit.audit_models(measured, 2)}
    assert set(found) == {(k, m) for k in ("pillow-bicubic", "opencv-nearest") for m in ("still", "moved")}
    for (kernel, model), row in found.items():
        own = 0.5 if model == "moved" else 0.0
        phase = -0.5 if kernel == "opencv-nearest" else 0.0
        assert row.own[:2] == pytest.approx((own, own), abs=TOLERANCE)
        assert row.sr[:2] == pytest.approx((own + phase, own + phase), abs=2 * TOLERANCE)
        assert row.verdict == ("off" if model == "moved" else "ok")
        assert row.own.images == 3


def test_tables_and_pages_of_a_run(measured: list[dict[str, str]], tmp_path: Path) -> None:
    sets = [(kernel, 2, "set") for kernel in ("pillow-bicubic", "opencv-nearest")]
    rows = audit.audit_kernels(sets, measured)
    assert all(row.ramp_agrees and row.images_agree for row in rows)
    phase_pages.write_kernels(rows, {"set": "The set"}, tmp_path / "kernels.csv", tmp_path / "kernels.html")
    with (tmp_path / "kernels.csv").open() as stream:
        of_nearest = list(csv.DictReader(stream))[1]
    assert of_nearest["documented_down"] == "-0.5000"
    assert float(of_nearest["ramp_down"]) == pytest.approx(-0.5, abs=0.005)
    assert float(of_nearest["images_right"]) == pytest.approx(-0.5, abs=TOLERANCE)
    assert (of_nearest["images"], of_nearest["agrees"]) == ("3", "yes")
    page = (tmp_path / "kernels.html").read_text()
    assert "Off the centre: <b>OpenCV nearest</b>" in page

    names = {
        "datasets": {"set": "The set"},
        "kernels": {"pillow-bicubic": "Pillow bicubic", "opencv-nearest": "OpenCV nearest"},
        "models": {"still": "Still", "moved": "Moved", "gone": "Gone"},
    }
    models = audit.audit_models(measured, 2)
    phase_pages.write_models(models, 2, names, tmp_path / "models.csv", tmp_path / "models.html")
    page = (tmp_path / "models.html").read_text()
    assert "<b>Moved</b> on Pillow bicubic (The set: +0.50, +0.50" in page
    assert 'class="first off"' in page
    assert "Gone" not in page


def test_a_wrong_entry_is_found(measured: list[dict[str, str]], config_copy: Path) -> None:
    path = config_copy / "kernels.yaml"
    entries = yaml.safe_load(path.read_text())
    entries["pillow-bicubic"]["phase"]["2"] = [0, 0.5]
    path.write_text(yaml.safe_dump(entries))
    [row] = audit.audit_kernels([("pillow-bicubic", 2, "set")], measured, config_copy)
    assert not row.ramp_agrees
    assert not row.images_agree


def test_median_of_no_one_and_some_images() -> None:
    none = audit.median_shift([(math.nan, math.nan)])
    assert none.images == 0
    assert math.isnan(none.down)
    one = audit.median_shift([(0.1, 0.2), (math.nan, math.nan)])
    assert one == (0.1, 0.2, math.inf, 1)
    # Student's t for 99.9 % and 4 degrees of freedom, two-sided, is 8.610 in printed tables.
    some = audit.median_shift([(x, 0.0) for x in (0.0, 0.1, 0.2, 0.3, 0.4)])
    assert some.down == pytest.approx(0.2)
    assert some.error == pytest.approx(8.610 * np.std([0, 0.1, 0.2, 0.3, 0.4], ddof=1) / np.sqrt(5), rel=1e-3)


def test_images_are_chosen_evenly() -> None:
    names = [f"i{number}" for number in range(100)]
    assert audit._chosen(names) == names[::5]
    assert audit._chosen(names[:7]) == names[:7]


# --- the command line -----------------------------------------------------------------------------------


def run(*arguments: object, code: int = 0) -> str:
    result = runner.invoke(app, ["audit", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def test_command_of_kernels() -> None:
    output = run("kernels", "--kernel", "opencv-nearest", "--kernel", "matlab-bicubic", "--scale", 4)
    lines = output.splitlines()
    assert len(lines) == 3
    assert "(−1.50, −1.50)  (−1.50, −1.50)" in lines[1]
    assert "did you mean" in run("kernels", "-k", "matlab-bicubik", code=1)


def test_command_of_a_pair_of_folders(tmp_path: Path) -> None:
    for name, image in IMAGES.items():
        write_png(tmp_path / "hr" / f"{name}.png", np.ascontiguousarray(image))
        lr = kernels.apply("opencv-nearest", np.ascontiguousarray(image), 2)
        write_png(tmp_path / "lr" / f"{name}x2.png", lr)
        write_png(tmp_path / "sr" / f"{name}.png", lr.repeat(2, axis=0).repeat(2, axis=1))
        write_png(tmp_path / "odd" / f"{name}.png", lr[:-1])
    for folder in ("lr", "sr"):
        output = run("pair", tmp_path / "hr", tmp_path / folder, "--scale", 2)
        assert "more than 0.1 HR pixels off" in output
        assert output.splitlines()[-1].startswith("median     (−0.5")
    same = run("pair", tmp_path / "hr", tmp_path / "hr2", "-s", 2, code=1)
    assert same.count("\n") == 1
    assert "expected 256x256 (SR) or 128x128 (LR), found" in run(
        "pair", tmp_path / "hr", tmp_path / "odd", "-s", 2, code=1
    )
