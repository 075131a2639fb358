"""Values by block: what any part of an image is made of."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sisr.base.atomic import write_json
from sisr.base.cells import Cell
from sisr.scoring import blocks
from sisr.scoring.metrics import parse_measures
from sisr.scoring.score import Evaluation, localised, score_cell


def areas(height: int, width: int) -> np.ndarray:
    """Pixels of each block."""
    return blocks.sums(np.ones((height, width)), 0, height, width)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 30), st.integers(1, 30), st.integers(0, 9))
def test_a_map_keeps_its_mean(height: int, width: int, rows: int, columns: int, seed: int) -> None:
    values = np.random.default_rng(seed).random((rows, columns))
    spread = blocks.spread(values, height, width)
    pixels = areas(height, width)
    assert spread.shape == pixels.shape
    assert (spread * pixels).sum() / (height * width) == pytest.approx(values.mean())


def test_a_map_of_one_value_a_block_stays_as_it_is() -> None:
    values = np.random.default_rng(0).random((3, 2))
    assert blocks.spread(values, 48, 32) == pytest.approx(values)


def test_encoded_values_are_float32_row_by_row() -> None:
    values = np.array([[0.5, 1.0], [2.0, -3.0]])
    assert np.frombuffer(base64.b64decode(blocks.encode(values)), "<f4").tolist() == [0.5, 1.0, 2.0, -3.0]


def test_lpips_by_block_is_the_lpips_of_the_table(lpips_backbones: dict[str, Path]) -> None:
    perceptual = pytest.importorskip("sisr.scoring.metrics.perceptual")
    scorer = perceptual.LpipsScorer("alex", lpips_backbones["alex"])
    rng = np.random.default_rng(4)
    hr = rng.integers(0, 256, (75, 130, 3), dtype=np.uint8)
    sr = hr.copy()
    sr[:, 100:] = rng.integers(0, 256, sr[:, 100:].shape, dtype=np.uint8)
    value, parts = scorer.by_block(hr, sr)
    assert value == scorer(hr, sr)
    assert (parts * areas(75, 130)).sum() / (75 * 130) == pytest.approx(value, rel=1e-6)
    # Far from the pixels that differ, nothing does.
    assert parts[:, 7:].mean() > 100 * parts[:, :2].mean()


def test_other_measures_have_no_parts() -> None:
    assert localised(parse_measures(["psnr@rgb"])) is None
    both = parse_measures(["psnr@rgb", "lpips@vgg-v0.1", "lpips@alex-v0.1"])
    assert localised(both) == both[1]


def test_cell_writes_its_parts(tmp_path: Path, lpips_backbones: dict[str, Path]) -> None:
    """LPIPS of an image follows from its blocks, as the viewer computes it."""
    images = {
        name: np.random.default_rng(seed).integers(0, 256, (40, 56, 3), dtype=np.uint8)
        for seed, name in enumerate(("hr", "sr"))
    }
    for name, image in images.items():
        Image.fromarray(image).save(tmp_path / f"{name}.png")
        images = [{"name": 'a "b"', "file": f"{name}.png", "seconds": 0.5}]
        write_json(tmp_path / f"{name}.json", {"status": "ok", "images": images})
    score_cell(
        Cell("d", "k", 4, "m"), tmp_path / "hr.json", tmp_path / "sr.json",
        Evaluation(
            ["psnr@rgb", "lpips@alex-v0.1"], {"lpips-backbones/alexnet.ckpt": lpips_backbones["alex"]}
        ),
        tmp_path / "s.csv", parts=tmp_path / "p.json",
    )  # fmt: skip
    document = json.loads((tmp_path / "p.json").read_text())
    assert document["measure"] == "lpips@alex-v0.1"
    found = np.frombuffer(base64.b64decode(document["images"]['a "b"']), "<f4").reshape(3, 4)
    with (tmp_path / "s.csv").open() as stream:
        [value] = [float(row["value"]) for row in csv.DictReader(stream) if row["metric"] == "lpips"]
    assert (found * areas(40, 56)).sum() / (40 * 56) == pytest.approx(value, abs=1e-6)
