"""Images and tables that all studies share."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from sisr.base.errors import StudyError
from sisr.base.images import write_png
from sisr.studies import common, findings_text
from sisr.studies.common import StudyRow


def test_images_are_middles_whose_sides_fit_all_scales(tmp_path: Path) -> None:
    sizes = {"small": (119, 300), "gray": (200, 130), "large": (400, 500)}
    entries = []
    for name, (height, width) in sizes.items():
        pixels = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
        write_png(tmp_path / f"{name}.png", pixels)
        size = {"height": height, "width": width, "channels": 1}
        entries.append({"name": name, "file": f"{name}.png", **size})
    manifest = tmp_path / "set.json"
    manifest.write_text(json.dumps({"dataset": "set", "images": entries}))
    found = common.read_images(manifest, 5, 192)
    assert [(p.name, p.rgb.shape) for p in found] == [("gray", (192, 120, 3)), ("large", (192, 192, 3))]
    assert 16 / 255 <= found[0].luma.min() <= found[0].luma.max() <= 235 / 255
    entries[1:] = []
    manifest.write_text(json.dumps({"dataset": "set", "images": entries}))
    with pytest.raises(StudyError, match="no image of at least 120x120"):
        common.read_images(manifest, 5, 192)


def test_psnr_clips_what_was_found_and_leaves_the_border_out() -> None:
    truth = np.full((20, 20), 0.5)
    found = truth + 0.1
    found[0] = 9.0
    assert common.psnr(truth, found, 1) == pytest.approx(20.0)
    assert common.psnr(truth, truth) == math.inf
    assert common.psnr(np.ones((4, 4)), np.full((4, 4), 1.5)) == math.inf


def test_curves_are_means_over_images() -> None:
    rows = [
        StudyRow("part", p, "m", "x", at, "y", v)
        for p, at, v in (("a", 2, 1.0), ("b", 2, 3.0), ("a", 1, 5.0))
    ]
    at, value = common.curve(rows, part="part")
    assert (at.tolist(), value.tolist()) == ([1.0, 2.0], [5.0, 2.0])
    with pytest.raises(ValueError, match="no row"):
        common.mean(rows, part="other")
    assert common.to_csv(rows[:1]) == "part,image,method,parameter,at,measure,value\npart,a,m,x,2,y,1\n"


def test_findings_are_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    assert findings_text(path) == ""
    common.write([], ["On img_1, *best* wins.", "By |3| dB."], tmp_path / "study.csv", path)
    assert findings_text(path) == r"On img\_1\, \*best\* wins\. By \|3\| dB\."
