"""Rows whose weights the tests cannot have: files made here with their true names, shapes and wrappers.

Each goes through what the row's own file would go through, and the image must be what the class that the
names and shapes come from makes of it.  That class is another implementation where there is one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from row_files import FILES, RGB, load_made, made_network
from sisr.base import registry
from sisr.base.errors import ModelError, ModelUnavailable
from sisr.models import archs, model_entries
from sisr.upscaling import engines


@pytest.fixture(autouse=True)
def quiet(recwarn: pytest.WarningsRecorder) -> None:
    """Libraries warn about their own use of torch."""


@pytest.mark.parametrize(("row", "scale"), FILES, ids=[f"{row}-x{scale}" for row, scale in FILES])
def test_file_of_a_row_is_loaded_and_run(row: str, scale: int, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    network = made_network(row, scale, path)
    model = replace(model_entries.get(row), unavailable=None)
    loaded = load_made(row, scale, path)

    lr = np.random.default_rng(1).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    assert min(lr.shape[:2]) >= loaded.minimum_size
    assert all(side % loaded.multiple_of == 0 for side in lr.shape[:2])
    if model.colour == "y":
        lr = lr[..., :1]
    source = torch.from_numpy(lr.transpose(2, 0, 1).astype(np.float32) / 255)[None]
    sr = engines.load(model, scale, {"state": path})(lr.squeeze())
    with torch.inference_mode():
        if loaded.enlarge_first:
            from sisr.lr.kernels.matlab import imresize

            planes = imresize(source[0].permute(1, 2, 0).numpy(), scale)
            source = torch.from_numpy(np.atleast_3d(planes).transpose(2, 0, 1).copy())[None].float()
        expected = (
            network(source.clone())[0].permute(1, 2, 0).mul(255).round().clamp(0, 255).numpy().squeeze()
        )
        before = source.clone()
        loaded.module(source)
        assert torch.equal(source, before), "the network writes into its input"
    assert sr.shape == (16 * scale, 24 * scale, 3)[: sr.ndim]
    assert sr.ndim == (2 if model.colour == "y" else 3)
    assert len(np.unique(sr)) > 20
    assert np.abs(sr.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    "row", [row for row, entry in registry.load("models").items() if entry.get("engine") == "torch"]
)
def test_a_row_says_what_it_is(row: str) -> None:
    entry = registry.load("models")[row]
    for key in ("paper", "licence", "input_range", "params", "tags"):
        assert key in entry, key
    assert entry["params"].keys() <= {"arch", "args", "format", "pre_upscale"}
    assert entry.get("weights") or (entry.get("unavailable") and entry.get("scales"))


# At the larger of its scales; the numbers of the papers beside them.
@pytest.mark.parametrize(
    ("row", "scale", "stated"),
    [
        ("edsr-baseline", 4, 1.52e6),  # EDSR-PyTorch: 1.5M
        ("edsr", 4, 43.1e6),  # EDSR, table 1: 43M
        ("carn-m", 4, 412e3),
        ("imdn", 4, 715e3),
        ("pan", 4, 272e3),
        ("rfdn", 4, 433e3),
        ("rlfn", 4, 543e3),
        ("rlfn-ntire", 4, 317e3),
        ("efdn", 4, 276e3),
        ("srcnn", 4, 57184),
        ("smfanet", 4, 197e3),
        ("smfanet-plus", 4, 496e3),
        ("plainusr", 4, 333_108),
        ("plainusr-u", 4, 19_820),
        ("spanf", 4, 148_288),
        ("span-28", 4, 0.151e6),  # NTIRE 2026, the baseline
        ("disp", 4, 163_792),
        ("srresnet", 4, 1_517_571),  # NTIRE 2020 efficient SR, the baseline MSRResNet
    ],
)
def test_parameters_of_a_row(row: str, scale: int, stated: float) -> None:
    entry = registry.load("models")[row]
    with torch.device("meta"):
        network = archs.build(entry["params"]["arch"], scale, **entry["params"].get("args", {}))
    count = sum(p.numel() for p in network.parameters())
    assert entry["parameters"] == count
    assert count == pytest.approx(stated, rel=0.01)


def test_spsr_has_the_size_of_its_authors_file() -> None:
    """spsr.pth has 99,541,339 bytes: the tensors, one layer twice, and what torch < 1.6 needs for a name."""
    with torch.device("meta"):
        state = archs.build("spsr", 4).state_dict()
    tensors = 4 * sum(tensor.numel() for tensor in state.values())
    # RRDB_ESRGAN_x4.pth was saved by the same code: 66,952,991 bytes, 702 names, 16,697,987 numbers.
    per_name = (66_952_991 - 4 * 16_697_987) / 702
    assert (99_541_339 - tensors) / len(state) == pytest.approx(per_name, rel=0.05)


def test_edge_informed_says_why_it_cannot_run_and_what_it_is() -> None:
    model = model_entries.get("edge-informed-sr")
    with pytest.raises(ModelUnavailable, match="never released"):
        engines.load(model, 4, {})
    for scale in (2, 4):
        network = archs.build("edge-informed", scale).eval()
        side = max(network.minimum_size, 8)
        assert side % network.multiple_of == 0
        with torch.inference_mode():
            sr = network(torch.rand(1, 3, side, side))
        assert sr.shape == (1, 3, scale * side, scale * side)
        assert sr.min() > 0
        assert sr.max() < 1


def test_another_scale_and_colour_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x2.pth"
    torch.save(archs.build("basicsr:RRDBNet", 2, num_feat=8, num_block=1, **RGB).state_dict(), path)
    row = model_entries.get("esrgan")
    with pytest.raises(ModelError, match=r"x2\.pth: ESRGAN x2, expected x4"):
        engines.load(row, 4, {"state": path})
    gray = archs.build("basicsr:RRDBNet", 4, num_in_ch=1, num_out_ch=1, num_feat=8, num_block=1)
    torch.save(gray.state_dict(), path)
    with pytest.raises(ModelError, match="takes 1 channels and gives 1, expected 3"):
        engines.load(row, 4, {"state": path})
    torch.save({"a.weight": torch.ones(2)}, path)
    with pytest.raises(ModelError, match=r"no architecture of spandrel has tensors like 'a\.weight'"):
        engines.load(row, 4, {"state": path})
