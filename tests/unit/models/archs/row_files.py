"""Files of rows whose weights the tests cannot have: true names, shapes and wrappers, made here."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from sisr.models import archs, model_entries
from sisr.models.compat import prepare_torchvision
from sisr.upscaling import networks
from torch import Tensor, nn

State = dict[str, Tensor]


@dataclass(frozen=True)
class File:
    """A row's file: ``network`` has its shapes; ``names`` turns the network's names into the file's."""

    network: Callable[[], nn.Module]
    last: str
    wrapper: Callable[[State], object] = dict
    names: Callable[[str], str] = str
    example: str = ""


def basicsr(name: str, scale: int, **arguments: Any) -> Callable[[], nn.Module]:
    return lambda: archs.build(f"basicsr:{name}", scale, **arguments)


def of_spandrel(name: str, **arguments: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        prepare_torchvision()
        return getattr(importlib.import_module(f"spandrel.architectures.{name}"), name)(**arguments)

    return build


def under(key: str, **more: object) -> Callable[[State], object]:
    return lambda state: {key: state, **more}


def kair(name: str) -> str:
    """BSRGAN's names, which are those of ESRGAN's second release, from BasicSR's."""
    name = re.sub(r"^body\.", "RRDB_trunk.", name).replace("rdb", "RDB")
    for ours, theirs in (("conv_body", "trunk_conv"), ("conv_up", "upconv"), ("conv_hr", "HRconv")):
        name = name.replace(ours, theirs)
    return name


RGB = {"num_in_ch": 3, "num_out_ch": 3}
WINDOWS = {"img_size": 64, "window_size": 8, "img_range": 1.0, "mlp_ratio": 2}
MEDIUM = {**WINDOWS, "depths": [6] * 6, "embed_dim": 180, "num_heads": [6] * 6}
LIGHT = {**WINDOWS, "depths": [6] * 4, "embed_dim": 60, "num_heads": [6] * 4}

FILES: Mapping[tuple[str, int], File] = {
    ("srcnn", 4): File(lambda: archs.build("srcnn", 4), "conv3", example="conv1.weight"),
    ("fsrcnn", 2): File(lambda: archs.build("fsrcnn", 2), "last_part", example="mid_part.10.weight"),
    ("srresnet", 4): File(
        lambda: archs.build("srresnet", 4),
        "generator.conv_last",
        under("state_dict", meta={"epoch": 1, "iter": 300000, "mmedit_version": "0.5.0"}),
        example="generator.upsample2.upsample_conv.weight",
    ),
    ("edsr-baseline", 4): File(
        basicsr("EDSR", 4, **RGB), "conv_last", under("params"), example="conv_after_body.weight"
    ),
    ("edsr", 2): File(
        basicsr("EDSR", 2, num_feat=256, num_block=32, res_scale=0.1, **RGB),
        "conv_last",
        under("params"),
        example="body.31.conv2.weight",
    ),
    ("rcan", 2): File(
        of_spandrel("RCAN", scale=2), "tail.1", example="body.9.body.19.body.3.conv_du.2.weight"
    ),
    ("esrgan", 4): File(
        basicsr("RRDBNet", 4, **RGB), "conv_last", under("params"), example="body.22.rdb3.conv5.weight"
    ),
    ("rrdb", 4): File(of_spandrel("ESRGAN"), "model.10", example="model.1.sub.22.RDB3.conv5.0.weight"),
    ("bsrgan", 4): File(
        basicsr("RRDBNet", 4, **RGB), "conv_last", names=kair, example="RRDB_trunk.22.RDB3.conv5.weight"
    ),
    ("realesrgan-x2plus", 2): File(
        basicsr("RRDBNet", 2, **RGB), "conv_last", under("params_ema"), example="conv_up2.weight"
    ),
    ("realesrgan-x4plus", 4): File(
        basicsr("RRDBNet", 4, **RGB), "conv_last", under("params_ema"), example="conv_hr.bias"
    ),
    ("swinir-light", 2): File(
        basicsr("SwinIR", 2, upsampler="pixelshuffledirect", **LIGHT),
        "upsample.0",
        under("params"),
        example="layers.3.residual_group.blocks.5.attn.relative_position_bias_table",
    ),
    ("swinir", 4): File(
        basicsr("SwinIR", 4, upsampler="pixelshuffle", **MEDIUM),
        "conv_last",
        under("params"),
        example="conv_before_upsample.0.weight",
    ),
    ("swinir-real", 4): File(
        basicsr("SwinIR", 4, upsampler="nearest+conv", **MEDIUM),
        "conv_last",
        under("params_ema"),
        example="conv_up2.weight",
    ),
    ("hat", 4): File(
        of_spandrel(
            "HAT",
            upscale=4,
            img_size=64,
            window_size=16,
            compress_ratio=3,
            squeeze_factor=30,
            conv_scale=0.01,
            overlap_ratio=0.5,
            img_range=1.0,
            depths=[6] * 6,
            embed_dim=180,
            num_heads=[6] * 6,
            mlp_ratio=2,
            upsampler="pixelshuffle",
        ),
        "conv_last",
        under("params_ema"),
        example="layers.5.residual_group.overlap_attn.qkv.weight",
    ),
    ("dat", 2): File(
        of_spandrel(
            "DAT",
            upscale=2,
            in_chans=3,
            img_size=64,
            img_range=1.0,
            split_size=[8, 32],
            depth=[6] * 6,
            embed_dim=180,
            num_heads=[6] * 6,
            expansion_factor=4,
            upsampler="pixelshuffle",
        ),
        "conv_last",
        under("params"),
        example="layers.5.blocks.5.ffn.sg.conv.weight",
    ),
    ("dat-light", 4): File(
        of_spandrel(
            "DAT",
            upscale=4,
            in_chans=3,
            img_size=64,
            img_range=1.0,
            split_size=[8, 32],
            depth=[18],
            embed_dim=60,
            num_heads=[6],
            expansion_factor=2,
            resi_connection="3conv",
            upsampler="pixelshuffledirect",
        ),
        "upsample.0",
        under("params"),
        example="layers.0.blocks.17.ffn.sg.conv.weight",
    ),
    ("spsr", 4): File(
        lambda: archs.build("spsr", 4), "f_HR_conv1.0", example="b_block_4.RDB3.conv5.0.weight"
    ),
}


def made_network(row: str, scale: int, path: Path) -> nn.Module:
    """Write the file of a row to ``path``; returns the network whose names and shapes it has.

    Its last layer gives an image around mid-gray and with contrast, or all would be clipped to black.
    """
    file = FILES[row, scale]
    torch.manual_seed(0)
    network = file.network().eval()
    with torch.no_grad():
        layer = network.get_submodule(file.last)
        layer.weight.mul_(8)
        layer.bias.fill_(0.5)
    state = {file.names(name): tensor for name, tensor in network.state_dict().items()}
    assert file.example in state
    torch.save(file.wrapper(state), path)
    return network


def load_made(row: str, scale: int, path: Path) -> networks.Network:
    """The network of a row from a file that :func:`made_network` wrote."""
    return networks.load(replace(model_entries.get(row), unavailable=None), scale, {"state": path})
