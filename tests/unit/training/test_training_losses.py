"""Losses against other programs, and training that uses each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sisr.base.images import read_image, write_png
from sisr.data import assets
from sisr.models import archs
from sisr.models.recipes import Recipe
from sisr.models.weights import load_into, read_state_dict
from sisr.scoring.metrics.perceptual import LpipsScorer
from sisr.training import curves
from sisr.training.losses import LpipsLoss, Vgg16Loss
from sisr.training.sessions import psnr_y
from sisr.training.train import Inputs, train
from skimage import data
from torch import Tensor, nn

Make = Callable[..., Recipe]
RRDB = {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 4, "num_block": 1, "num_grow_ch": 2}


@pytest.fixture(scope="module")
def features(resources: Path) -> dict[str, Path]:
    """AlexNet and VGG16, fetched by pip once a session."""
    return assets.fetch("lpips-backbones", resources, progress=False).paths()


@pytest.fixture(scope="module")
def pair() -> tuple[Tensor, Tensor]:
    """An image and a noisy copy, float32 on [0, 1]."""
    hr = torch.from_numpy(data.astronaut()[100:164, 200:264].copy()).permute(2, 0, 1)[None] / 255
    noise = torch.randn(hr.shape, generator=torch.Generator().manual_seed(0))
    return hr, (hr + 0.05 * noise).clamp(0, 1)


def test_vgg16_loss_equals_torchvision_s_network(
    features: dict[str, Path], pair: tuple[Tensor, Tensor]
) -> None:
    """torchvision's vgg16().features, cut before the ReLU of conv2_2 (layer 7) and conv3_3 (layer 14)."""
    from sisr.models.compat import prepare_torchvision
    from sisr.scoring.metrics.lpips_backbone import read_backbone

    prepare_torchvision()
    from torchvision.models import vgg16

    with torch.device("meta"):
        reference = vgg16(weights=None).features
    arrays = read_backbone("vgg", features["vgg16.ckpt"])
    state = dict(zip(reference.state_dict(), map(torch.from_numpy, arrays), strict=True))
    reference.load_state_dict(state, assign=True)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    hr, sr = ((image - mean) / deviation for image in pair)
    for layer in reference:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    expected = 0.0
    for weight, cut in ((1.0, 8), (0.5, 15)):
        expected += weight * float((reference[:cut](hr) - reference[:cut](sr)).detach().abs().mean())
    loss = Vgg16Loss(str(features["vgg16.ckpt"]), {"conv2_2": 1.0, "conv3_3": 0.5}, loss_weight=0.1)
    found, style = loss(pair[1], pair[0])
    assert style is None
    assert float(found) == pytest.approx(0.1 * expected, rel=1e-5)


def test_lpips_loss_is_lpips_and_has_a_gradient(
    features: dict[str, Path], pair: tuple[Tensor, Tensor]
) -> None:
    hr, sr = pair
    asked = sr.clone().requires_grad_()
    loss, _ = LpipsLoss(str(features["alexnet.ckpt"]), "alex", loss_weight=2)(asked, hr)
    loss.backward()
    assert float(asked.grad.abs().sum()) > 0
    eight_bits = [(255 * image[0].permute(1, 2, 0)).round().to(torch.uint8).numpy() for image in pair]
    score = LpipsScorer("alex", features["alexnet.ckpt"])(*eight_bits)
    assert float(loss.detach()) == pytest.approx(2 * score, rel=0.02)  # of 8 bits


def test_psnr_of_the_validation_is_the_protocol_s() -> None:
    """Mean squared error of 4 on the luma of a gray image, 10 log10(255^2 / 4)."""
    hr = np.full((1, 20, 20), 100.0)
    sr = hr + 2
    sr[:, :4] = 0  # the border does not count
    assert psnr_y(hr, sr, 4) == pytest.approx(42.1102, abs=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "rgb", "arch": "basicsr:RRDBNet", "args": RRDB, "loss": "l1"},
        {"loss": "charbonnier"},
        {"arch": "srcnn", "pre_upscale": "matlab-bicubic"},
        {"arch": "vdsr", "pre_upscale": "matlab-bicubic"},
        {"arch": "fsrcnn"},
        {"perceptual": {"features": "lpips-alex", "weight": 0.1}, "patch": 16},
        {
            "colour": "rgb",
            "arch": "srgan",
            "perceptual": {"features": "vgg16", "weight": 0.1},
            "adversarial": {"kind": "vanilla", "weight": 0.1, "width": 4},
        },
        {
            "colour": "rgb",
            "arch": "edge-informed",
            "args": {"blocks": 1},
            "adversarial": {"kind": "vanilla", "weight": 0.1, "width": 4},
            "edges": 1.0,
        },
        {
            "patch": 64,
            "adversarial": {"kind": "vanilla", "weight": 0.1, "width": 2, "discriminator": "vgg"},
        },
    ],
    ids=lambda changes: changes.get("arch", "espcn") + "".join(f"-{key}" for key in changes if key != "arch"),
)
def test_every_method_and_loss_trains(
    recipe: Make, inputs: Inputs, tmp_path: Path, features: dict[str, Path], changes: dict
) -> None:
    """Four iterations; the weights are those of the architecture, and every loss is in the curves."""
    if "patch" in changes:
        for path in inputs.assets["x"].values():
            pixels = read_image(path).array
            write_png(path, np.tile(pixels, (3, 2) if pixels.ndim == 2 else (3, 2, 1)))
    out = tmp_path / "w.safetensors"
    made = recipe(iterations=4, interval=2, validation={"data": ["v"]}, **changes)
    here = Inputs({**inputs.assets, "lpips-backbones": features})
    train(made, 2, here, out, progress=False)
    network = archs.build(made.arch, 2, **made.args)
    load_into(network, read_state_dict(out, "safetensors"), out)
    row = curves.read_csv(out.with_suffix(".csv"))[-1]
    assert 5 < row["psnr_y"] < 60
    prefix = "l_g_" if made.adversarial else "l_"
    assert f"{prefix}pix" in row
    assert (f"{prefix}percep" in row) == (made.perceptual is not None)
    assert ("l_d_real" in row) == (made.adversarial is not None)
    if made.edges:
        fresh = torch.manual_seed(0) and archs.build(made.arch, 2, **made.args)
        moved = [
            not torch.equal(one, other)
            for (name, one), other in zip(
                fresh.state_dict().items(), network.state_dict().values(), strict=True
            )
            if name.startswith("edges.") and name.endswith("original")
        ]
        assert moved
        assert all(moved)
