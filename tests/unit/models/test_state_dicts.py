"""Checkpoints as people save them: which of what is inside is the network."""

from __future__ import annotations

import argparse
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sisr.base.errors import ModelError
from sisr.models import archs
from sisr.models.model_entries import named
from sisr.models.state_dicts import parts
from sisr.models.weights import read_checkpoint, read_state_dict
from sisr.upscaling.detection import identify
from torch import Tensor

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def plain() -> State:
    torch.manual_seed(0)
    return archs.build("espcn", 4).state_dict()


def under(prefix: str, state: Mapping[str, Tensor]) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def worse(state: Mapping[str, Tensor]) -> State:
    return {name: tensor + 1 for name, tensor in state.items()}


#: How trainers save a network: what of (its state dict, another of the same names) makes the file's content.
SAVED: dict[str, Callable[[State, State], Any]] = {
    "bare": lambda s, o: s,
    "basicsr": lambda s, o: {"params": o, "params_ema": s},
    "compiled within data-parallel": lambda s, o: under("_orig_mod.module.", s),
    "data-parallel within compiled": lambda s, o: under("module._orig_mod.", s),
    "lightning": lambda s, o: {"state_dict": under("net.", s), "epoch": 1, "pytorch-lightning_version": "2"},
    "lightning, deeper": lambda s, o: {"state_dict": under("model.net.", s), "hyper_parameters": {"lr": 1}},
    "mmagic": lambda s, o: {
        "state_dict": {**under("generator.", o), **under("generator_ema.", s), "step": torch.tensor([1])},
        "meta": {},
    },
    "gan": lambda s, o: {
        "state_dict": {**under("generator.", s), **under("discriminator.", {"conv.weight": torch.ones(2, 3)})}
    },
    "kair": lambda s, o: {"state_dict_G": s, "state_dict_D": {"conv.weight": torch.ones(2, 3)}},
    "one key a network": lambda s, o: {"net_d": {"conv.weight": torch.ones(2, 3)}, "net_g": s},
    "weights": lambda s, o: {"weights": s, "step": 7},
    "unusual key": lambda s, o: {"upsampler": s},
    "optimiser first": lambda s, o: {
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}, "model": s
    },
    "deep": lambda s, o: {"checkpoint": {"best": {"network": s}}},
    "numpy scalars": lambda s, o: {"state_dict": s, "psnr": np.float64(32.1), "history": np.arange(4.0)},
    "namespace": lambda s, o: {"args": argparse.Namespace(scale=4, root=Path("/data")), "model": s},
    "simple namespace": lambda s, o: {"opt": types.SimpleNamespace(scale=4), "state_dict": s},
    "numbers beside tensors": lambda s, o: {**s, "epoch": 3, "best": np.float32(32), "note": "x", "no": None},
}  # fmt: skip


@pytest.mark.parametrize("way", SAVED)
@pytest.mark.parametrize("name", ["net.pth", "pytorch_model.bin"])
def test_every_usual_way_of_saving_is_read(plain: State, way: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    torch.save(SAVED[way](plain, worse(plain)), path)
    found = identify(path)
    assert (found.architecture, found.scales) == ("espcn", (4,))
    state = read_state_dict(path, found.params["format"], found.params.get("part", ""))
    assert {name: tensor.tolist() for name, tensor in state.items()} == {
        name: tensor.tolist() for name, tensor in plain.items()
    }
    assert found.part is not None
    assert found.part.averaged == (way in ("basicsr", "mmagic"))


def test_a_part_of_a_network_is_no_network(plain: State, tmp_path: Path) -> None:
    """Where other tensors lie beside it that nothing explains."""
    path = tmp_path / "net.pth"
    torch.save({**under("first.", plain), **under("second.", {"conv.weight": torch.ones(2, 3, 3, 3)})}, path)
    with pytest.raises(ModelError, match="no known architecture"):
        identify(path)


def test_without_a_network_the_message_says_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    for content, wanted in (
        (torch.ones(3), "holds one tensor, expected a state dict"),
        ({"epoch": 3}, "holds no state dict but a dict whose 'epoch' is a int"),
        ([torch.ones(3)], "holds no state dict but a list"),
        ({}, "holds no state dict but a dict without entries"),
    ):
        torch.save(content, path)
        with pytest.raises(ModelError, match=wanted):
            read_checkpoint(path)


def test_stand_ins_run_nothing_and_others_are_refused(tmp_path: Path) -> None:
    """Only names of holders of values are let through, and no code of theirs runs."""

    class Loads:
        def __reduce__(self) -> tuple[Any, ...]:
            return np.load, (str(tmp_path / "gone.npy"),)

    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return eval, (f"open({str(tmp_path / 'made')!r}, 'w')",)

    path = tmp_path / "net.pth"
    torch.save({"state_dict": {"a": torch.ones(2)}, "beside": Loads()}, path)
    assert list(read_state_dict(path, "state-dict")) == ["a"]
    torch.save({"state_dict": {"a": torch.ones(2)}, "beside": Runs()}, path)
    with pytest.raises(ModelError, match=r"refused: the pickle asks for builtins\.eval|refused: .*eval"):
        read_state_dict(path, "state-dict")
    assert not (tmp_path / "made").exists()


def test_the_order_of_parts() -> None:
    one = {"a.w": torch.ones(2)}
    assert [part.name for part in parts({"net_d": one, "params": one, "ema": one})][:3] == [
        "ema/",
        "params/",
        "net_d/",
    ]


def test_what_was_taken_is_said(plain: State, tmp_path: Path) -> None:
    from sisr.upscaling.detection import describe

    path = tmp_path / "net.pth"
    torch.save(SAVED["mmagic"](plain, worse(plain)), path)
    line = describe(named(str(path)), 4)
    assert line.endswith("; weights 'state_dict/generator_ema.' (averaged over training)")
