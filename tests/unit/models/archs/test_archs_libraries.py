"""BasicSR and spandrel: what is imported, what they state of their networks, what they refuse."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from sisr.base.errors import ConfigError
from sisr.models import archs, model_entries
from sisr.upscaling import networks

RGB = {"num_in_ch": 3, "num_out_ch": 3}


def test_basicsr_is_not_imported_as_a_whole() -> None:
    """One module of it, and afterwards it can be imported as ever, with the same class in its registry."""
    script = """
import sys
from sisr.models import archs
network = archs.build("basicsr:EDSR", 2, num_in_ch=3, num_out_ch=3, num_feat=4, num_block=1)
assert not any(name.startswith(("basicsr.models", "basicsr.data", "basicsr.metrics")) for name in sys.modules)
assert "basicsr" not in sys.modules
from basicsr.archs import build_network
again = build_network({"type": "EDSR", "num_in_ch": 3, "num_out_ch": 3, "num_feat": 4, "num_block": 1})
assert type(again) is type(network)
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_unknown_class_and_argument_are_one_line() -> None:
    with pytest.raises(ConfigError, match="did you mean 'EDSR'"):
        archs.build("basicsr:EDRS", 2)
    with pytest.raises(ConfigError, match=r"basicsr:EDSR.*'widht'"):
        archs.build("basicsr:EDSR", 2, widht=3, **RGB)


def test_what_spandrel_states_is_carried_over(tmp_path: Path) -> None:
    """Real-ESRGAN x2 shuffles 2x2 pixels into one; SwinIR looks at windows and does without fp16."""
    path = tmp_path / "net.pth"
    rrdb = archs.build("basicsr:RRDBNet", 2, num_feat=8, num_block=1, **RGB)
    torch.save({"params_ema": rrdb.state_dict()}, path)
    network = networks.load(model_entries.get("realesrgan-x2plus"), 2, {"state": path})
    assert (network.multiple_of, network.minimum_size) == (2, 4)
    assert (network.tiling, network.supports_half, network.supports_bf16) == ("supported", True, True)
    assert (network.architecture, network.channels, network.peak) == ("ESRGAN", 3, 1)

    small = {"embed_dim": 12, "depths": [2], "num_heads": [2], "window_size": 8, "mlp_ratio": 2}
    swin = archs.build("basicsr:SwinIR", 2, upsampler="pixelshuffledirect", **small)
    torch.save({"params": swin.state_dict()}, path)
    network = networks.load(model_entries.get("swinir-light"), 2, {"state": path})
    assert (network.tiling, network.supports_half, network.supports_bf16) == ("discouraged", False, True)
    assert network.minimum_size == 16


def test_own_architectures_state_what_they_need(tmp_path: Path) -> None:
    path = tmp_path / "rlfn.pth"
    torch.save(archs.build("rlfn", 2).state_dict(), path)
    network = networks.load(model_entries.get("rlfn"), 2, {"state": path})
    assert (network.minimum_size, network.tiling, network.peak) == (15, "discouraged", 255)
    params = {"arch": "edge-informed", "format": "state-dict"}
    model = replace(model_entries.get("edge-informed-sr"), unavailable=None, params=params)
    torch.save(archs.build("edge-informed", 2).state_dict(), path)
    network = networks.load(model, 2, {"state": path})
    assert (network.minimum_size, network.multiple_of, network.tiling) == (6, 2, "discouraged")
