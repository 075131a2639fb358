"""Which conventions give a printed number: each alone, together, and what can not be told."""

from __future__ import annotations

import json
import math
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sisr.base import registry
from sisr.base.cells import Cell
from sisr.base.errors import ImageError, ScoreError
from sisr.base.images import modcrop, read_image, write_png
from sisr.base.manifest import ListedImage, Manifest, SrImage, SrManifest, relative
from sisr.cli import app
from sisr.commands import benching
from sisr.inquiry import conventions
from sisr.inquiry.explain import Evidence, Explanation, evidence, explain, parse_printed
from sisr.inquiry.search import PrintedNumber
from sisr.run import bench
from sisr.scoring.folders import match_folders
from sisr.scoring.metrics import fidelity
from sisr.scoring.metrics.protocol import FidelityProtocol, fidelity_protocol
from sisr.scoring.score import Evaluation, Pair, score_pairs, write_scores
from sisr.trust import references
from sisr.trust.references import of_cells
from typer.testing import CliRunner

Pixels = NDArray[np.uint8]
RAW = "raw.githubusercontent.com"
SET5 = f"{RAW}/zhaohengyuan1/PAN/4d045d18592c5771cd3990da88f292812774e538/datasets/Set5/HR"
RCAN = f"{RAW}/yulunzhang/RCAN/f722e5d0e1eff45148bfaefd9bc85c6f0f26ce02/RCAN_TestCode/SR/BI/RCAN/Set5"
SCALE = 2


def scene(seed: int, height: int = 45, width: int = 52, gray: bool = False) -> Pixels:
    rng = np.random.default_rng(seed)
    down, right = np.mgrid[:height, :width]
    waves = [np.sin(down / rng.uniform(2, 9) + right / rng.uniform(2, 9) + phase) for phase in range(3)]
    image = np.stack([110 + 50 * wave + 30 * (down > right) for wave in waves], axis=-1)
    image = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    return image[..., 0] if gray else image


