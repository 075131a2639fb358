"""A model of one's own from a file: one entry, and its cells run, run again, and are recorded."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
import torch
from sisr.models import archs
from tiny_project import CONFIG, SCORES, Project, rows

pytestmark = pytest.mark.workflow


def save_network(path: Path, seed: int) -> None:
    torch.manual_seed(seed)
    torch.save({"params": archs.build("espcn", 2).state_dict()}, path)


def test_one_entry_with_a_path(project: Project) -> None:
    network = project.root / "mine.pth"
    save_network(network, 0)
    project.register("models", {"mine": {"label": "Mine", "path": "mine.pth"}})
    project.register("models", {"mine+": {"label": "Mine+", "base": "mine", "modifiers": ["self-ensemble"]}})
    suite = {
        "datasets": ["tiny"],
        "kernels": ["matlab-bicubic"],
        "scales": [2, 4],
        "models": ["mine", "mine+"],
    }
    project.configure({**CONFIG, "suites": {"own": suite}})
    provenance = "results/tiny/provenance.json"

    run = project.run("--", SCORES, provenance)
    assert run.status == 0, run.output
    scores = rows(project.read(SCORES))
    assert {(row["model"], row["scale"]) for row in scores} == {("mine", "2"), ("mine+", "2")}
    assert len({row["value"] for row in scores if row["image"] == "chelsea"}) == 4
    status = json.loads(project.read("results/tiny/sr/tiny/matlab-bicubic/x4/mine/0of1.json"))
    assert (status["status"], status["reason"]) == ("skipped", "Mine is espcn x2, not x4")
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    assert json.loads(project.read(provenance))["own_files"] == {"mine.pth": digest}

    os.utime(network)
    assert "upscale" not in project.run("--dry-run", "--", SCORES).jobs, "the same content"
    before = network.stat()
    save_network(network, 1)
    os.utime(network, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert project.run("--dry-run", "--", SCORES).jobs["upscale"] == 4, "another content, of the same time"

    network.unlink()
    run = project.run("--dry-run", "--", SCORES)
    assert run.errors == {"config/models.yaml: mine: mine.pth: no such file"}


def test_a_class_of_a_file(project: Project) -> None:
    """Its cells run again when a file that it imports changes; a mistake in it costs nobody else a row."""
    text = "from torch import nn\nfrom .block import Up\n\n\nclass Net(nn.Sequential):\n"
    text += "    def __init__(self, upscale):\n        assert upscale < 4, 'not for x4'\n"
    text += "        super().__init__(Up(scale_factor=upscale))\n"
    (project.root / "nets").mkdir()
    (project.root / "nets/net.py").write_text(text)
    block = project.root / "nets/block.py"
    block.write_text("from torch import nn\n\nUp = nn.UpsamplingNearest2d\n")
    project.register("models", {"net": {"label": "Net", "python": "nets/net.py:Net"}})
    suite = {
        "datasets": ["tiny"],
        "kernels": ["matlab-bicubic"],
        "scales": [2, 4],
        "models": ["nearest", "net"],
    }
    project.configure({**CONFIG, "suites": {"own": suite}})

    run = project.run("--", SCORES)
    assert run.status == 0, run.output
    scores = rows(project.read(SCORES))
    assert {(row["model"], row["scale"]) for row in scores} == {
        ("nearest", "2"),
        ("nearest", "4"),
        ("net", "2"),
    }
    values = {
        (row["model"], row["image"], row["metric"]): row["value"] for row in scores if row["scale"] == "2"
    }
    assert all(values["net", *key[1:]] == value for key, value in values.items())
    status = json.loads(project.read("results/tiny/sr/tiny/matlab-bicubic/x4/net/0of1.json"))
    assert (status["status"], status["reason"]) == (
        "failed",
        "nets/net.py, line 7: AssertionError: not for x4",
    )

    block.write_text(block.read_text() + "# the same, but who knows\n")
    assert project.run("--dry-run", "--", SCORES).jobs["upscale"] == 2
