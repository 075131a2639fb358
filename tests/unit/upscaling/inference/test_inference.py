"""The inference engine: tiles, memory, precision, and what it refuses."""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sisr.base.errors import ConfigError, ModelError, ModelSkipped
from sisr.models import archs
from sisr.upscaling.inference import field, memory
from sisr.upscaling.inference.options import Options
from sisr.upscaling.inference.runner import OutOfMemory, Runner
from sisr.upscaling.inference.tiles import spans, tiles
from sisr.upscaling.networks import Network
from torch import nn

#: Networks of nothing but convolutions, with random weights: channels, peak, and whether they refine.
CONVOLUTIONAL = {
    "espcn": (1, 1, False),
    "fsrcnn": (1, 1, False),
    "srcnn": (1, 1, True),
    "vdsr": (1, 1, True),
    "carn-m": (3, 1, False),
    "srgan": (3, 1, False),
    "srresnet": (3, 1, False),
    "lapsrn": (1, 1, False),
}


def network(name: str, scale: int = 4, seed: int = 0) -> Network:
    channels, peak, enlarge_first = CONVOLUTIONAL.get(name, (3, 1, False))
    torch.manual_seed(seed)
    module = archs.build(name, scale).eval().requires_grad_(False)
    return Network(module, scale, channels, peak, enlarge_first, name)


def sample(channels: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((channels, height, width), dtype=np.float32)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_tiled_is_whole_at_odd_sizes(name: str) -> None:
    net = network(name)
    planes = sample(net.channels, 41, 53)
    whole = Runner(net).run(planes)
    span = float(np.ptp(whole)) or 1.0
    for tile in (16, 37) if name in ("espcn", "srcnn") else (32,):
        runner = Runner(net, Options(tile=tile))
        found = runner.run(planes)
        assert isinstance(runner.reach, int)
        assert np.abs(found - whole).max() <= 1e-5 * max(1.0, span)
        assert runner.seam_error <= 1e-5 * max(1.0, span)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(8, 70),
    width=st.integers(8, 70),
    tile=st.integers(16, 40),
    scale=st.sampled_from([2, 3, 4]),
)
def test_tiled_is_whole_for_any_size(height: int, width: int, tile: int, scale: int) -> None:
    net = network("espcn", scale)
    planes = sample(1, height, width, height)
    found = Runner(net, Options(tile=tile)).run(planes)
    assert np.abs(found - Runner(net).run(planes)).max() <= 1e-5


@given(
    length=st.integers(1, 400),
    tile=st.integers(16, 90),
    context=st.integers(0, 40),
    multiple=st.sampled_from([1, 2, 8]),
)
def test_spans_keep_each_pixel_once(length: int, tile: int, context: int, multiple: int) -> None:
    found = spans(length, tile, context, multiple)
    kept = [pixel for span in found for pixel in range(span.first, span.last)]
    assert kept == list(range(length))
    for span in found:
        assert 0 <= span.start <= span.first < span.last <= span.stop <= length
        assert span.first - span.start >= min(context, span.first)
        assert span.stop - span.last >= min(context, length - span.last)
        assert span.start % multiple == 0
        assert (span.stop - span.start) % multiple == 0 or span.stop == length


def test_tiles_cover_a_image() -> None:
    canvas = np.zeros((50, 70), int)
    for down, across in tiles(50, 70, 16, 3):
        canvas[down.first : down.last, across.first : across.last] += 1
    assert (canvas == 1).all()


# Receptive fields of the papers (side in pixels of the network's input): 2 * reach + 1.
@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("espcn", 9),  # 5 + 2 + 2, Shi et al. 2016, section 3
        ("vdsr", 41),  # 20 layers of 3x3, Kim et al. 2016, section 3.1
        ("fsrcnn", None),
    ],
)
def test_reach_of_known_networks(name: str, side: int | None) -> None:
    net = network(name)
    found = field.reach(net.module, net.channels, 1 if net.enlarge_first else 4)
    assert isinstance(found, int)
    if side is not None:
        assert 2 * found + 1 == side


@pytest.mark.parametrize("name", ["imdn"])
def test_a_network_that_pools_over_the_image_has_no_reach(name: str) -> None:
    runner = Runner(network(name), Options(tile=16))
    assert runner.reach == "global"
    runner.run(sample(3, 40, 120))
    assert "the network looks at the whole image" in runner.summary()[-1]
    assert runner.seam_error > 0


