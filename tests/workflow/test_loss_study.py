"""The loss study at toy length: five trainings, one table, and the figure of the same crops."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from PIL import Image
from tiny_project import Project, rows

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

NETWORK = {"width": 4, "blocks": 1}
LOSSES: dict[str, dict[str, Any]] = {
    "toy-start": {"start": None, "loss": "l1"},
    "toy-l1": {"loss": "l1"},
    "toy-mse": {"loss": "mse"},
    "toy-perceptual": {
        "loss": "l1",
        "perceptual": {"features": "vgg16", "weight": 0.1, "layers": {"conv2_2": 1}},
    },
    "toy-gan": {
        "loss": "l1",
        "perceptual": {"features": "vgg16", "weight": 0.1, "layers": {"conv2_2": 1}},
        "adversarial": {"kind": "relativistic", "weight": 0.1, "width": 4},
    },
}
RECIPE = {
    "arch": "srresnet",
    "args": NETWORK,
    "colour": "rgb",
    "data": ["tiny-train"],
    "kernel": "matlab-bicubic",
    "patch": 8,
    "batch": 2,
    "iterations": 4,
    "interval": 2,
    "learning_rate": 0.001,
    "start": "toy-start",
}
CONFIG: dict[str, Any] = {
    "name": "study",
    "device": "cpu",
    "suites": {
        "losses": {
            "datasets": ["tiny"],
            "kernels": ["matlab-bicubic"],
            "scales": [4],
            "models": ["bicubic", *(name for name in LOSSES if name != "toy-start")],
        }
    },
    "metrics": ["psnr@y-bt601", "ssim@y-bt601", "lpips@alex-v0.1"],
    "certify": "none",
    "loss_study": {
        "networks": {"toy-l1": "without GAN", "toy-gan": "with GAN"},
        "regions": {"tiny": {"chelsea": [[0, 0, 40, 30]]}},
    },
}


def test_loss_study_end_to_end(project: Project) -> None:
    for name, changes in LOSSES.items():
        recipe = {key: value for key, value in {**RECIPE, **changes}.items() if value is not None}
        (project.root / f"config/training/{name}.yaml").write_text(yaml.safe_dump(recipe))
        entry = {
            "label": name,
            "engine": "torch",
            "params": {"arch": "srresnet", "args": NETWORK, "format": "safetensors"},
            "weights": {4: {"recipe": name}},
            "licence": "none",
            "trained_on": ["tiny-train"],
        }
        project.register("models", {name: entry})
    project.configure(CONFIG)
    run = project.run("--", "loss_study")
    assert run.status == 0, run.output
    assert run.jobs["train_model"] == 5
    table = {row["model"]: row for row in rows(project.read("results/study/tables/x4.csv"))}
    assert list(table) == CONFIG["suites"]["losses"]["models"]
    for row in table.values():
        assert 5 < float(row["psnr@y-bt601"]) < 60
        assert 0 < float(row["ssim@y-bt601"]) < 1
        assert 0 < float(row["lpips@alex-v0.1"]) < 1.5
    assert len({row["lpips@alex-v0.1"] for row in table.values()}) == 5  # four losses, four networks
    header = project.read("resources/trained/toy-gan/x4.csv").splitlines()[0]
    assert header.endswith("l_d_fake,l_d_real,l_g_gan,l_g_percep,l_g_pix,out_d_fake,out_d_real")
    figure = Image.open(project.root / "results/study/figures/loss_study_x4.png")
    assert figure.width > 1000
    for name in ("curves_x4.svg", "perception_distortion_x4.svg"):
        assert (project.root / "results/study/figures" / name).stat().st_size > 10_000
