from __future__ import annotations

import csv
import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sisr.base.cells import Cell
from sisr.base.colour import Uint8Image
from sisr.base.errors import ConfigError, ImageError, ManifestError, ScoreError
from sisr.base.images import DecodedImage, read_image, write_png
from sisr.scoring import score as scoring
from sisr.scoring.folders import match_folders, score_folders
from sisr.scoring.metrics import parse_measure
from sisr.scoring.metrics.fidelity import psnr, ssim
from sisr.scoring.score import Evaluation, Pair, Score, score_cell, score_pairs, write_scores

MEASURES = ["psnr@y-bt601", "ssim@y-bt601", "psnr@rgb"]
HEADER = "dataset,image,kernel,scale,model,metric,protocol,value"


def sample(height: int = 42, width: int = 50, seed: int = 0, gray: bool = False) -> Uint8Image:
    shape = (height, width) if gray else (height, width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def degraded(image: Uint8Image, scale: int = 4) -> Uint8Image:
    """Another image of the size that an SR image has."""
    height, width = image.shape[0] // scale * scale, image.shape[1] // scale * scale
    return image[:height, :width] // 2 + 30


@pytest.fixture
def cell(tmp_path: Path) -> tuple[Path, Path]:
    """HR manifest and SR status of three images (one gray), in the layout of a run."""
    hr, sr = tmp_path / "hr" / "set.json", tmp_path / "sr" / "0of1.json"
    names = ["baby", "camera", "odd name, quoted"]
    for index, name in enumerate(names):
        image = sample(42 + index, 50, index, gray=name == "camera")
        write_png(hr.parent / "set" / f"{name}.png", image)
        write_png(sr.parent / "0of1" / f"{name}.png", degraded(image))
    hr.write_text(
        json.dumps({"dataset": "set", "images": [{"name": n, "file": f"set/{n}.png"} for n in names]})
    )
    images = [{"name": n, "file": f"0of1/{n}.png", "seconds": 0.5} for n in names]
    sr.write_text(json.dumps({"status": "ok", "reason": "", "images": images}))
    return hr, sr


def score(cell: tuple[Path, Path], out: Path, **options: object) -> list[dict[str, str]]:
    of = Cell("set", "matlab-bicubic", 4, "bicubic")
    score_cell(of, *cell, Evaluation(MEASURES, **options), out)  # type: ignore[arg-type]
    with out.open(newline="") as stream:
        return list(csv.DictReader(stream))


# --- cells ----------------------------------------------------------------------------------------------


def test_cell_table(cell: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "new" / "scores.csv"
    rows = score(cell, out)
    assert out.read_bytes().startswith(HEADER.encode() + b"\n")
    assert [(row["image"], f"{row['metric']}@{row['protocol']}") for row in rows] == [
        (name, measure) for name in ("baby", "camera", "odd name, quoted") for measure in MEASURES
    ]
    assert {(row["dataset"], row["kernel"], row["scale"], row["model"]) for row in rows} == {
        ("set", "matlab-bicubic", "4", "bicubic")
    }
    hr = read_image(cell[0].parent / "set" / "baby.png").array[:40, :48]
    sr = read_image(cell[1].parent / "0of1" / "baby.png").array
    assert rows[0]["value"] == f"{psnr(hr, sr, 'y-bt601', 4):.6f}"
    assert rows[1]["value"] == f"{ssim(hr, sr, 'y-bt601', 4):.8f}"
    assert list(out.parent.iterdir()) == [out]


def test_cell_bytes_do_not_depend_on_threads(cell: tuple[Path, Path], tmp_path: Path) -> None:
    for threads in (1, 2, 5):
        score(cell, tmp_path / f"{threads}.csv", threads=threads)
    assert len({(tmp_path / f"{threads}.csv").read_bytes() for threads in (1, 2, 5)}) == 1


def test_identical_images_are_inf(cell: tuple[Path, Path], tmp_path: Path) -> None:
    write_png(
        cell[1].parent / "0of1" / "baby.png",
        read_image(cell[0].parent / "set" / "baby.png").array[:40, :48],
    )
    rows = score(cell, tmp_path / "out.csv")
    assert [row["value"] for row in rows[:3]] == ["inf", "1.00000000", "inf"]


@pytest.mark.parametrize("status", ["skipped", "unavailable", "oom", "failed"])
def test_other_status_gives_the_header_alone(cell: tuple[Path, Path], tmp_path: Path, status: str) -> None:
    cell[1].write_text(json.dumps({"status": status, "reason": "no weights", "images": []}))
    out = tmp_path / "out.csv"
    evaluation = Evaluation([*MEASURES, "lpips@alex-v0.1"])  # needs no backbone either
    score_cell(Cell("set", "k", 4, "m"), *cell, evaluation, out)
    assert out.read_text() == HEADER + "\n"


def test_sr_of_another_size(cell: tuple[Path, Path], tmp_path: Path) -> None:
    write_png(cell[1].parent / "0of1" / "camera.png", sample(43, 50, gray=True))
    out = tmp_path / "out.csv"
    message = "camera: expected SR of 48x40 (HR of 50x43 cropped to a multiple of 4), found 50x43"
    with pytest.raises(ScoreError, match=re.escape(message)):
        score(cell, out)
    assert not out.exists()
    assert not list(tmp_path.glob(".*"))


def test_image_too_small_is_named(cell: tuple[Path, Path], tmp_path: Path) -> None:
    for path in (cell[0].parent / "set" / "camera.png", cell[1].parent / "0of1" / "camera.png"):
        write_png(path, sample(8, 40, gray=True))
    with pytest.raises(ScoreError, match=r"^camera: image of 40x8 is too small"):
        score(cell, tmp_path / "out.csv")


def test_damaged_sr_is_named(cell: tuple[Path, Path], tmp_path: Path) -> None:
    path = cell[1].parent / "0of1" / "camera.png"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ImageError, match=r"camera\.png"):
        score(cell, tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected a JSON object, found list"),
        ('{"status": "ok"}', "found no 'images'"),
        ('{"status": "ok", "images": [{"name": "baby", "seconds": 1}]}', "found no 'file'"),
        (
            '{"status": "ok", "images": [{"name": "bird", "file": "x.png", "seconds": 1}]}',
            "image 'bird' is not in",
        ),
        (
            '{"status": "ok", "images": [{"name": "a", "file": "x", "seconds": 1},'
            ' {"name": "a", "file": "y", "seconds": 1}]}',
            "image 'a' twice",
        ),
    ],
)
def test_broken_status(cell: tuple[Path, Path], tmp_path: Path, text: str, message: str) -> None:
    cell[1].write_text(text)
    with pytest.raises((ManifestError, ScoreError), match=re.escape(message)) as caught:
        score(cell, tmp_path / "out.csv")
    assert str(cell[1]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_status(cell: tuple[Path, Path], tmp_path: Path) -> None:
    cell[1].unlink()
    with pytest.raises(ManifestError, match=r"0of1\.json: cannot read: No such file"):
        score(cell, tmp_path / "out.csv")


def test_table_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScoreError, match=r"scores\.csv: cannot write the scores"):
        write_scores(tmp_path / "file" / "scores.csv", [], dataset="d", kernel="k", scale=2, model="m")