def test_reach_of_one_layer() -> None:
    assert field.reach(nn.Conv2d(1, 1, 5, padding=2), 1, 1) == 2
    assert field.reach(nn.Conv2d(1, 1, 1), 1, 1) == 0
    assert field.reach(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.PixelShuffle(2)), 1, 2) == 1
    assert field.reach(nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1), 1, 2) == 1


def dilated(*dilations: int) -> nn.Module:
    return nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=step, dilation=step) for step in dilations))


# By hand: each layer reaches its dilation.  The taps of the first ones lie outside of the first strips, whose
# NaN would stay in the middle column.
@pytest.mark.parametrize("dilations", [(40,), (100,), (1, 100), (30, 100, 1), (2, 4, 8, 16, 32), (200, 200)])
def test_a_hole_of_dilation_hides_no_reach(dilations: tuple[int, ...]) -> None:
    assert field.reach(dilated(*dilations), 1, 1) == sum(dilations)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=4))
def test_reach_of_any_dilations(dilations: list[int]) -> None:
    assert field.reach(dilated(*dilations), 1, 1) == sum(dilations)


def test_dilation_inside_a_coarser_grid_counts_in_pixels_of_the_input() -> None:
    """At half the size a dilation of 60 jumps 120 pixels; the strided layers reach one or two more."""
    coarse = nn.Sequential(
        nn.Conv2d(1, 1, 2, stride=2), dilated(60), nn.Upsample(scale_factor=2, mode="nearest")
    )
    assert field.reach(coarse, 1, 1, 2) == 121


def test_dilation_of_more_than_the_longest_strip_is_global() -> None:
    assert field.reach(dilated(1500), 1, 1) == "global"


