"""Every PyTorch row in the inference engine: images of any size, tiles, little memory.

The weights are the published ones where the mirror has them; else those of a file made here with the row's
true names and shapes, or of an untrained network where there is no file at all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from row_files import FILES, load_made, made_network
from sisr.base import registry
from sisr.data.assets import fetch
from sisr.models import archs, model_entries
from sisr.upscaling import networks
from sisr.upscaling.inference.options import MINIMUM_TILE, Options
from sisr.upscaling.inference.runner import Runner
from sisr.upscaling.networks import Network

#: Rows of nothing but convolutions and what acts on single pixels; the rest look at the whole image, or
#: stretch what they pooled over it.
CONVOLUTIONAL = {
    "srcnn": 4, "fsrcnn": 2, "espcn": 4, "vdsr": 2, "lapsrn": 4, "srresnet": 4, "srgan": 4,
    "edsr-baseline": 4, "carn-m": 2, "fsrcnn-291": 4, "espcn-291": 2, "study-start": 4, "study-l1": 4,
    "study-mse": 4, "study-perceptual": 4, "study-gan": 4, "pan": 4,
    "plainusr-u": 4, "spanf": 4,
}  # fmt: skip
#: Those of the same kind that are large or look hundreds of pixels far: images of one line, or a test would
#: take minutes.
DEEP = {
    "edsr": 2, "rrdb": 4, "esrgan": 4, "bsrgan": 4, "realesrgan-x4plus": 4, "realesrgan-rrdb": 4,
    "realesrgan-x2plus": 2, "spsr": 4,
}  # fmt: skip
#: Of the same architecture as others, with other weights.
REPEATED = {"esrgan", "bsrgan", "realesrgan-x4plus", "realesrgan-rrdb"}
OTHERS = {
    "rcan": 2, "imdn": 4, "rfdn": 4, "rlfn": 4, "rlfn-ntire": 4, "efdn": 4, "swinir-light": 2,
    "swinir": 4, "swinir-real": 4, "hat": 4, "dat": 2, "dat-light": 4,
    "edge-informed-sr": 2, "smfanet": 4, "smfanet-plus": 4, "plainusr": 4,
    # On noise their sums differ by their rounding beyond what the tests allow between tiles.
    "span-28": 4, "disp": 4,
}  # fmt: skip
#: Rows that end in linear layers, which run as one convolution.
MERGED = {"edsr-baseline", "edsr", "rcan", "swinir", "hat", "dat"}
PUBLISHED = (
    *("vdsr", "lapsrn", "srgan", "carn-m", "imdn", "pan", "rfdn", "rlfn", "rlfn-ntire", "efdn"),
    *("smfanet", "plainusr", "plainusr-u", "spanf", "span-28", "disp"),
)
TILES = (32, 64, 128, 256, 512)


def rows(*groups: dict[str, int]) -> list[object]:
    found = [(row, scale) for group in groups for row, scale in group.items()]
    return [
        pytest.param(
            row,
            scale,
            id=f"{row}-x{scale}",
            marks=[pytest.mark.mirror] * (row in PUBLISHED) + [pytest.mark.slow] * (row in DEEP),
        )
        for row, scale in found
    ]


@pytest.fixture(autouse=True)
def quiet(recwarn: pytest.WarningsRecorder) -> None:
    """Libraries warn about their own use of torch."""


@pytest.fixture
def net(row: str, scale: int, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    path = tmp_path / "weights.pth"
    if (row, scale) in FILES:
        made_network(row, scale, path)
        yield load_made(row, scale, path)
        path.unlink()
    elif row in PUBLISHED:
        model = model_entries.get(row)
        weights = model.weights_for(scale)
        assert weights is not None
        manifest = fetch(
            str(weights.asset),
            request.getfixturevalue("resources"),
            mirror=request.getfixturevalue("mirror"),
            progress=False,
        )
        yield networks.load(model, scale, {role: manifest.path(n) for role, n in weights.files.items()})
    else:
        params = model_entries.get(row).params
        module = archs.build(params["arch"], scale, **params.get("args", {})).eval().requires_grad_(False)
        colour = model_entries.get(row).colour
        least, multiple = (getattr(module, name, 1) for name in ("minimum_size", "multiple_of"))
        yield Network(module, scale, 1 if colour == "y" else 3, 1, False, row, least, multiple)


def sample(net: Network, height: int, width: int) -> np.ndarray:
    values = np.random.default_rng(height * 1000 + width).random((net.channels, height, width))
    return values.astype(np.float32) * np.float32(net.peak)


def test_no_row_is_forgotten() -> None:
    torch_rows = {row for row, entry in registry.load("models").items() if entry.get("engine") == "torch"}
    assert {*CONVOLUTIONAL, *DEEP, *OTHERS} == torch_rows


@pytest.mark.parametrize(("row", "scale"), rows(CONVOLUTIONAL, DEEP, OTHERS))
def test_images_of_any_size(net: Network, row: str) -> None:
    """One pixel, a few, one column; what is too small is reflected, and what was added is cut off."""
    import torch

    runner = Runner(net)
    assert (runner._plain is not net.module) == (row in MERGED)
    for height, width in ((1, 1), (3, 7), (19, 1), (8, 11)):
        planes = sample(net, height, width)
        found = runner.run(planes)
        assert found.shape == (net.channels, height * net.scale, width * net.scale)
        assert np.isfinite(found).all()
        if net.enlarge_first:
            continue
        sides = [max(side, net.minimum_size) for side in (height, width)]
        sides = [side + -side % net.multiple_of for side in sides]
        more = [(0, side - had) for side, had in zip(sides, (height, width), strict=True)]
        with torch.inference_mode():
            padded = torch.from_numpy(np.pad(planes, ((0, 0), *more), "reflect"))[None]
            expected = net.module(padded)[0, :, : height * net.scale, : width * net.scale]
        assert np.abs(found - expected.numpy()).max() <= 1e-5 * max(1.0, np.ptp(found))


@pytest.mark.parametrize(
    ("row", "scale"), rows(CONVOLUTIONAL, {row: scale for row, scale in DEEP.items() if row not in REPEATED})
)
def test_tiled_is_whole(net: Network, row: str) -> None:
    """At odd sizes.  Each image is so wide that its first tile cannot see the last columns."""
    plain = Runner(net)
    assert isinstance(plain.reach, int)
    # Of a network that looks far, each small tile costs as much as the whole image.
    tried = TILES[-1:] if row in DEEP else TILES
    factor = net.scale if net.enlarge_first else 1
    for tile in tried:
        width = (tile + plain.reach + 45) // factor | 1
        height = 1 if row in DEEP else 37 // factor | 1 if tile == TILES[0] else 3
        planes = sample(net, height, width)
        whole, runner = plain.run(planes), Runner(net, Options(tile=tile))
        found = runner.run(planes)
        allowed = 1e-5 * max(1.0, float(np.ptp(whole)))
        assert np.abs(found - whole).max() <= allowed, tile
        assert 0 <= runner.seam_error <= allowed
        assert f"tiles of {tile} pixels; the network looks {plain.reach} pixels far" in runner.summary()[-1]


@pytest.mark.parametrize(("row", "scale"), rows(CONVOLUTIONAL))
def test_little_memory_gives_the_same_pixels(net: Network) -> None:
    """A limit that the smallest tile just fits into, and an image of at least twice that."""
    plain = Runner(net)
    assert plain.model is not None
    factor = net.scale if net.enlarge_first else 1
    side = MINIMUM_TILE + 2 * plain.context
    height = next(h for h in range(5, 999, 2) if plain.model.bytes(h * factor, side) >= 1 << 20)
    limit = math.ceil(plain.model.bytes(height * factor, side) / (1 << 20))
    width = 2 * side // factor | 1
    while plain.model.bytes(height * factor, width * factor) <= limit << 20:
        width += 2
    planes = sample(net, height, width)
    limited = Runner(net, Options(memory_mib=limit))
    whole = plain.run(planes)
    assert np.abs(limited.run(planes) - whole).max() <= 1e-5 * max(1.0, float(np.ptp(whole)))
    assert limited.summary()[0] == f"memory_mib {limit}"
    assert "tiles of" in limited.summary()[-1]