def test_written_values_are_rounded_alike(tmp_path: Path) -> None:
    """The last bits of a sum, which differ between machines, do not reach the table."""
    measure = parse_measure("psnr@y-bt601")
    for name, value in (("a", 38.274167937777), ("b", math.nextafter(38.274167937777, 0))):
        path = tmp_path / f"{name}.csv"
        write_scores(path, [Score("x", measure, value)], dataset="d", kernel="k", scale=2, model="m")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


# --- streaming ------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair is asked for only when an earlier one has been used, whatever the reader's speed."""
    asked = used = most = 0

    def pairs() -> Iterator[Pair]:
        nonlocal asked, most
        for index in range(40):
            asked += 1
            most = max(most, asked - used)
            yield Pair(str(index), Path(f"{index}.hr"), Path(f"{index}.sr"))

    monkeypatch.setattr(scoring, "read_image", lambda path: DecodedImage(sample(24, 24)))
    for found in score_pairs(pairs(), 2, Evaluation(["psnr@rgb"], threads=2)):
        assert found.value == math.inf
        used += 1
    assert asked == used == 40
    assert most <= 4


def test_order_is_that_of_the_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_first(path: Path) -> DecodedImage:
        time.sleep(0.05 if path.stem == "0" else 0)
        return DecodedImage(sample(24, 24))

    monkeypatch.setattr(scoring, "read_image", slow_first)
    pairs = [Pair(str(index), Path(f"{index}.hr"), Path(f"{index}.sr")) for index in range(9)]
    done: list[str] = []
    evaluation = Evaluation(["psnr@rgb"], threads=4)
    found = [s.image for s in score_pairs(pairs, 2, evaluation, progress=done.append)]
    assert found == done == [pair.image for pair in pairs]


def test_closing_early_leaves_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "read_image", lambda path: DecodedImage(sample(24, 24)))
    before = threading.active_count()
    pairs = [Pair(str(i), Path("a"), Path("b")) for i in range(50)]
    scores = score_pairs(pairs, 2, Evaluation(["psnr@rgb"], threads=3))
    next(scores)
    scores.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_measures_are_checked_before_anything_is_read() -> None:
    with pytest.raises(ConfigError, match="did you mean 'psnr'"):
        score_pairs([], 2, Evaluation(["psnrr@rgb"]))
    with pytest.raises(ConfigError, match=r"no file for its backbone: 'alexnet.ckpt' of asset 'lpips-b"):
        score_pairs([], 2, Evaluation(["lpips@alex-v0.1"]))


