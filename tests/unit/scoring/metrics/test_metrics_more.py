"""MS-SSIM, DISTS, NIQE and registration, beside the programs that others use for them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sisr.base.colour import BT601, Uint8Image, replicate
from sisr.base.errors import ConfigError, ModelError, ScoreError
from sisr.data import assets
from sisr.lr.kernels.matlab import imresize
from sisr.models import compat
from sisr.scoring.metrics import parse_measure
from sisr.scoring.metrics.fidelity import ms_ssim_of, prepare, shift_down_of, shift_of, shift_right_of
from sisr.scoring.metrics.files import assets_of
from sisr.scoring.metrics.registration import displacement

Pairs = Callable[..., tuple[Uint8Image, Uint8Image]]
Get = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def get(resources: Path) -> Get:
    """A file of an asset that pip can fetch."""

    def fetch(asset: str, name: str) -> Path:
        return assets.fetch(asset, resources, progress=False).path(name)

    return fetch


@pytest.fixture(scope="module")
def photo() -> Uint8Image:
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[:400, :400])


# --- MS-SSIM ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(176, 192), (256, 208)])
@pytest.mark.parametrize("protocol", ["y-bt601", "rgb"])
def test_ms_ssim_equals_piq(pair: Pairs, height: int, width: int, protocol: str) -> None:
    """Where all sides stay even: piq pads odd ones at the top, msssim.m at the bottom."""
    torch = pytest.importorskip("torch")
    compat.prepare_torchvision()
    piq = pytest.importorskip("piq")
    prepared = prepare(*pair(height + 8, width + 8, noise=60), protocol, 4)
    x, y = (torch.from_numpy(planes[None] / 255) for planes in (prepared.hr, prepared.sr))
    expected = float(piq.multi_scale_ssim(x, y, data_range=1.0))
    assert ms_ssim_of(prepared) == pytest.approx(expected, abs=1e-8)
    assert expected < 0.995


def test_ms_ssim_of_odd_sides_mirrors_the_last_row(pair: Pairs) -> None:
    hr, sr = pair(177, 175)
    even = [np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="symmetric") for image in (hr, sr)]
    odd = ms_ssim_of(prepare(hr, sr, "y-bt601", 1))
    assert odd == pytest.approx(ms_ssim_of(prepare(*even, "y-bt601", 1)), abs=1e-3)
    assert ms_ssim_of(prepare(hr, hr, "y-bt601", 1)) == pytest.approx(1, abs=1e-12)


def test_ms_ssim_needs_five_scales(pair: Pairs) -> None:
    with pytest.raises(ScoreError, match="MS-SSIM needs at least 161x161 pixels, found 200x160 after"):
        ms_ssim_of(prepare(*pair(162, 202), "y-bt601", 1))


# --- registration ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [(0, 0), (3, -2), (-0.5, 1.25), (1.5, 1.5)])
def test_known_displacement_is_found(photo: Uint8Image, moved: tuple[float, float]) -> None:
    """A shift by the Fourier theorem, which is exact for any fraction of a pixel."""
    plane = BT601.of(photo)
    rows, columns = (np.fft.fftfreq(side) for side in plane.shape)
    phase = np.exp(-2j * np.pi * (moved[0] * rows[:, None] + moved[1] * columns))
    shifted = np.fft.ifft2(np.fft.fft2(plane) * phase).real
    assert displacement(plane, shifted) == pytest.approx(moved, abs=0.03)


@pytest.mark.parametrize(("first", "expected"), [(0, 1.5), (2, -0.5)])
def test_phase_of_subsampling_is_found(photo: Uint8Image, first: int, expected: float) -> None:
    """hr[::4] takes pixels 1.5 above the centre of their block, so that SR lies 1.5 below HR."""
    sr = imresize(np.ascontiguousarray(photo[first::4, first::4]), 4)
    prepared = prepare(photo, sr, "y-bt601", 4)
    down, right = shift_down_of(prepared), shift_right_of(prepared)
    assert (down, right) == pytest.approx((expected, expected), abs=0.12)
    assert shift_of(prepared) == math.hypot(down, right)


def test_flat_images_have_no_place(pair: Pairs) -> None:
    hr, sr = pair(60, 60)
    with pytest.raises(ScoreError, match="registration: SR is flat after the crop"):
        shift_of(prepare(hr, np.full_like(sr, 7), "y-bt601", 2))


# --- DISTS -----------------------------------------------------------------------------------------------


def test_dists_equals_its_package(get: Get, pair: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    compat.prepare_torchvision()
    module = pytest.importorskip("DISTS_pytorch.DISTS_pt")
    from sisr.scoring.metrics.dists import DistsScorer
    from sisr.scoring.metrics.lpips_backbone import read_backbone

    backbone, weights = get("lpips-backbones", "vgg16.ckpt"), get("dists-weights", "weights.pt")
    arrays = [torch.from_numpy(array) for array in read_backbone("vgg", backbone)]
    layers: list[torch.nn.Module] = []
    for index, (weight, bias) in enumerate(zip(arrays[::2], arrays[1::2], strict=True)):
        convolution = torch.nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        convolution.weight.data, convolution.bias.data = weight, bias
        layers += [convolution, torch.nn.ReLU(), *([torch.nn.MaxPool2d(2)] if index in (1, 3, 6, 9) else [])]
    vgg = SimpleNamespace(features=torch.nn.Sequential(*layers))
    monkeypatch.setattr(module.models, "vgg16", lambda pretrained: vgg)
    package = module.DISTS(load_weights=False)
    state = torch.load(weights, weights_only=True)
    package.alpha.data, package.beta.data = state["alpha"], state["beta"]

    scorer = DistsScorer(backbone, weights)
    for channels in (3, None):
        hr, sr = pair(75, 64, channels=channels, noise=40)
        x, y = (
            torch.tensor(replicate(image)).permute(2, 0, 1)[None].to(torch.float32) / 255
            for image in (hr, sr)
        )
        assert scorer(hr, sr) == pytest.approx(package(x, y).item(), abs=1e-5)
        assert scorer(hr, sr) > 0.01
        assert scorer(hr, hr) == 0


def test_dists_refuses_what_does_not_fit(get: Get, pair: Pairs, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from sisr.scoring.metrics.dists import DistsScorer

    backbone, weights = get("lpips-backbones", "vgg16.ckpt"), get("dists-weights", "weights.pt")
    with pytest.raises(ScoreError, match="image of 40x15 is too small: DISTS needs 16x16"):
        DistsScorer(backbone, weights)(*pair(15, 40))
    with pytest.raises(ModelError, match=re.escape(f"{backbone}: not a torch file")):
        DistsScorer(backbone, backbone)
    with pytest.raises(ModelError, match="cannot read the weights"):
        DistsScorer(backbone, tmp_path / "none.pt")


# --- NIQE ------------------------------------------------------------------------------------------------


def test_niqe_equals_basicsr(get: Get, photo: Uint8Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its docstring: within 2e-6 of the authors' MATLAB on baboon.png.

    It works in float32, in which the deviation of nearly flat blocks is off by up to 0.06, and the value of
    an image with such blocks by 0.01: so it is given float64 here.  Its resize is float32 in any case.
    """
    compat.prepare_torchvision()
    module = pytest.importorskip("basicsr.metrics.niqe")
    from sisr.scoring.metrics.niqe import NiqeScorer

    path = get("niqe-parameters", "niqe_pris_params.npz")
    with np.load(path) as file:
        parameters = [file[key] for key in ("mu_pris_param", "cov_pris_param", "gaussian_window")]
    plane = np.floor(BT601.of(photo) + 0.5)[4:-4, 4:-4]
    value = NiqeScorer(path, "y-bt601-uint8", 4)(photo, photo)
    # With its float32 half-size image; with the same one, all digits.
    assert value == pytest.approx(module.niqe(plane, *parameters), abs=2e-4)
    monkeypatch.setattr(module, "imresize", lambda image, scale, antialiasing: imresize(image, scale))
    assert value == pytest.approx(module.niqe(plane, *parameters), abs=1e-12)
    assert value == pytest.approx(module.calculate_niqe(photo[..., ::-1], 4), abs=0.02)


