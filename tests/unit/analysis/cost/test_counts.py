"""Counts against closed forms and the tables of papers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sisr.analysis.cost.counts import OUTPUT, Count, count, count_module, input_size
from sisr.analysis.cost.graphs import count_ncnn
from sisr.analysis.cost.receptive_field import receptive_field
from sisr.base.errors import ModelError, ModelSkipped, ModelUnavailable
from sisr.models import archs
from sisr.models.model_entries import get, parse
from torch import Tensor, nn
from torch.nn import functional


def built(name: str, scale: int, channels: int, enlarged: bool = False) -> Count:
    width, height = input_size(scale, enlarged)
    side = 256 * (scale if enlarged else 1)
    return count_module(archs.build(name, scale), (channels, height, width), (channels, side, side))


def gone() -> dict[str, Path]:
    raise ModelUnavailable("could not be fetched")


def test_convolution_by_hand() -> None:
    """3 -> 8 channels, 3x3, stride 2, on 10x6 to 5x3: a multiply-add a weight and position."""
    found = count_module(nn.Conv2d(3, 8, 3, stride=2, padding=1), (3, 6, 10))
    assert found == Count(8 * 3 * 9 + 8, 8 * 3 * 9 * 15, 8 * 15)


def test_grouped_and_transposed_convolutions_by_hand() -> None:
    grouped = count_module(nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), (8, 4, 5))
    assert grouped == Count(8 * 9, 8 * 9 * 20, 8 * 20)
    # A transposed convolution multiplies each input position by all weights.
    transposed = count_module(nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1, bias=False), (4, 5, 5))
    assert transposed == Count(4 * 2 * 16, 4 * 2 * 16 * 25, 2 * 100)


class _Functional(nn.Module):
    """A convolution and an attention that no layer holds."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.ones(4, 4, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.conv2d(x, self.kernel, padding=1)
        tokens = y.flatten(2).transpose(1, 2)
        return tokens @ tokens.transpose(1, 2)


def test_operations_are_counted_and_not_layers() -> None:
    found = count_module(_Functional(), (4, 3, 5))
    assert found == Count(144, 144 * 15 + 15 * 4 * 15, 4 * 15)