def test_planes_are_prepared_once_per_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    prepare = scoring.prepare

    def counting(hr: Uint8Image, sr: Uint8Image, protocol: str, scale: int) -> object:
        calls.append(protocol)
        return prepare(hr, sr, protocol, scale)

    monkeypatch.setattr(scoring, "prepare", counting)
    monkeypatch.setattr(scoring, "read_image", lambda path: DecodedImage(sample(24, 24)))
    evaluation = Evaluation(["psnr@y-bt601", "psnr@rgb", "ssim@y-bt601"])
    list(score_pairs([Pair("a", Path("a"), Path("b"))], 2, evaluation))
    assert calls == ["y-bt601", "rgb"]


# --- folders --------------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path: Path) -> Callable[[list[str], list[str]], tuple[Path, Path]]:
    def make(hr: list[str], sr: list[str]) -> tuple[Path, Path]:
        for folder, names in (("HR", hr), ("SR", sr)):
            for name in names:
                write_png(tmp_path / folder / name, sample(24, 24))
        return tmp_path / "HR", tmp_path / "SR"

    return make


@pytest.mark.parametrize(
    ("hr", "sr"),
    [
        ("baby.png", "baby.png"),
        ("baby.png", "babyx4.png"),
        ("baby.png", "baby_x4.png"),
        ("baby.png", "baby_4x.png"),
        ("baby.png", "baby_RCAN_x4.png"),
        ("baby.png", "baby_x4_RCAN.png"),
        ("baby.png", "baby_x4_SwinIR-M_x2pretrain.png"),
        ("baby.png", "baby_out.png"),
        ("baby.png", "baby_RealESRGAN_x4plus.png"),
        ("img_001_SRF_4_HR.png", "img_001.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_HR.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_SRCNN.png"),
        ("img_001_HR.png", "img_001_EDSR_x4.png"),
        ("0801.png", "0801x4.png"),
    ],
)
def test_names_that_match(
    folders: Callable[[list[str], list[str]], tuple[Path, Path]], hr: str, sr: str
) -> None:
    (found,) = match_folders(*folders([hr], [sr]), 4)
    assert (found.hr_path.name, found.sr_path.name) == (hr, sr)
    assert found.image == re.sub(r"(_SRF_4)?_HR$", "", Path(hr).stem)


def test_matching_is_in_natural_order_and_by_the_longest_name(
    folders: Callable[[list[str], list[str]], tuple[Path, Path]],
) -> None:
    hr, sr = folders(
        ["img.png", "img_2.png", "img_10.png"],
        ["img_10_x4.png", "img_2_M_x4.png", "img_M_x4.png", "img_M_x2.png"],
    )
    assert [(p.image, p.sr_path.name) for p in match_folders(hr, sr, 4)] == [
        ("img", "img_M_x4.png"),
        ("img_2", "img_2_M_x4.png"),
        ("img_10", "img_10_x4.png"),
    ]


def test_lr_beside_marked_hr_is_left_out(
    folders: Callable[[list[str], list[str]], tuple[Path, Path]],
) -> None:
    hr, sr = folders(["img_001_SRF_4_HR.png", "img_001_SRF_4_LR.png"], ["img_001_x4.png"])
    assert [p.hr_path.name for p in match_folders(hr, sr, 4)] == ["img_001_SRF_4_HR.png"]


@pytest.mark.parametrize(
    ("hr", "sr", "message"),
    [
        (["a.png", "b.png"], ["a.png"], r"b\.png: no SR image for scale 4 in .*SR"),
        (["a.png"], ["a.png", "c.png"], r"c\.png: no HR image of that name in .*HR"),
        (["a.png"], ["a_M_x4.png", "a_N_x4.png"], r"a\.png: 2 SR images in .*: a_M_x4\.png, a_N_x4\.png"),
        (["a.png"], ["a_x2.png"], r"a\.png: no SR image for scale 4"),
        (["a.png", "a.bmp"], ["a.png"], r"a\.\w+ and a\.\w+ are both HR of 'a'"),
        (["baby.png"], ["babyface.png"], r"babyface\.png: no HR image"),
        ([], ["a.png"], "HR"),
    ],
)
def test_names_that_do_not_match(
    folders: Callable[[list[str], list[str]], tuple[Path, Path]], hr: list[str], sr: list[str], message: str
) -> None:
    with pytest.raises((ScoreError, ImageError), match=message):
        match_folders(*folders(hr, sr), 4)


