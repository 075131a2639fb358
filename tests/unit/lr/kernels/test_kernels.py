"""The registry of kernels and the kernels of OpenCV and Pillow."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import yaml
from sisr.base import registry
from sisr.base.errors import ConfigError, ImageError
from sisr.lr import kernels

RNG = np.random.default_rng(5)
ENTRIES = registry.load("kernels")
#: Every kernel at every scale that it is defined at, of the four in use.
DEFINED = [
    (kernel, scale)
    for kernel, entry in ENTRIES.items()
    for scale in (2, 3, 4, 8)
    if str(scale) in entry.get("per_scale", str(scale))
]
#: Kernels that are sums of HR pixels, up to rounding.
LINEAR = [kernel for kernel in ENTRIES if not kernel.startswith(("dn", "jpeg", "bsrgan", "realesrgan"))]
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
    named = {entry["function"] for entry in ENTRIES.values()}
    assert named == set(kernels.FUNCTIONS) - {"psf-subsample"}  # which needs a file of the user's
    for name in kernels.FUNCTIONS:
        assert "border" in inspect.signature(kernels.resolve(name)).parameters


def test_random_entries_are_those_whose_function_draws() -> None:
    for kernel, entry in ENTRIES.items():
        draws = "rng" in inspect.signature(kernels.resolve(entry["function"])).parameters
        assert entry.get("random", False) == draws, kernel


def test_labels_are_distinct() -> None:
    labels = [entry["label"] for entry in ENTRIES.values()]
    assert len(set(labels)) == len(labels)


def test_phase_is_given_for_every_scale_that_is_defined() -> None:
    for kernel, entry in ENTRIES.items():
        assert set(entry["phase"]) == set(entry.get("per_scale", ("2", "3", "4", "8"))), kernel


@pytest.mark.parametrize(("kernel", "scale"), DEFINED)
@pytest.mark.parametrize("hr", [HR, HR[..., 0]], ids=["rgb", "gray"])
def test_size_type_and_repeatability(kernel: str, scale: int, hr: np.ndarray) -> None:
    lr = kernels.apply(kernel, hr, scale, "key")
    assert lr.dtype == np.uint8
    assert lr.shape == (48 // scale, 96 // scale, *hr.shape[2:])
    assert np.array_equal(lr, kernels.apply(kernel, hr.copy(), scale, "key"))


@pytest.mark.parametrize(("kernel", "scale"), [pair for pair in DEFINED if pair[0] in LINEAR])
def test_phase_is_as_the_registry_says(kernel: str, scale: int) -> None:
    # On a ramp whose value is twice its position, an LR sample's value is twice where it lies: a whole
    # number, since LR samples lie on HR pixels or midway between two, so that rounding plays no part.
    ramp = np.tile(2 * np.arange(120, dtype=np.uint8), (120, 1))
    centres = (np.arange(120 // scale) + 0.5) * scale - 0.5
    margin = min(8, 120 // scale // 3)
    inside = np.s_[margin:-margin]
    down, right = kernels.phase(ENTRIES[kernel], scale)
    for axis, phase in ((0, down), (1, right)):
        lr = kernels.apply(kernel, ramp.T.copy() if axis == 0 else ramp, scale, "key")
        found = (lr / 2).mean(axis=1 - axis)[inside] - centres[inside]
        assert found == pytest.approx(np.full(len(found), phase), abs=1e-12)


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


def test_what_is_said_of_a_kernel_and_of_none(config_copy: Path) -> None:
    assert kernels.described("given") == {"label": "no kernel (as given)", "source": "the dataset"}
    assert kernels.described("matlab-bicubic") is registry.entry("kernels", "matlab-bicubic")
    path = config_copy / "kernels.yaml"
    path.write_text(path.read_text().replace("  label: MATLAB bicubic\n", "  label: Another\n", 1))
    assert kernels.described("matlab-bicubic", config_copy)["label"] == "Another"


def test_a_scale_without_a_phase_is_centred() -> None:
    assert kernels.phase({"phase": {"2": [0.5, 0.25]}}, 2) == (0.5, 0.25)
    assert kernels.phase({"phase": {"2": [0.5, 0.25]}}, 3) == (0.0, 0.0)