def test_niqe_does_not_look_at_hr(get: Get, photo: Uint8Image, pair: Pairs) -> None:
    from sisr.scoring.metrics.niqe import NiqeScorer

    scorer = NiqeScorer(get("niqe-parameters", "niqe_pris_params.npz"), "y-bt601-uint8", 2)
    hr, noisy = pair(400, 400, noise=50)
    assert scorer(hr, photo) == scorer(photo, photo)
    assert scorer(photo, noisy) > scorer(photo, photo)


def test_niqe_needs_two_blocks_and_its_parameters(get: Get, photo: Uint8Image, tmp_path: Path) -> None:
    from sisr.scoring.metrics.niqe import NiqeScorer

    path = get("niqe-parameters", "niqe_pris_params.npz")
    with pytest.raises(ScoreError, match="NIQE needs two blocks of 96x96 pixels, found 182x182 after the"):
        NiqeScorer(path, "y-bt601-uint8", 4)(photo[:190, :190], photo[:190, :190])
    np.savez(tmp_path / "other.npz", mu=np.zeros(3))
    with pytest.raises(ModelError, match=re.escape(f"{tmp_path / 'other.npz'}: not the parameters of NIQE")):
        NiqeScorer(tmp_path / "other.npz", "y-bt601-uint8", 4)


# --- the registry ----------------------------------------------------------------------------------------


def test_assets_of_measures() -> None:
    measures = ["psnr@rgb", "dists@vgg16-v0.1", "niqe@y-bt601-uint8", "lpips@vgg-v0.1"]
    assert assets_of(measures) == ["lpips-backbones", "dists-weights", "niqe-parameters"]


def test_unavailable_metric_is_refused_with_its_reason() -> None:
    with pytest.raises(ConfigError, match="'pi@y-bt601-uint8': pi is unavailable: it is half of Ma's"):
        parse_measure("pi@y-bt601-uint8")
