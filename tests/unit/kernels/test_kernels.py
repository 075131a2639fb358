"""The registry of kernels and the kernels of OpenCV and Pillow."""

from __future__ import annotations

import inspect
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from PIL import Image
from sisr import kernels, registry
from sisr.errors import ConfigError, ImageError

RNG = np.random.default_rng(5)
KERNELS = sorted(registry.load("kernels"))
HR = RNG.integers(0, 256, (48, 96, 3), dtype=np.uint8)


@pytest.fixture
def own_registry(tmp_path: Path) -> Path:
    """A config folder whose one kernel, ``mine``, tests rewrite."""
    entry = {**registry.entry("kernels", "matlab-bicubic"), "label": "Mine"}
    write(tmp_path, entry)
    return tmp_path


def write(folder: Path, entry: dict[str, object]) -> None:
    (folder / "kernels.yaml").write_text(yaml.safe_dump({"mine": entry}))


# --- the registry ---------------------------------------------------------------------------------------


def test_every_function_of_the_registry_exists_and_is_used() -> None:
    named = {entry["function"] for entry in registry.load("kernels").values()}
    assert named == set(kernels.FUNCTIONS)
    for name in named:
        assert "border" in inspect.signature(kernels.resolve(name)).parameters


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("hr", [HR, HR[..., 0]], ids=["rgb", "gray"])
def test_size_type_and_repeatability(kernel: str, scale: int, hr: np.ndarray) -> None:
    lr = kernels.apply(kernel, hr, scale)
    assert lr.dtype == np.uint8
    assert lr.shape == (48 // scale, 96 // scale, *hr.shape[2:])
    assert np.array_equal(lr, kernels.apply(kernel, hr.copy(), scale))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_constant_stays_constant(kernel: str, value: int) -> None:
    assert (kernels.apply(kernel, np.full((32, 32), value, np.uint8), 4) == value).all()


@pytest.mark.parametrize("kernel", [k for k in KERNELS if k != "opencv-nearest"])
@pytest.mark.parametrize("scale", [2, 4])
def test_flipping_and_downsampling_commute(kernel: str, scale: int) -> None:
    lr = kernels.apply(kernel, HR, scale).astype(int)
    for axis in (0, 1):
        flipped = kernels.apply(kernel, np.flip(HR, axis).copy(), scale).astype(int)
        # OpenCV and Pillow round their integer weights, so that taps of one distance may differ by one
        assert np.abs(np.flip(flipped, axis) - lr).max() <= (0 if kernel.startswith("matlab") else 1)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_phase_is_as_the_registry_says(kernel: str, scale: int) -> None:
    # On a ramp whose value is its position, an LR sample's value is where it lies.
    ramp = np.tile(np.arange(240, dtype=np.uint8), (240, 1))
    centres = (np.arange(240 // scale) + 0.5) * scale - 0.5
    inside = np.s_[240 // scale // 2, 4:-4]
    down, right = kernels.phase(registry.entry("kernels", kernel), scale)
    for hr, phase in ((ramp, right), (ramp.T.copy(), down)):
        lr = kernels.apply(kernel, hr, scale)
        found = (lr if hr is ramp else lr.T)[inside] - centres[4:-4]
        assert np.abs(found - phase).max() <= 0.5  # a centre between two samples is rounded
        assert len(set(found)) == 1


# --- against the programs -------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_kernels_of_libraries_are_the_libraries(scale: int) -> None:
    size = (96 // scale, 48 // scale)
    for name, flag in {
        "nearest": cv2.INTER_NEAREST,
        "linear": cv2.INTER_LINEAR,
        "cubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
        "lanczos4": cv2.INTER_LANCZOS4,
    }.items():
        expected = cv2.resize(HR, size, interpolation=flag)
        assert np.array_equal(kernels.apply(f"opencv-{name}", HR, scale), expected)
    for name in ("bicubic", "lanczos"):
        expected = np.asarray(Image.fromarray(HR).resize(size, Image.Resampling[name.upper()]))
        assert np.array_equal(kernels.apply(f"pillow-{name}", HR, scale), expected)


def test_what_opencv_reads() -> None:
    assert np.array_equal(kernels.apply("opencv-nearest", HR, 4), HR[::4, ::4])
    blocks = HR.reshape(12, 4, 24, 4, 3).astype(int)
    area = np.abs(kernels.apply("opencv-area", HR, 4) - blocks.mean(axis=(1, 3)))
    linear = np.abs(kernels.apply("opencv-linear", HR, 4) - blocks[:, 1:3, :, 1:3].mean(axis=(1, 3)))
    assert area.max() <= 0.5
    assert linear.max() <= 0.5


def test_pillow_is_close_to_matlab_and_opencv_is_not() -> None:
    def distance(kernel: str) -> float:
        lr, matlab = (kernels.apply(k, HR, 4).astype(int)[2:-2, 2:-2] for k in (kernel, "matlab-bicubic"))
        return float(np.abs(lr - matlab).max())

    assert distance("pillow-bicubic") <= 1
    assert distance("opencv-cubic") > 50


# --- errors ---------------------------------------------------------------------------------------------


def test_unknown_kernel() -> None:
    with pytest.raises(ConfigError, match="unknown kernel 'matlab-bicubik'; did you mean 'matlab-bicubic'"):
        kernels.apply("matlab-bicubik", HR, 2)


def test_sides_must_be_multiples_of_the_scale() -> None:
    with pytest.raises(ImageError, match="expected sides that are multiples of 5, found 96x48"):
        kernels.apply("matlab-bicubic", HR, 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"function": "matlab-imresise"}, "unknown kernel function .* did you mean 'matlab-imresize'"),
        ({"params": {"kernle": "cubic"}}, "kernel 'mine': matlab-imresize: .*'kernle'"),
        ({"params": {"kernel": "cubik"}}, "unknown kernel 'cubik'"),
        ({"border": "renormalise"}, "unknown border 'renormalise'"),
        ({"function": "opencv-resize", "params": {"interpolation": "linear"}}, "has no choice of border"),
        ({"function": "opencv-resize", "params": {"interpolation": "liner"}}, "unknown OpenCV interpolation"),
        ({"function": "pillow-resize", "params": {"interpolation": "cubic"}}, "unknown Pillow interpolation"),
        ({"bordr": "mirror"}, "mine: unknown key 'bordr'; did you mean 'border'"),
        ({"phase": {"x2": [0, 0]}}, "mine.phase"),
    ],
)
def test_entries_that_are_wrong(own_registry: Path, change: dict[str, object], message: str) -> None:
    write(own_registry, {**registry.entry("kernels", "matlab-bicubic"), **change})
    with pytest.raises(ConfigError, match=message) as caught:
        kernels.apply("mine", HR, 2, config=own_registry)
    assert "\n" not in str(caught.value)


# --- random kernels -------------------------------------------------------------------------------------


def noisy(hr: np.ndarray, scale: int, *, border: str, rng: np.random.Generator) -> np.ndarray:
    """A random kernel for the tests: nearest neighbour at a random place of each block."""
    down, right = rng.integers(0, scale, 2)
    return hr[down::scale, right::scale]


def test_random_kernels_draw_from_their_key(own_registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kernels.FUNCTIONS, "noisy", f"{__name__}:noisy")
    entry = {**registry.entry("kernels", "matlab-bicubic"), "function": "noisy", "random": True, "params": {}}
    write(own_registry, entry)
    made = {key: kernels.apply("mine", HR, 4, key, own_registry) for key in map(str, range(8))}
    assert np.array_equal(made["3"], kernels.apply("mine", HR, 4, "3", own_registry))
    assert len({lr.tobytes() for lr in made.values()}) > 1
    with pytest.raises(ConfigError, match="kernel 'mine' is random: expected a key"):
        kernels.apply("mine", HR, 4, config=own_registry)
