"""Architectures: parameter counts, sizes of the output, and what they refuse."""

from __future__ import annotations

import pytest
import torch
from sisr.base.errors import ConfigError
from sisr.models import archs


def count(name: str, scale: int, **arguments: object) -> int:
    return sum(p.numel() for p in archs.build(name, scale, **arguments).parameters())


RECENT = ("smfanet", "plainusr", "span", "spanf", "disp", "bsrn", "lkdn", "vapsr", "compact", "edsr")


# Numbers in the published weights; beside them what the papers' tables say.
@pytest.mark.parametrize(
    ("name", "scale", "parameters"),
    [
        ("carn-m", 4, 414_811),  # 412K
        ("imdn", 2, 694_404),  # 694K
        ("imdn", 4, 715_176),  # 715K
        ("efdn", 4, 276_192),  # 0.276M
        ("lapsrn", 4, 870_112),
        ("pan", 2, 261_403),  # 261K
        ("pan", 4, 272_419),  # 272K
        ("rfdn", 4, 433_448),  # 0.433M
        ("rlfn", 2, 526_856),  # 527K
        ("rlfn", 4, 543_740),  # 543K
        ("srgan", 2, 586_379),
        ("srgan", 4, 734_092),
        ("vdsr", 4, 664_704),  # 665K
        ("smfanet", 2, 185_628),  # 186K
        ("smfanet", 3, 190_503),  # 191K
        ("smfanet", 4, 197_328),  # 197K
        ("plainusr", 2, 311_364),
        ("plainusr", 4, 333_108),
        ("spanf", 4, 148_288),
        ("span", 4, 426_288),
        ("disp", 4, 163_792),
        ("bsrn", 2, 331_628),  # 332K
        ("bsrn", 3, 340_283),  # 340K
        ("bsrn", 4, 352_400),  # 352K
        ("lkdn", 2, 303_812),  # 304K
        ("lkdn", 3, 311_387),  # 311K
        ("lkdn", 4, 321_992),  # 322K
        ("vapsr", 4, 342_220),  # 342K
        ("compact", 4, 621_424),
        ("edsr", 4, 1_517_571 + 24),  # 1.5M
    ],
)
def test_parameter_counts(name: str, scale: int, parameters: int) -> None:
    assert count(name, scale) == parameters


# Sizes that have a name, or differ with the scale.
@pytest.mark.parametrize(
    ("name", "scale", "arguments", "parameters"),
    [
        ("bsrn", 4, {"width": 48, "blocks": 5, "narrow": 12, "small": True}, 156_288),  # BSRN-S, 156K
        ("lkdn", 4, {"width": 42, "blocks": 5}, 129_177),  # LKDN-S, 129K
        ("vapsr", 2, {"blocks": 20, "middle": 56}, 329_236),  # 329K
        ("vapsr", 3, {"blocks": 20, "middle": 56}, 336_811),  # 337K
        ("vapsr", 4, {"width": 32, "blocks": 11, "groups": 2}, 154_956),  # VapSR-S, 155K
    ],
)
def test_parameter_counts_of_sizes(
    name: str, scale: int, arguments: dict[str, object], parameters: int
) -> None:
    assert count(name, scale, **arguments) == parameters


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    "name", ["carn-m", "efdn", "espcn", "imdn", "lapsrn", "pan", "rfdn", "rlfn", "srgan", *RECENT]
)
def test_output_is_scale_times_the_input(name: str, scale: int) -> None:
    if scale == 3 and name in ("lapsrn", "srgan"):
        with pytest.raises(ConfigError, match=f"architecture '{name}'.*x3"):
            archs.build(name, scale)
        return
    network = archs.build(name, scale).eval()
    channels = 1 if name in ("espcn", "lapsrn") else 3
    with torch.inference_mode():
        assert network(torch.rand(2, channels, 17, 19)).shape == (2, channels, 17 * scale, 19 * scale)


@pytest.mark.parametrize("name", ["efdn", "rfdn", "rlfn", "smfanet", "plainusr", "bsrn"])
def test_coarse_views_state_their_smallest_input(name: str) -> None:
    network = archs.build(name, 2).eval()
    smallest = network.minimum_size
    with torch.inference_mode():
        assert network(torch.rand(1, 3, smallest, smallest)).shape[-1] == 2 * smallest
        with pytest.raises(RuntimeError):
            network(torch.rand(1, 3, smallest - 1, smallest))


def test_wrong_arguments_are_one_line() -> None:
    with pytest.raises(ConfigError, match=r"architecture 'imdn': .*'widht'"):
        archs.build("imdn", 2, widht=3)