def write(folder: Path, names: str = "abc") -> list[Pair]:
    """HR and what a bad model made of it: softer, noisier, a little too dark."""
    rng = np.random.default_rng(9)
    for number, name in enumerate(names):
        hr = scene(number, gray=name == "c")
        cut = modcrop(hr, SCALE).astype(float)
        noise = rng.normal(0, 3 + 2 * number, cut.shape)
        soft = 0.7 * cut + 0.3 * np.roll(cut, 1, axis=0) - 1 + noise
        write_png(folder / f"hr/{name}.png", hr)
        write_png(folder / f"sr/{name}.png", np.clip(soft, 0, 255).astype(np.uint8))
    return match_folders(folder / "hr", folder / "sr", SCALE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explain")


@pytest.fixture(scope="module")
def pairs(folder: Path) -> list[Pair]:
    return write(folder)


@pytest.fixture(scope="module")
def found(pairs: list[Pair]) -> Evidence:
    return evidence(pairs, SCALE)


def of_protocol(pairs: list[Pair], metric: str, name: str | FidelityProtocol) -> float:
    values = []
    for pair in pairs:
        hr, sr = modcrop(read_image(pair.hr_path).array, SCALE), read_image(pair.sr_path).array
        values.append(getattr(fidelity, metric)(hr, sr, name, SCALE))
    return math.fsum(values) / len(values)


def test_every_protocol_of_the_registry_is_a_combination(pairs: list[Pair], found: Evidence) -> None:
    """The numbers put together from components are those that scoring computes."""
    names = [n for n, entry in registry.load("protocols").items() if entry["family"] == "fidelity"]
    assert len(names) > 8
    for name in names:
        rules = fidelity_protocol(name)
        metrics = ["ssim"] if rules.ssim != "gaussian-valid" else ["psnr", "ssim"]
        for metric in metrics:
            value = of_protocol(pairs, metric, name)
            answer = found.answer({metric: PrintedNumber(value, 1e-9)})
            assert answer.fitting, (metric, name)
            assert answer.fitting[0].numbers[metric] == pytest.approx(value, abs=1e-10)
            if name != "lr-rgb":
                assert answer.fitting[0].cost <= 1.0, (name, answer.fitting[0].words())


def test_the_standard_is_told_as_such(pairs: list[Pair], found: Evidence) -> None:
    answer = found.answer(parse_printed(f"{of_protocol(pairs, 'psnr', 'y-bt601'):.2f}", "psnr"))
    assert answer.verdict == "standard"
    assert "under the standard protocol" in answer.sentence()


def test_single_departures_come_first_and_are_told(pairs: list[Pair], found: Evidence) -> None:
    for name, words in (
        ("rgb", "RGB instead of Y"),
        ("y-bt601-nocrop", "no border cut"),
        ("y-bt601-uint8", "Y rounded to 8 bits"),
        ("y-bt601-replicate", "gray images as RGB"),
    ):
        text = f"{of_protocol(pairs, 'psnr', name):.2f}/{of_protocol(pairs, 'ssim', name):.4f}"
        answer = found.answer(parse_printed(text, "psnr"))
        assert answer.fitting[0].words() == words
        assert answer.verdict in ("sure", "likely")
        assert answer.sentence().startswith(
            f"{text.replace('/.', '/0.')} is this set with {words}; under the"
        )


def test_missing_and_repeated_images_and_pooled_error(pairs: list[Pair], found: Evidence) -> None:
    psnr = {p.image: of_protocol([p], "psnr", "y-bt601") for p in pairs}
    missing = found.answer({"psnr": PrintedNumber.of(f"{(psnr['a'] + psnr['c']) / 2:.6f}")})
    assert missing.fitting[0].words() == "without b"
    twice = found.answer({"psnr": PrintedNumber.of(f"{(sum(psnr.values()) + psnr['a']) / 4:.6f}")})
    assert twice.fitting[0].words() == "twice counted: a"
    error = np.mean([10 ** (-value / 10) for value in psnr.values()])
    pooled = found.answer({"psnr": PrintedNumber.of(f"{-10 * math.log10(error):.6f}")})
    assert pooled.fitting[0].words() == "PSNR of the mean squared error of all"


def test_what_nothing_gives_is_not_claimed(found: Evidence) -> None:
    answer = found.answer(parse_printed("61.37", "psnr"))
    assert (answer.verdict, answer.fitting) == ("none", ())
    assert answer.sentence().startswith(f"None of the {answer.tried} combinations tried gives 61.37;")
    assert answer.tried > 1000


def test_numbers_between_are_not_claimed(found: Evidence) -> None:
    """A number that has nothing to do with the set may be given by some combination, which is said."""
    standard = found.answer().standard
    rng = np.random.default_rng(1)
    verdicts = [
        found.answer(parse_printed(f"{standard['psnr'] + off:.2f}", "psnr")).verdict
        for off in rng.uniform(-3, 3, 20)
    ]
    assert "sure" not in verdicts
    assert {"unsure", "none"} & set(verdicts)


def test_values_by_image_tell_what_the_mean_does_not(
    folder: Path, pairs: list[Pair], found: Evidence, tmp_path: Path
) -> None:
    rows = [(p.image, of_protocol([p], "psnr", "yiq-nocrop")) for p in pairs]
    table = tmp_path / "theirs.csv"
    table.write_text("image,psnr\n" + "".join(f"{n}.bmp,{v:.2f}\n" for n, v in rows), encoding="utf-8")
    answer = explain(folder / "hr", folder / "sr", SCALE, per_image=table)
    assert answer.verdict in ("sure", "likely")
    assert len(answer.fitting) == 1
    assert answer.fitting[0].words() == "full-range luma instead of Y on [16, 235]; no border cut"
    table.write_text("nobody,1\n", encoding="utf-8")
    with pytest.raises(ScoreError, match=r"theirs.csv: expected rows of an image's name and a number"):
        explain(folder / "hr", folder / "sr", SCALE, per_image=table)


def test_sizes_that_differ_by_a_crop_and_shifts(tmp_path: Path) -> None:
    hr = scene(4, 64, 64)
    write_png(tmp_path / "hr/a.png", hr)
    write_png(tmp_path / "sr/a.png", np.roll(hr, 1, axis=1)[:60])
    answer = explain(tmp_path / "hr", tmp_path / "sr", SCALE, "99.00")
    assert any("both cut to 64x60" in note for note in answer.notes)
    assert any(
        re.search(r"SR lies [-+]0\.0\d pixels below and \+(0\.9|1\.0)\d right of HR", n) for n in answer.notes
    )
    moved = next(one for one in answer.single if one.words() == "SR moved by 1 pixel left")
    assert moved.numbers["psnr"] > answer.standard["psnr"] + 5
    write_png(tmp_path / "sr/a.png", hr[:20])
    with pytest.raises(ScoreError, match=r"are not of one image"):
        explain(tmp_path / "hr", tmp_path / "sr", SCALE)


def test_the_command_says_it_in_words_and_in_json(folder: Path, pairs: list[Pair]) -> None:
    value = of_protocol(pairs, "psnr", "rgb")
    command = ["explain", str(folder / "hr"), str(folder / "sr"), "--scale", "2", "--printed", f"{value:.2f}"]
    run = CliRunner().invoke(app, [*command, "--json"])
    assert run.exit_code == 0, run.output
    said = json.loads(run.output)
    assert said["fitting"][0]["departures"][0]["words"] == "RGB instead of Y"
    assert said["fitting"][0]["psnr"] == pytest.approx(value, abs=1e-6)
    assert 0 < said["chance"] < 1
    run = CliRunner().invoke(app, [*command[:-1], "a lot"])
    assert (run.exit_code, "expected a number, as 32.21" in run.output) == (1, True)


def test_bench_explains_a_published_value_that_is_missed(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registered model whose published value is the RGB one of its images; the command, but for the run."""
    results = tmp_path / "results/bench-imdn-x2"

    def run(config: Path, cores: int, arguments: Any = ()) -> int:
        hr = [ListedImage(name=p.image, file=relative(p.hr_path, results / "hr/set5.json")) for p in pairs]
        Manifest(path=results / "hr/set5.json", images=hr).write()
        status = results / "sr/set5/matlab-bicubic/x2/imdn/0.json"
        sr = [SrImage(name=p.image, file=relative(p.sr_path, status), seconds=1) for p in pairs]
        SrManifest(path=status, images=sr, status="ok").write()
        scores = score_pairs(pairs, 2, Evaluation(["psnr@y-bt601"]))
        write_scores(results / "scores.csv", scores, **cell._asdict())
        (results / "verdict.txt").write_text("its place\n")
        return 0

    cell = Cell("set5", "matlab-bicubic", 2, "imdn")
    [printed] = [one for one in of_cells([cell]) if one.metric == "psnr"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(benching, "_fetched", lambda datasets, mirror: datasets)
    monkeypatch.setattr(bench, "run", run)
    command = ["bench", "imdn", "--scale", "2", "--dataset", "set5", "--against", "bicubic"]

    said = replace(printed, value=round(of_protocol(pairs, "psnr", "rgb"), 2))
    monkeypatch.setattr(references, "of_cells", lambda cells: [said])
    called = CliRunner().invoke(app, command)
    assert called.exit_code == 0, called.output
    line = called.output.splitlines()[-1]
    assert line.startswith("set5, IMDN in Hui et al., ")
    assert f"{said.value:.2f} is this set with RGB instead of Y; under the standard protocol" in line
    near = replace(printed, value=of_protocol(pairs, "psnr", "y-bt601"))
    monkeypatch.setattr(references, "of_cells", lambda cells: [near])
    assert CliRunner().invoke(app, command).output.rstrip().endswith("its place")


def test_sr_in_another_order_is_paired_by_what_it_shows(tmp_path: Path) -> None:
    """Under names of its own, and under those of other images."""
    rng = np.random.default_rng(3)
    hr = [scene(0, 32, 40), scene(1, 32, 40)[:, ::-1], scene(2, 32, 40)[::-1]]
    sr = [np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8) for image in hr]
    values = [fidelity.psnr(x, y, "y-bt601", SCALE) for x, y in zip(hr, sr, strict=True)]
    for names in ("xyz", "abc"):
        for number, shown in enumerate((1, 0, 2)):
            write_png(tmp_path / "hr" / f"{'abc'[number]}.png", hr[number])
            write_png(tmp_path / names / f"{names[number]}.png", sr[shown])
        answer = explain(tmp_path / "hr", tmp_path / names, SCALE, f"{math.fsum(values) / 3:.4f}")
        assert answer.verdict == "standard"
        assert answer.notes[-1] == "SR images are in another order (2 of 3): paired by what they show"
        assert (answer.notes[0] == "names do not match: paired in their order") == (names == "xyz")
    (tmp_path / "xyz/z.png").unlink()
    with pytest.raises(ImageError):  # which one is missing nobody says
        explain(tmp_path / "hr", tmp_path / "xyz", SCALE)


def test_hr_may_have_been_cropped_at_all_sides(tmp_path: Path) -> None:
    hr = scene(3, 47, 50)  # at x4, 3 rows and 2 columns are too many
    rng = np.random.default_rng(1)
    sr = np.clip(hr[1:45, 1:49] + rng.normal(0, 4, (44, 48, 3)), 0, 255).astype(np.uint8)
    write_png(tmp_path / "hr/a.png", hr)
    write_png(tmp_path / "sr/a.png", sr)
    theirs = fidelity.psnr(hr[1:45, 1:49], sr, "y-bt601", 4)
    answer = explain(tmp_path / "hr", tmp_path / "sr", 4, f"{theirs:.4f}")
    assert answer.fitting[0].words() == "HR cropped at all sides instead of at bottom and right"
    assert answer.fitting[0].numbers["psnr"] == pytest.approx(theirs, abs=1e-9)
    assert answer.standard["psnr"] < theirs - 3


# --- for a release ----------------------------------------------------------------------------------------


def first(answer: Explanation) -> str:
    return answer.fitting[0].words() if answer.fitting else "nothing"


@pytest.fixture(scope="module")
def rcan(mirror: Path) -> Evidence:
    return evidence(match_folders(mirror / SET5, mirror / RCAN / "x4", 4), 4)


@pytest.mark.release
@pytest.mark.parametrize(
    ("printed", "metric", "words"),
    [
        # RCAN's MATLAB log; the other numbers of the same pixels as in docs/protocols.md, "Reference values".
        ("32.63/.9002", "psnr", "the standard protocol"),
        ("32.53", "psnr", "no border cut"),
        ("32.69", "psnr", "a border of 10 pixels cut instead of 4"),
        ("32.61", "psnr", "Y rounded to 8 bits"),
        ("30.70", "psnr", "RGB instead of Y"),
        ("31.21", "psnr", "full-range luma instead of Y on [16, 235]; no border cut"),
        (".8868", "ssim", "full-range luma rounded to 8 bits; no border cut"),
        (
            "31.21/.8868",
            "psnr",
            "full-range luma instead of Y on [16, 235]; no border cut; SSIM of luma rounded to 8 bits",
        ),
        (".9094", "ssim", "scikit-image's 7 x 7 window"),
        (".9124", "ssim", "ssim.m's automatic downsampling"),
    ],
)
def test_numbers_of_rcans_images(rcan: Evidence, printed: str, metric: str, words: str) -> None:
    assert first(rcan.answer(parse_printed(printed, metric))) == words


def bicubic(hr_dir: Path, target: Path, scale: int) -> Path:
    """What the benchmark's bicubic makes: MATLAB's, of MATLAB's LR in 8 bits."""
    from fractions import Fraction

    from sisr.lr.kernels import matlab

    for path in sorted(hr_dir.iterdir()):
        lr = matlab.imresize(modcrop(read_image(path).array, scale), Fraction(1, scale))
        write_png(target / f"{path.stem}.png", np.asarray(matlab.imresize(lr, scale), np.uint8))
    return target


@pytest.mark.release
@pytest.mark.parametrize(
    ("dataset", "scale", "printed", "words"),
    [
        # The bicubic rows of RCAN's tables (Figs/psnr_bi_1.PNG and psnr_bi_2.PNG).
        ("Set5", 2, "33.66/.9299", "bicubic on luma alone, of LR that was not rounded; Y rounded to 8 bits"),
        ("Set5", 3, "30.39/.8682", "bicubic on luma alone, of LR that was not rounded; Y rounded to 8 bits"),
        ("Set5", 4, "28.42/.8104", "bicubic on luma alone, of LR that was not rounded; Y rounded to 8 bits"),
        # RCAN's table has 26.00, tables whose programs read gray as RGB 26.09.
        ("Set14", 4, "26.00", "bicubic on luma alone, of LR that was not rounded"),
        ("Set14", 4, "26.09", "gray images as RGB"),
        ("Set14", 4, "25.99", "the standard protocol"),
        # A separate calculation of MATLAB's pipeline (docs/protocols.md).
        ("Set14", 2, "30.23/.8687", "bicubic on luma alone, of LR that was not rounded; Y rounded to 8 bits"),
    ],
)
def test_printed_bicubic(
    mirror: Path, tmp_path: Path, dataset: str, scale: int, printed: str, words: str
) -> None:
    hr = mirror / SET5.replace("Set5", dataset)
    answer = explain(hr, bicubic(hr, tmp_path, scale), scale, printed)
    assert words in [one.words() for one in answer.fitting[:3]], answer.table()


class Synthetic:
    """Numbers of images under random departures, computed by the metrics themselves."""

    def __init__(self, mirror: Path, folder: Path) -> None:
        import cv2

        hr = mirror / SET5
        bicubic(hr, folder / "bicubic", 4)
        for path in sorted((folder / "bicubic").iterdir()):
            image = read_image(path).array
            write_png(
                folder / "sharp" / path.name, cv2.addWeighted(image, 1.4, cv2.blur(image, (3, 3)), -0.4, 0)
            )
        folders = (mirror / RCAN / "x4", folder / "bicubic", folder / "sharp")
        self.pairs = [match_folders(hr, sr, 4) for sr in folders]
        self.evidence = [evidence(pairs, 4) for pairs in self.pairs]
        names = [pair.image for pair in self.pairs[0]]
        self.axes: dict[str, list[Any]] = {
            "pixels": conventions.variants(),
            "luma": [luma for luma in conventions.LUMA if luma != "bt601"],
            "border": conventions.borders(4)[1:],
            "mean": ["pooled"],
            "peak": [219],
            "images": [(change, name) for change in (-1, 1) for name in names],
        }

    def numbers(self, pairs: list[Pair], chosen: dict[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
        """PSNR and SSIM of the set, and PSNR by image."""
        border = chosen.get("border", 4)
        rules = FidelityProtocol(
            "any", chosen.get("luma", "bt601"), "none", "gaussian-valid", "raw", chosen.get("peak", 255)
        )
        full = FidelityProtocol("any", rules.luma, "none", "gaussian-valid", "raw", 255)
        weights, psnr, ssim = {}, {}, {}
        for pair in pairs:
            sr = read_image(pair.sr_path).array
            hr = modcrop(read_image(pair.hr_path).array, 4)
            if "pixels" in chosen:
                hr, sr = chosen["pixels"].images(hr, sr, 4)
            cut = slice(border, -border or None)
            hr, sr = (np.ascontiguousarray(image[cut, cut]) for image in (hr, sr))
            psnr[pair.image], ssim[pair.image] = fidelity.psnr(hr, sr, rules), fidelity.ssim(hr, sr, full)
            change, name = chosen.get("images", (0, ""))
            weights[pair.image] = 1 + change * (name == pair.image)
        total = sum(weights.values())
        mean = {
            "psnr": sum(weights[name] * psnr[name] for name in psnr) / total,
            "ssim": sum(weights[name] * ssim[name] for name in ssim) / total,
        }
        if "mean" in chosen:
            mean["psnr"] = -10 * math.log10(sum(weights[n] * 10 ** (-psnr[n] / 10) for n in psnr) / total)
        return mean, psnr


@pytest.mark.release
def test_two_hundred_combinations_and_a_hundred_numbers_that_none_gives(mirror: Path, tmp_path: Path) -> None:
    """PSNR to two digits and SSIM to four, as tables print them."""
    suite = Synthetic(mirror, tmp_path)
    rng = random.Random(0)
    ranks = []
    for _ in range(200):
        which = rng.randrange(3)
        axes = rng.sample(list(suite.axes), rng.randint(0, 3))
        mean, _ = suite.numbers(suite.pairs[which], {axis: rng.choice(suite.axes[axis]) for axis in axes})
        answer = suite.evidence[which].answer(parse_printed(f"{mean['psnr']:.2f}/{mean['ssim']:.4f}", "psnr"))
        right = [all(abs(one.numbers[m] - mean[m]) < 1e-7 for m in mean) for one in answer.fitting]
        ranks.append(right.index(True) + 1 if True in right else 999)
    assert sum(rank <= 3 for rank in ranks) >= 190
    assert sum(rank == 1 for rank in ranks) >= 160
    claims = 0
    for _ in range(100):
        which = rng.randrange(3)
        standard = suite.evidence[which].answer().standard
        text = (
            f"{standard['psnr'] + rng.uniform(-3, 3):.2f}/{standard['ssim'] + rng.uniform(-0.05, 0.05):.4f}"
        )
        claims += suite.evidence[which].answer(parse_printed(text, "psnr")).verdict == "sure"
    assert claims == 0