@pytest.mark.parametrize("kernel", [(11, 1), (1, 11)])
def test_reach_is_the_larger_of_rows_and_columns(kernel: tuple[int, int]) -> None:
    layer = nn.Conv2d(1, 1, kernel, padding=(kernel[0] // 2, kernel[1] // 2))
    assert field.reach(layer, 1, 1) == 5


def test_a_pooling_window_is_a_jump_as_well() -> None:
    assert field.reach(nn.MaxPool2d(91, stride=1, padding=45), 1, 1) == 45
    assert field.reach(nn.AvgPool2d(91, stride=1, padding=45), 1, 1) == 45


def test_tiles_of_a_dilated_network_are_the_whole() -> None:
    torch.manual_seed(0)
    net = Network(dilated(1, 50).requires_grad_(False), 1, 1, 1, False, "dilated")
    planes = sample(1, 31, 203)
    assert np.abs(Runner(net, Options(tile=32)).run(planes) - Runner(net).run(planes)).max() <= 1e-6


def test_memory_model_of_one_layer_by_hand() -> None:
    """A 3x3 convolution from 1 to 8 channels holds 9 floats a pixel, and nothing that does not grow."""
    found = memory.measure(nn.Conv2d(1, 8, 3, padding=1), 1)
    assert found is not None
    assert found.per_pixel == pytest.approx(1.6 * 9 * 4)
    assert found.fixed == pytest.approx(0, abs=1)


def test_memory_model_bounds_what_a_run_takes() -> None:
    """Activations of a chain are freed as it goes: the model does not add up all layers."""
    chain = nn.Sequential(*(nn.Conv2d(16, 16, 3, padding=1) for _ in range(20)))
    found = memory.measure(chain, 16)
    assert found is not None
    assert found.per_pixel <= 1.6 * 4 * 16 * 4


def test_what_torch_keeps_of_a_gpu_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the second image would find the GPU full of what the first one has left."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (300, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 650)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 50)
    assert memory.free("cuda") == 900
    assert memory.free("cpu") > 1 << 20


@pytest.mark.parametrize(
    ("groups", "files", "free"),
    [
        # Version 2: the limit is that of the job, above the step; pages of files can be had back.
        (
            "0::/slurm/job7/step0\n",
            {
                "slurm/job7/step0/memory.max": "max",
                "slurm/job7/memory.max": "1000",
                "slurm/job7/memory.current": "700",
                "slurm/job7/memory.stat": "anon 500\nfile 200\n",
            },
            500,
        ),
        # Version 1, inside a container that sees its own group as the root.
        (
            "5:cpu,cpuacct:/x\n4:memory:/\n0::/\n",
            {
                "memory/memory.limit_in_bytes": "800",
                "memory/memory.usage_in_bytes": "900",
                "memory/memory.stat": "cache 1\ntotal_cache 300\n",
            },
            200,
        ),
        ("0::/\n", {}, 1 << 40),
    ],
    ids=["version 2", "version 1", "no limit"],
)
def test_what_a_job_has_free(groups: str, files: dict[str, str], free: int, tmp_path: Path) -> None:
    root = {"proc/self/cgroup": groups} | {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in root.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory._free_of_group(tmp_path) == free


def test_a_large_image_on_the_cpu_is_cut_where_the_job_has_little(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network("espcn")
    large, small = sample(1, 700, 800), sample(1, 64, 64)
    whole = Runner(net).run(large)
    monkeypatch.setattr(memory, "free", lambda device: 80 << 20)
    runner = Runner(net)
    runner.run(small)
    assert runner.summary() == []
    assert np.abs(runner.run(large) - whole).max() <= 1e-5
    assert "tiles of" in runner.summary()[-1]


@pytest.mark.parametrize("name", ["espcn", "carn-m"])
def test_little_memory_gives_the_same_pixels(name: str) -> None:
    net = network(name)
    planes = sample(net.channels, 150, 170)
    whole = Runner(net)
    needed = whole.model.bytes(*(side * (4 if net.enlarge_first else 1) for side in (150, 170)))  # type: ignore[union-attr]
    limited = Runner(net, Options(memory_mib=max(1, int(needed / (1 << 20) / 3))))
    assert np.abs(limited.run(planes) - whole.run(planes)).max() <= 1e-5
    assert "tiles of" in limited.summary()[-1]


def test_out_of_memory_halves_the_tile_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a GPU would: runs of more than 40 x 40 pixels fail."""
    net = network("espcn")
    planes = sample(1, 90, 100)
    whole = Runner(net).run(planes)
    runner = Runner(net)
    compute, sizes = runner._compute, []

    def fail_when_large(images):  # type: ignore[no-untyped-def]
        sizes.append(images.shape[2:])
        if max(images.shape[2:]) > 40:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return compute(images)

    monkeypatch.setattr(runner, "_compute", fail_when_large)
    assert np.abs(runner.run(planes) - whole).max() <= 1e-5
    assert sizes[0] == (90, 100)
    assert runner.notes == ["out of memory: tiles of 50 pixels", "out of memory: tiles of 25 pixels"]
    first = len(sizes)
    runner.run(planes)
    assert max(max(size) for size in sizes[first:]) <= 40  # the tile that fits is kept for later images


def test_no_room_for_any_tile_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = Runner(network("espcn"))

    def fail(images):  # type: ignore[no-untyped-def]
        raise OutOfMemory("no")

    monkeypatch.setattr(runner, "_compute", fail)
    with pytest.raises(MemoryError, match="no memory for a tile of 16 pixels with 5 of context"):
        runner.run(sample(1, 60, 60))


def test_a_network_that_tiles_by_itself_gets_the_whole_image(monkeypatch: pytest.MonkeyPatch) -> None:
    net = replace(network("espcn"), tiling="internal")
    runner = Runner(net, Options(tile=16))
    planes = sample(1, 40, 50)
    assert np.array_equal(runner.run(planes), Runner(network("espcn")).run(planes))
    assert runner.summary() == ["tile 16"]

    def fail(images):  # type: ignore[no-untyped-def]
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(runner, "_compute", fail)
    with pytest.raises(MemoryError, match="it cuts images into tiles itself"):
        runner.run(planes)


@pytest.mark.parametrize("channels_last", [True, False])
def test_a_network_may_write_into_its_input(channels_last: bool) -> None:
    class Scales(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x *= 255
            return x.repeat_interleave(2, 2).repeat_interleave(2, 3) / 255

    planes = sample(3, 6, 6)
    kept = planes.copy()
    runner = Runner(Network(Scales(), 2, 3, 1, False, "scales"), Options(channels_last=channels_last))
    runner.run(planes)
    assert np.array_equal(planes, kept)


@pytest.mark.parametrize("name", ["espcn", "srcnn", "efdn"])
def test_the_network_alone_gives_what_a_run_gives(name: str) -> None:
    """Of an image, of its enlargement where the network refines that; each time the same."""
    runner = Runner(network(name))
    planes = sample(runner.network.channels, 24, 31)
    alone = runner.alone(planes)
    for _ in range(2):
        assert np.array_equal(alone()[0].numpy(), runner.run(planes))


def test_alone_a_network_may_write_into_its_input() -> None:
    class Doubling(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mul_(2)

    alone = Runner(Network(Doubling(), 1, 3, 1, False, "doubling"), Options(merge_linear=False)).alone(
        sample(3, 8, 8)
    )
    assert torch.equal(alone(), alone())


def test_other_errors_of_the_network_pass() -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        Runner(Network(Broken(), 2, 1, 1, False, "broken")).run(sample(1, 8, 8))


@pytest.mark.parametrize("name", ["espcn", "carn-m"])
def test_a_batch_is_its_images(name: str) -> None:
    net = network(name)
    batch = np.stack([sample(net.channels, 20, 24, seed) for seed in range(3)])
    together = Runner(net, Options(batch=3)).run_batch(batch)
    for one, expected in zip(batch, together, strict=True):
        assert np.abs(Runner(net).run(one) - expected).max() <= 1e-5


def test_bf16_is_close_to_fp32() -> None:
    net = network("espcn")
    planes = sample(1, 30, 30)
    exact, rough = Runner(net).run(planes), Runner(net, Options(precision="bf16")).run(planes)
    assert rough.dtype == np.float32
    assert 0 < np.abs(exact - rough).max() < 0.02


class Overflows(nn.Module):
    """x -> 1e6 x, which float16 cannot hold."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1e3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.weight * self.weight).repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_what_is_not_finite_runs_again_in_fp32() -> None:
    net = Network(Overflows().requires_grad_(False), 2, 1, 1, False, "overflows")
    runner = Runner(net, Options(precision="fp16"))
    planes = sample(1, 5, 5) + 1
    assert np.allclose(runner.run(planes)[0, ::2, ::2], planes[0] * 1e6, rtol=1e-5)
    assert runner.summary() == ["precision fp16", "1 not finite in fp16: run again in fp32"]


def test_nan_in_fp32_is_an_error() -> None:
    net = Network(nn.Upsample(scale_factor=2), 2, 1, 1, False, "upsample")
    with pytest.raises(ModelError, match="not finite"):
        Runner(net).run(np.full((1, 4, 4), np.nan, np.float32))


def test_another_scale_than_promised_is_an_error() -> None:
    net = Network(nn.Upsample(scale_factor=3), 2, 1, 1, False, "upsample")
    with pytest.raises(ModelError, match=r"output is \(1, 12, 12\), expected \(1, 8, 8\) for x2"):
        Runner(net).run(sample(1, 4, 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "fp33"}, "did you mean 'fp32'"),
        ({"tile": 5}, "tile: expected 0 or at least 16, found 5"),
        ({"batch": -1}, "batch: expected 0 or more, found -1"),
        ({"tiles": 5}, "unknown key 'tiles'; did you mean 'tile'"),
        ({"compile": True, "cuda_graphs": True}, "compile and cuda_graphs exclude each other"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Options.of(options)


def test_precisions_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="tf32 exists on CUDA only"):
        Runner(network("espcn"), Options(precision="tf32"))
    with pytest.raises(ConfigError, match="cuda_graphs exist on CUDA only, the device is cpu"):
        Runner(network("espcn"), Options(cuda_graphs=True))
    net = Network(nn.Upsample(scale_factor=2), 2, 1, 1, False, "fragile", supports_half=False)
    with pytest.raises(ModelSkipped, match="fragile is known to fail in fp16"):
        Runner(net, Options(precision="fp16"))


def test_compiled_network_is_the_network() -> None:
    """The wiring of torch.compile, with the back end that only traces."""
    net = network("espcn")
    planes = sample(1, 16, 16)
    runner = Runner(net, Options(compile=True))
    runner._forward = torch.compile(runner._module, backend="eager", dynamic=True)
    assert np.allclose(runner.run(planes), Runner(net).run(planes), atol=1e-6)


def test_images_run_together_as_far_as_memory_allows() -> None:
    net = network("carn-m")
    batch = np.stack([sample(3, 30, 31, seed) for seed in range(6)])
    plain = Runner(net, Options(batch=6))
    assert plain.model is not None
    limit = int(plain.model.bytes(30, 31, 2) / (1 << 20)) + 1
    limited, sizes = Runner(net, Options(batch=6, memory_mib=limit)), []
    forward = limited._forward

    def counting(x: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        return forward(x)

    limited._forward = counting
    assert np.abs(limited.run_batch(batch) - plain.run_batch(batch)).max() <= 1e-5
    assert sum(sizes) == 6
    assert 1 < max(sizes) < 6
    assert "tiles" not in " ".join(limited.summary())


def test_out_of_memory_takes_fewer_images_before_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network("espcn")
    batch = np.stack([sample(1, 20, 24, seed) for seed in range(5)])
    expected = Runner(net, Options(batch=5)).run_batch(batch)
    runner = Runner(net, Options(batch=5))
    compute = runner._compute

    def fail_when_many(images):  # type: ignore[no-untyped-def]
        if len(images) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return compute(images)

    monkeypatch.setattr(runner, "_compute", fail_when_many)
    assert np.abs(runner.run_batch(batch) - expected).max() <= 1e-6
    assert runner.notes == ["out of memory: 2 images together", "out of memory: 1 images together"]


def test_only_the_images_that_overflow_run_again() -> None:
    net = Network(Overflows().requires_grad_(False), 2, 1, 1, False, "overflows")
    runner = Runner(net, Options(precision="fp16", batch=3))
    batch = np.stack([np.full((1, 2, 2), value, np.float32) for value in (0.001, 1.0, 0.002)])
    found = runner.run_batch(batch)
    assert runner.retried == 1
    assert found[1].max() == pytest.approx(1e6, rel=1e-6)
    assert found[0].max() == pytest.approx(1e3, rel=1e-3)


def test_each_run_sets_the_switches_of_its_own_options() -> None:
    """They are the process's: a runner that was made later must not decide for one that was made before."""
    seen: list[bool] = []

    class Looks(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(torch.backends.cudnn.deterministic)
            return x

    def runner(deterministic: bool) -> Runner:
        net = Network(Looks(), 1, 1, 1, False, "looks")
        return Runner(net, Options(deterministic=deterministic))

    first, second = runner(True), runner(False)
    for one in (first, second, first):
        one.run(sample(1, 4, 4))
    assert seen == [True, False, True]
    assert torch.get_deterministic_debug_mode() == 1


def test_a_image_that_is_too_small_is_reflected_and_the_rest_cut_off() -> None:
    net = network("rlfn", scale=2)
    net = replace(net, minimum_size=15, peak=255)
    planes = 255 * sample(3, 5, 9)
    runner = Runner(net)
    found = runner.run(planes)
    # numpy reflects as often as it takes: 5 rows are mirrored at rows 4, 0, 4, ...
    with torch.inference_mode():
        padded = torch.from_numpy(np.pad(planes, ((0, 0), (0, 10), (0, 6)), "reflect"))[None]
        expected = net.module(padded)[0, :, :10, :18].numpy()
    assert np.array_equal(found.shape, (3, 10, 18))
    assert np.abs(found - expected).max() <= 1e-3
    assert runner.summary() == ["images of less than 15 pixels were reflected up to that"]


def test_sides_become_multiples() -> None:
    """A network that halves: of 5 x 7, the module sees 6 x 8, and the caller 10 x 14."""
    sizes = []

    class Halves(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            sizes.append(tuple(x.shape[2:]))
            return nn.functional.pixel_shuffle(nn.functional.pixel_unshuffle(x, 2).repeat(1, 4, 1, 1), 4)

    net = Network(Halves(), 2, 1, 1, False, "halves", multiple_of=2)
    assert Runner(net).run(sample(1, 5, 7)).shape == (1, 10, 14)
    assert sizes == [(6, 8)]


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cuda", r"device: 'cuda' was asked for, but torch .* finds 0 CUDA GPUs"),
        ("cuda:3", r"device: 'cuda:3' was asked for"),
        ("mps", r"device: 'mps' was asked for"),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="has a GPU")
def test_a_device_that_is_not_there_is_one_line(device: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Runner(network("espcn"), device=device)


@pytest.mark.skipif(not platform.libc_ver()[0].startswith("glibc"), reason="only glibc gives memory back")
def test_a_second_image_finds_the_memory_of_the_first() -> None:
    """In a process of its own: 64 channels of 300 x 300 are 23 MB, 5600 pages each time."""
    code = """
import resource, sys
import numpy as np
from sisr.models import archs
from sisr.upscaling.inference.runner import Runner
from sisr.upscaling.networks import Network
module = archs.build("srresnet", 2).eval().requires_grad_(False)
runner = Runner(Network(module, 2, 3, 1, False, "srresnet"))
planes = np.zeros((3, 150, 150), np.float32)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    runner.run(planes)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first = faults()
faults()
print(first, min(faults() for _ in range(3)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, later = map(int, done.stdout.split())
    assert later < first / 20