def test_a_folder_is_not_scored_against_itself(
    folders: Callable[[list[str], list[str]], tuple[Path, Path]],
) -> None:
    hr, _ = folders(["a.png"], [])
    with pytest.raises(ScoreError, match="HR and SR are the same folder"):
        match_folders(hr, hr / ".." / "HR", 4)


def test_folders(tmp_path: Path) -> None:
    images = {"a": sample(42, 50, 1), "b": sample(40, 48, 2)}
    for name, image in images.items():
        write_png(tmp_path / "Mine" / f"{name}.png", image)
        write_png(tmp_path / "Net" / f"{name}_Net_x4.png", degraded(image))
    out = tmp_path / "scores.csv"
    found = score_folders(tmp_path / "Mine", tmp_path / "Net", 4, Evaluation(MEASURES, threads=2), out)
    assert ",".join(found.table.columns) == HEADER
    assert found.matches() == ["a.png <- a_Net_x4.png", "b.png <- b_Net_x4.png"]
    assert set(found.table["dataset"]) == {"Mine"}
    assert set(found.table["model"]) == {"Net"}
    expected = np.mean([psnr(i[:40, :48], degraded(i), "y-bt601", 4) for i in images.values()])
    assert found.means["psnr@y-bt601"] == pytest.approx(expected)
    assert len(out.read_text().splitlines()) == 1 + 2 * len(MEASURES)
    text = str(found)
    assert "mean of 2 images:" in text
    assert f"{expected:.2f} dB" in text


@pytest.mark.parametrize("size", [(40, 48), (42, 50)])
def test_sr_of_the_cropped_or_the_whole_hr_is_fine(tmp_path: Path, size: tuple[int, int]) -> None:
    image = sample(42, 50)
    write_png(tmp_path / "hr" / "a.png", image)
    write_png(tmp_path / "sr" / "a.png", image[: size[0], : size[1]])
    found = score_folders(tmp_path / "hr", tmp_path / "sr", 4, Evaluation(["psnr@rgb"]))
    assert found.means == {"psnr@rgb": math.inf}


def test_other_sizes_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    write_png(tmp_path / "hr" / "a.png", sample(42, 50))
    write_png(tmp_path / "sr" / "a.png", sample(20, 24))
    out = tmp_path / "out.csv"
    with pytest.raises(ScoreError, match=re.escape("a: expected SR of 48x40")) as caught:
        score_folders(tmp_path / "hr", tmp_path / "sr", 4, Evaluation(MEASURES), out)
    assert "found 24x20" in str(caught.value)
    assert not out.exists()


# --- LPIPS among the measures ---------------------------------------------------------------------------


def test_lpips_rows_stand_where_the_measure_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network runs in the calling thread, on the pair as compared: HR cropped to the scale."""
    seen: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []

    def fake(hr: Uint8Image, sr: Uint8Image) -> float:
        seen.append((threading.current_thread().name, hr.shape, sr.shape))
        return 0.25

    monkeypatch.setattr(scoring, "scorer_of", lambda *_: fake)
    monkeypatch.setattr(
        scoring,
        "read_image",
        lambda path: DecodedImage(sample(25, 27) if path.name == "hr" else sample(24, 26)),
    )
    measures = ["psnr@rgb", "lpips@alex-v0.1", "ssim@rgb"]
    pairs = [Pair(n, Path("hr"), Path("sr")) for n in "ab"]
    found = list(score_pairs(pairs, 2, Evaluation(measures, threads=2)))
    assert [(s.image, s.measure.id) for s in found] == [(name, key) for name in "ab" for key in measures]
    assert [s.value for s in found if s.measure.metric == "lpips"] == [0.25, 0.25]
    assert seen == [(threading.current_thread().name, (24, 26, 3), (24, 26, 3))] * 2


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        # RCAN's MATLAB log for these files
        (2, ("38.2742", "0.9614")),
        (4, ("32.6336", "0.9002")),
    ],
)
def test_published_folders(scale: int, expected: tuple[str, str]) -> None:
    root = os.environ.get("SISR_MIRROR")
    if not root:
        pytest.skip("SISR_MIRROR does not name a folder with the published images")
    github = Path(root) / "raw.githubusercontent.com"
    (hr,) = github.glob("zhaohengyuan1/PAN/*/datasets/Set5/HR")
    (sr,) = github.glob(f"yulunzhang/RCAN/*/RCAN_TestCode/SR/BI/RCAN/Set5/x{scale}")
    found = score_folders(hr, sr, scale, Evaluation(["psnr@y-bt601", "ssim@y-bt601"], threads=2))
    assert found.matches()[0] == f"baby.png <- baby_RCAN_x{scale}.png"
    assert (f"{found.means['psnr@y-bt601']:.4f}", f"{found.means['ssim@y-bt601']:.4f}") == expected