class _Dependent(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.mean().item() > 0 else x


def test_a_network_that_depends_on_values_says_so() -> None:
    found = count_module(_Dependent(), (3, 4, 4))
    assert (found.parameters, found.multiply_adds, found.activations) == (0, None, None)
    assert found.reason.startswith("needs values to run: ")


# Multiply-adds in G for 1280x720; SRCNN and VDSR are on luma there, too.  From table 3 of Zhang et al.,
# Aligned structured sparsity learning for efficient image super-resolution (ASSL, NeurIPS 2021),
# EDSR-baseline from the caption of its table 1; CARN-M from the README of
# https://github.com/xiaomi-automl/FALSR, which prints 412K for its parameters.  The tolerance is that of the
# printed digit: 316.249 is printed 316.3.
@pytest.mark.parametrize(
    ("model_id", "scale", "parameters", "giga"),
    [
        ("imdn", 2, 694_404, 158.8),
        ("imdn", 4, 715_176, 40.9),
        ("vdsr", 2, 664_704, 612.6),
        ("vdsr", 4, 664_704, 612.6),
        ("srcnn", 4, 57_281, 52.7),
        ("carn-m", 2, 414_811, 91.2),
        ("edsr-baseline", 2, 1_369_859, 316.3),
    ],
)
def test_published_counts(model_id: str, scale: int, parameters: int, giga: float) -> None:
    found = count(get(model_id), scale, gone)
    assert found.parameters == parameters
    assert found.multiply_adds is not None
    assert found.multiply_adds / 1e9 == pytest.approx(giga, abs=0.0512)


# FLOPs that fvcore 0.1.5.post20221221 counted of the same networks on an image of 256x256 (torch 2.13.0), and
# activations that the tables of the challenges print, in M to .01: RLFN, EFDN (of team NKU-ESR) and RFDN in
# that of NTIRE 2022, SPAN and DISP in results.txt of NTIRE 2026.
@pytest.mark.parametrize(
    ("model_id", "flops", "mega"),
    [
        ("imdn", 46_519_028_736, None),
        ("rfdn", 27_046_231_296, 112.03),
        ("rlfn", 33_956_613_120, None),
        ("rlfn-ntire", 19_674_859_520, 80.05),
        ("efdn", 16_703_470_848, 111.12),
        ("span-28", 9_833_807_872, 41.68),
        ("disp", 10_693_378_048, 40.89),
        ("pan", 32_092_192_768, None),
        ("smfanet", 11_816_828_928, None),
        ("plainusr", 18_743_776_256, None),
        ("vdsr", 696_992_661_504, None),
    ],
)
def test_counts_of_fvcore(model_id: str, flops: int, mega: float | None) -> None:
    found = count(get(model_id), 4, gone)
    assert found.ntire_multiply_adds == flops
    assert found.ntire_activations is not None
    assert mega is None or round(found.ntire_activations / 1e6, 2) == mega


class _Elementwise(nn.Module):
    """Each operation that fvcore counts beside convolutions and products, on (8, 16, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([
            *(nn.BatchNorm2d(8), nn.BatchNorm2d(8, affine=False)),
            *(nn.BatchNorm2d(8, track_running_stats=False), nn.GroupNorm(2, 8)),
            *(nn.InstanceNorm2d(8), nn.InstanceNorm2d(8, affine=True)),
            *(nn.LayerNorm(16), nn.LayerNorm(16, elementwise_affine=False)),
        ])  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        for norm in self.norms:
            x = norm(x)
        x = x * functional.adaptive_avg_pool2d(x, 1)
        for mode in ("nearest", "bilinear", "bicubic"):
            functional.interpolate(x, scale_factor=2.0, mode=mode)
        return functional.grid_sample(x, x.new_zeros(1, 5, 6, 2), align_corners=False)


def test_what_fvcore_adds_by_hand() -> None:
    """What fvcore counted of these layers: batch_norm 16384, group_norm 10240, instance_norm 18432,
    layer_norm 18432, adaptive_avg_pool2d 2048, upsample_nearest2d 8192, upsample_bilinear2d 32768; of
    bicubic nothing.
    """
    found = count_module(_Elementwise(), (8, 16, 16), (8, 16, 16))
    values = 8 * 16 * 16
    norms = values * (2 + 1 + 5 + 5 + 4 + 5 + 5 + 4)
    assert norms == 16384 + 10240 + 18432 + 18432
    assert (found.multiply_adds, found.ntire_multiply_adds) == (
        0,
        norms + values + 4 * values + 4 * 4 * values + 4 * 8 * 30,
    )


def test_edsr_baseline_x4_by_formula() -> None:
    """114.2 G: 33 convolutions of the body, head, two upsampling steps, tail."""
    body, last = 320 * 180, 1280 * 720
    expected = 9 * 64 * (33 * 64 * body + 3 * body + 256 * body + 256 * 4 * body + 3 * last)
    assert count(get("edsr-baseline"), 4, gone).multiply_adds == expected


# The papers' tables (that of ASSL, see above) count the transposed convolution (9x9, 56 -> 1) at its output's
# positions, as if its zeros were multiplied; torch's counter at its input's.
@pytest.mark.parametrize(("scale", "giga"), [(2, 6.0), (4, 4.6)])
def test_fsrcnn_differs_from_the_tables_by_its_transposed_convolution_only(scale: int, giga: float) -> None:
    found = count(get("fsrcnn"), scale, gone).multiply_adds
    assert found is not None
    weights = 81 * 56
    positions = OUTPUT[0] * OUTPUT[1]
    assert round((found + weights * (positions - positions // scale**2)) / 1e9, 1) == giga


def test_rlfn_has_the_parameters_of_its_paper() -> None:
    """543K at x4 (Kong et al., CVPR Workshops 2022, table 1)."""
    assert count(get("rlfn"), 4, gone).parameters == 543_740


def test_espcn_by_its_formula() -> None:
    """5x5x64, 3x3x64x32, 3x3x32x16 at 320x180; the border of 4 adds to the inner layers' positions."""
    found = built("espcn", 4, 1)
    places = [(320 + grow) * (180 + grow) for grow in (4, 2, 0)]
    weights, outputs = (25 * 64, 9 * 64 * 32, 9 * 32 * 16), (64, 32, 16)
    assert found.multiply_adds == sum(w * n for w, n in zip(weights, places, strict=True))
    assert found.activations == sum(c * n for c, n in zip(outputs, places, strict=True))


def test_vdsr_activations_by_hand() -> None:
    assert built("vdsr", 4, 1, enlarged=True).activations == (19 * 64 + 1) * OUTPUT[0] * OUTPUT[1]


def test_input_of_a_scale_that_does_not_divide() -> None:
    assert input_size(3) == (426, 240)
    assert input_size(3, enlarged=True) == OUTPUT


def test_interpolation_has_no_parameters() -> None:
    assert count(get("bicubic"), 4, dict) == Count(0, reason="no network")


# --- graphs ---------------------------------------------------------------------------------------------

PARAM = """7767517
9 9
Input         data  0 1 data
MemoryData    mean  0 1 mean 0=1 1=1 2=3
BinaryOp      sub   2 1 data mean centred 0=1
Convolution   c1    1 1 centred a 0=8 1=3 4=1 5=1 6=216
PReLU         p     1 1 a b 0=8
ConvolutionDepthWise dw 1 1 b c 0=8 1=3 3=2 4=1 5=0 6=72 7=8
Interp        up    1 1 c d 0=1 1=2.000000e+00 2=2.000000e+00
Convolution   c2    1 1 d e 0=12 1=1 11=3 4=0 14=1 5=0 6=288 -23310=1,2.0e-01
PixelShuffle  ps    1 1 e out 0=2
"""


def test_ncnn_graph_by_hand(tmp_path: Path) -> None:
    """10x6: 3x3 at 10x6; depth-wise, stride 2, at 5x3; enlarged to 10x6; 1x3 kernel at 10x6."""
    file = tmp_path / "net.param"
    file.write_text(PARAM)
    found = count_ncnn(file, (10, 6))
    assert found.parameters == 216 + 8 + 8 + 72 + 288
    assert found.multiply_adds == 216 * 60 + 72 * 15 + 288 * 60
    assert found.activations == 8 * 60 + 8 * 15 + 12 * 60
    # Nearest neighbours, 8 channels at 10x6.
    assert found.ntire_multiply_adds == found.multiply_adds + 8 * 60


def test_interpolation_of_unknown_channels_leaves_only_the_flops_of_ntire_uncounted(tmp_path: Path) -> None:
    """How many channels a slice leaves is in an array of its options, which is not read."""
    file = tmp_path / "net.param"
    slice_ = "Slice s 1 2 b b0 b1 -23300=2,4,4\nInterp        up    1 1 b0 d 0=2 1=2.0 2=2.0\n"
    file.write_text("7767517\n3 5\nInput data 0 1 data\nConvolution c 1 1 data b 0=8 1=1 6=24\n" + slice_)
    assert count_ncnn(file, (10, 6)) == Count(24, 24 * 60, 8 * 60)


def test_ncnn_layer_that_is_not_known_leaves_the_rest_uncounted(tmp_path: Path) -> None:
    file = tmp_path / "net.param"
    file.write_text(PARAM.replace("PixelShuffle ", "Wavelet "))
    assert count_ncnn(file, (10, 6)) == Count(
        592, reason="layer Wavelet of the graph is not one that is counted"
    )


def test_ncnn_file_of_another_kind(tmp_path: Path) -> None:
    file = tmp_path / "net.param"
    file.write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(ModelError, match=r"net\.param: not an ncnn \.param text"):
        count_ncnn(file, (10, 6))


def test_opencv_graph_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "net.pb"
    file.write_bytes(b"not a graph")
    model = parse("m", {"label": "M", "engine": "opencv", "colour": "y", "params": {"name": "espcn"}})
    with pytest.raises(ModelError, match=r"net\.pb: OpenCV cannot read it"):
        count(model, 2, lambda: {"graph": file})


def test_an_architecture_is_counted_without_its_weights() -> None:
    assert count(get("imdn"), 4, gone) == replace(built("imdn", 4, 3), receptive_field="global")
    with pytest.raises(ModelUnavailable, match="could not be fetched"):
        count(get("span"), 4, gone)
    with pytest.raises(ModelSkipped, match="not for x3"):
        count(get("imdn"), 3, gone)


# --- receptive fields -----------------------------------------------------------------------------------


# ESPCN: 5, 3 and 3 (its paper, section 3.1).  VDSR: 41 HR pixels (its paper, section 3.1); 40 / s + 4 LR
# pixels with the bicubic enlargement.  IMDN's channel attention pools over the image.
@pytest.mark.parametrize(
    ("name", "scale", "channels", "enlarged", "expected"),
    [
        ("espcn", 4, 1, False, 9),
        ("espcn", 2, 1, False, 9),
        ("vdsr", 4, 1, True, 14),
        ("vdsr", 2, 1, True, 24),
        ("imdn", 2, 3, False, "global"),
    ],
)
def test_receptive_fields_of_papers(
    name: str, scale: int, channels: int, enlarged: bool, expected: int | str
) -> None:
    assert receptive_field(archs.build(name, scale), channels, scale, enlarged) == expected


@given(
    kernels=st.lists(st.sampled_from([1, 3, 5, 7]), min_size=1, max_size=5),
    dilation=st.integers(1, 3),
    scale=st.integers(1, 4),
)
@settings(max_examples=25, deadline=None)
def test_receptive_field_of_a_stack_is_the_sum_of_its_reaches(
    kernels: list[int], dilation: int, scale: int
) -> None:
    """1 + sum of (kernel - 1) dilation, also with weights that are all zero."""
    layers = [
        nn.Conv2d(2, 2, k, padding=k // 2 * dilation, dilation=dilation, padding_mode="zeros")
        for k in kernels
    ]
    for layer in layers:
        nn.init.zeros_(layer.weight)
    stack = nn.Sequential(*layers, nn.Conv2d(2, 2 * scale**2, 1), nn.PixelShuffle(scale))
    expected = 1 + dilation * sum(k - 1 for k in kernels)
    assert receptive_field(stack, 2, scale, False) == expected


def test_receptive_field_of_a_network_that_pads_by_reflection() -> None:
    layer = nn.Conv2d(3, 3, 7, padding=3, padding_mode="reflect")
    assert receptive_field(nn.Sequential(layer), 3, 1, False) == 7
