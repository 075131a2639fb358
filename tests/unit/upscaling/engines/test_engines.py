"""Engines: one interface for gray and colour, sizes, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sisr.base.errors import ConfigError, ModelError, ModelSkipped, ModelUnavailable
from sisr.lr.kernels.matlab import imresize
from sisr.models import archs, model_entries
from sisr.upscaling import engines
from sisr.upscaling.engines.luma import upscale_luma

INTERPOLATION = ["nearest", "bilinear", "bicubic", "lanczos"]


def sample(height: int, width: int, colour: bool, seed: int = 0) -> np.ndarray:
    shape = (height, width, 3) if colour else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def espcn(tmp_path: Path) -> Callable[[int], dict[str, Path]]:
    """Weights of an untrained ESPCN."""

    def make(scale: int) -> dict[str, Path]:
        torch.manual_seed(0)
        path = tmp_path / f"espcn_x{scale}.safetensors"
        save_file(archs.build("espcn", scale).state_dict(), path)
        return {"state": path}

    return make


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("model", INTERPOLATION)
def test_interpolation_keeps_constants_and_sizes(model: str, scale: int, colour: bool) -> None:
    upscaler = engines.load(model_entries.get(model), scale, {})
    lr = np.full((5, 7, 3) if colour else (5, 7), 137, np.uint8)
    sr = upscaler(lr)
    assert sr.shape == (5 * scale, 7 * scale, *lr.shape[2:])
    assert sr.dtype == np.uint8
    assert (sr == 137).all()


@pytest.mark.parametrize("model", INTERPOLATION)
def test_interpolation_has_no_preferred_direction(model: str) -> None:
    """A sampling grid that is half a pixel off would not commute with a flip."""
    upscaler = engines.load(model_entries.get(model), 4, {})
    lr = sample(9, 12, colour=False)
    for axis in (0, 1):
        assert np.array_equal(np.flip(upscaler(lr), axis), upscaler(np.ascontiguousarray(np.flip(lr, axis))))


def test_nearest_repeats_pixels() -> None:
    lr = sample(4, 5, colour=True)
    sr = engines.load(model_entries.get("nearest"), 3, {})(lr)
    assert np.array_equal(sr, lr.repeat(3, axis=0).repeat(3, axis=1))


@pytest.mark.parametrize("model", ["bilinear", "lanczos"])
def test_pillow_methods_are_pillows(model: str) -> None:
    lr = sample(6, 8, colour=True)
    method = {"bilinear": Image.Resampling.BILINEAR, "lanczos": Image.Resampling.LANCZOS}[model]
    expected = np.asarray(Image.fromarray(lr).resize((16, 12), method))
    assert np.array_equal(engines.load(model_entries.get(model), 2, {})(lr), expected)


def test_luma_network_leaves_chroma_to_bicubic() -> None:
    """With bicubic as its network, the luma path must be bicubic of the whole colour image.

    Exact up to 8-bit rounding: imresize of uint8 rounds and clips between its passes, the float path does
    not, so a smooth image without saturation is compared with a tolerance of one level.
    """
    rows, columns = np.mgrid[0:12, 0:10]
    lr = np.stack([90 + 4 * rows, 120 + 3 * columns, 100 + rows + columns], axis=2).astype(np.uint8)
    sr = upscale_luma(lr, 2, lambda plane: imresize(plane, 2))
    assert np.abs(sr.astype(int) - imresize(lr, 2)).max() <= 1


@pytest.mark.parametrize("colour", [True, False])
def test_torch_luma_network(espcn: Callable[[int], dict[str, Path]], colour: bool) -> None:
    upscaler = engines.load(model_entries.get("espcn"), 2, espcn(2))
    lr = sample(11, 7, colour)
    sr = upscaler(lr)
    assert sr.shape == (22, 14, *lr.shape[2:])
    assert np.array_equal(sr, upscaler(lr))


def test_torch_result_does_not_depend_on_threads(espcn: Callable[[int], dict[str, Path]]) -> None:
    lr = sample(64, 48, colour=True)
    one, two = (engines.load(model_entries.get("espcn"), 4, espcn(4), threads=n)(lr) for n in (1, 2))
    assert np.array_equal(one, two)


def test_weights_of_another_scale_are_refused(espcn: Callable[[int], dict[str, Path]]) -> None:
    with pytest.raises(ModelError, match=r"subpixel\.weight"):
        engines.load(model_entries.get("espcn"), 2, espcn(4))


def test_nan_is_an_error_not_a_black_image(tmp_path: Path) -> None:
    state = archs.build("espcn", 2).state_dict()
    state["subpixel.bias"] = torch.full_like(state["subpixel.bias"], float("nan"))
    path = tmp_path / "nan.safetensors"
    save_file(state, path)
    with pytest.raises(ModelError, match="not finite"):
        engines.load(model_entries.get("espcn"), 2, {"state": path})(sample(8, 8, colour=False))


def test_a_scale_without_weights_is_skipped() -> None:
    with pytest.raises(ModelSkipped, match="Real-ESRGAN has weights for x4 only, not for x2"):
        engines.load(model_entries.get("realesrgan"), 2, {})


def test_what_nobody_has_is_unavailable() -> None:
    model = model_entries.parse(
        "x", {"label": "X", "engine": "torch", "licence": "none", "unavailable": "never released"}
    )
    with pytest.raises(ModelUnavailable, match="never released"):
        engines.load(model, 2, {})


@pytest.mark.parametrize(
    ("engine", "params", "files"),
    [
        ("opencv", {"name": "espcn"}, {"graph": "x.pb"}),
        ("ncnn", {"input": "data", "output": "output"}, {"param": "x.param", "bin": "x.bin"}),
        ("torch", {"arch": "espcn", "format": "safetensors"}, {"state": "x.safetensors"}),
    ],
)
def test_foreign_files_are_named(
    engine: str, params: dict[str, str], files: dict[str, str], tmp_path: Path
) -> None:
    paths = {role: tmp_path / name for role, name in files.items()}
    for path in paths.values():
        path.write_bytes(b"not a network")
    model = model_entries.parse("x", {"label": "X", "engine": engine, "licence": "none", "params": params})
    with pytest.raises(ModelError, match=str(tmp_path)) as caught:
        engines.load(model, 2, paths)
    assert "\n" not in str(caught.value)


def test_unknown_method_and_architecture_get_a_hint(tmp_path: Path) -> None:
    entry = {
        "label": "X",
        "engine": "interpolation",
        "licence": "none",
        "params": {"method": "pillow-lanczoz"},
    }
    with pytest.raises(ConfigError, match="did you mean 'pillow-lanczos'"):
        engines.load(model_entries.parse("x", entry), 2, {})
    with pytest.raises(ConfigError, match="did you mean 'espcn'"):
        archs.build("espn", 2)


def test_every_registered_model_can_be_parsed() -> None:
    from sisr.base import registry

    assets = registry.load("assets")
    for model_id in registry.load("models"):
        model = model_entries.get(model_id)
        assert model.engine in model_entries.ENGINES
        for weights in model.weights.values():
            assert weights.recipe or weights.asset in assets
            names = (
                {entry["name"] for entry in assets[weights.asset].get("files", [])}
                if weights.asset
                else set()
            )
            assert set(weights.files.values()) <= names
