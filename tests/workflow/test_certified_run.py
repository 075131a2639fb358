"""Certification in a run: the table is written, a number that is off ends the run and is named."""

from __future__ import annotations

import pytest
import yaml
from tiny_project import Project, rows

pytestmark = pytest.mark.workflow

RESULT = "results/tiny/certified.txt"


def anchor(expected: float, asset: str) -> dict[str, object]:
    return {
        "label": "Off by 1",
        "kind": "edited",
        "tier": "quick",
        "source": "the definition",
        "given_by": "calculation",
        "asset": asset,
        "file": "train.png" if asset == "tiny-train" else "gone.safetensors",
        "edit": "flip-last-bit",
        "scale": 2,
        "values": [{"measure": "psnr@rgb", "expected": expected, "tolerance": 1e-6}],
    }


def set_anchors(project: Project, **anchors: dict[str, object]) -> None:
    (project.root / "config/anchors.yaml").write_text(yaml.safe_dump(anchors))


def test_what_is_off_is_named_and_the_table_stays(project: Project) -> None:
    set_anchors(
        project, right=anchor(48.130804, "tiny-train"), off=anchor(48.2, "tiny-train"), away=anchor(1, "gone")
    )
    run = project.run("--config", "certify=quick", "--", RESULT)
    assert run.status == 1
    assert run.errors == {
        "certification failed: off (psnr@rgb: expected 48.2 within 0.000001, found 48.13080361)"
    }
    found = {row["anchor"]: row for row in rows(project.read("results/tiny/certification.csv"))}
    assert {name: row["status"] for name, row in found.items()} == {
        "right": "pass",
        "off": "fail",
        "away": "not run",
    }
    assert "gone.safetensors could not be fetched" in found["away"]["reason"]
    assert "1 FAILED: off" in project.read("results/tiny/certification.html")
    assert not (project.root / RESULT).exists()

    set_anchors(project, right=anchor(48.130804, "tiny-train"))
    run = project.run("--config", "certify=quick", "--", RESULT)
    assert run.status == 0, run.output
    assert run.jobs == {"certify": 1, "certified": 1}
    assert project.read(RESULT) == (
        "1 of 1 reference values (1 anchors) were computed again within their tolerance: "
        "1 of 1 of separate calculations.\n"
    )
