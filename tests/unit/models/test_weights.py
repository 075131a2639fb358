"""Checkpoints: tensors come out, everything else is refused by name."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from sisr.base.errors import ModelError
from sisr.models import archs
from sisr.models.archs.espcn import ESPCN
from sisr.models.archs.vdsr import VDSR
from sisr.models.weights import load_into, read_state_dict
from torch import nn


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch /nonexistent/should-never-run",)


def legacy_checkpoint(path: Path, module: nn.Module, name: str = "vdsr") -> None:
    """A whole module, pickled in torch's pre-1.6 form as if its class came from a module ``name``."""
    fake = types.ModuleType(name)
    cls = type(module)
    original = cls.__module__, cls.__qualname__
    sys.modules[name] = fake
    cls.__module__, cls.__qualname__ = name, "Net"
    fake.Net = cls  # type: ignore[attr-defined]
    try:
        torch.save({"epoch": 50, "model": module}, path, _use_new_zipfile_serialization=False)
    finally:
        cls.__module__, cls.__qualname__ = original
        del sys.modules[name]


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())


def test_legacy_module_gives_its_tensors(tmp_path: Path) -> None:
    network = Small()
    legacy_checkpoint(tmp_path / "net.pth", network)
    state = read_state_dict(tmp_path / "net.pth", "legacy-module")
    assert set(state) == {"body.0.weight", "body.0.bias"}
    assert torch.equal(state["body.0.weight"], network.body[0].weight)


@pytest.mark.parametrize("form", ["legacy-module", "state-dict"])
def test_hostile_pickle_is_refused_by_name(tmp_path: Path, form: str) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"model": Hostile()}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelError) as caught:
        read_state_dict(path, form)  # type: ignore[arg-type]
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    if form == "legacy-module":
        assert "posix.system" in message


def test_a_dotted_name_is_refused(tmp_path: Path) -> None:
    """GLOBAL with attributes, as ``torch.nn.modules.conv`` + ``os.system``, must not be resolved."""
    path = tmp_path / "evil.pth"
    torch.save({}, path, _use_new_zipfile_serialization=False)
    payload = b"\x80\x02ctorch.nn.modules.conv\nos.system\n."
    head = path.read_bytes()
    magic, protocol, info = (pickle.dumps(x, 2) for x in _legacy_head(head))
    path.write_bytes(magic + protocol + info + payload)
    with pytest.raises(ModelError, match="refused"):
        read_state_dict(path, "legacy-module")


def _legacy_head(content: bytes) -> tuple[object, object, object]:
    import io

    stream = io.BytesIO(content)
    return pickle.load(stream), pickle.load(stream), pickle.load(stream)


@pytest.mark.parametrize("form", ["safetensors", "state-dict", "legacy-module"])
def test_truncated_and_foreign_files(tmp_path: Path, form: str) -> None:
    for name, content in (("empty", b""), ("text", b"hello, I am not a checkpoint\n")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ModelError, match=str(path)) as caught:
            read_state_dict(path, form)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="no such file"):
        read_state_dict(tmp_path / "missing", form)  # type: ignore[arg-type]


def test_wrong_scale_and_wrong_keys_name_the_tensor(tmp_path: Path) -> None:
    path = tmp_path / "x4.safetensors"
    save_file(ESPCN(4).state_dict(), path)
    state = read_state_dict(path, "safetensors")
    with pytest.raises(ModelError, match=r"'subpixel.weight' is \(16, 32, 3, 3\), expected \(4, 32, 3, 3\)"):
        load_into(ESPCN(2), state, path)
    with pytest.raises(ModelError, match=r"no tensor 'input\.weight' for VDSR"):
        load_into(VDSR(), state, path)
    whole = {**state, "subpixel.weight": state["subpixel.weight"].to(torch.int8)}
    with pytest.raises(ModelError, match="is int8, expected real numbers for ESPCN"):
        load_into(ESPCN(4), whole, path)
    with pytest.raises(ModelError, match="unexpected tensor 'extra'"):
        load_into(ESPCN(4), {**state, "extra": torch.zeros(1)}, path)


def test_unwraps_what_trainers_wrap(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"params_ema": {"module.a": torch.ones(2)}, "iter": 5}, path)
    assert torch.equal(read_state_dict(path, "state-dict")["a"], torch.ones(2))


def test_parameter_counts() -> None:
    """VDSR: 2*9*64 + 18*9*64*64 (no biases); ESPCN x3 of the paper's 5-3-3 / 64-32 layout, by hand."""
    assert sum(p.numel() for p in VDSR().parameters()) == 2 * 9 * 64 + 18 * 9 * 64 * 64 == 664_704
    by_hand = (25 * 64 + 64) + (9 * 64 * 32 + 32) + (9 * 32 * 9 + 9)
    assert sum(p.numel() for p in archs.build("espcn", 3).parameters()) == by_hand


def test_no_flipped_byte_gives_another_weight(tmp_path: Path) -> None:
    """Torch itself reads a zip without looking at its checksums."""
    path = tmp_path / "net.pth"
    whole = {name: torch.randn(50) for name in ("a", "b")}
    torch.save(whole, path)
    good = path.read_bytes()
    at = good.index(whole["b"].numpy().tobytes())
    assert torch.equal(read_state_dict(path, "state-dict")["b"], whole["b"])
    for place in (*range(at, at + 200, 9), *range(0, len(good), len(good) // 150)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x40]) + good[place + 1 :])
        try:
            state = read_state_dict(path, "state-dict")
        except ModelError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
        else:  # what no reader looks at, as the date of a member
            assert not at <= place < at + 200
            assert all(torch.equal(state[name], whole[name]) for name in whole)


def test_a_zip_without_checksums_is_read(tmp_path: Path) -> None:
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"a": torch.ones(2)}, tmp_path / "net.pth")
    finally:
        torch.serialization.set_crc32_options(before)
    assert torch.equal(read_state_dict(tmp_path / "net.pth", "state-dict")["a"], torch.ones(2))


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (torch.ones(2, dtype=torch.complex64), r"of complex numbers \(complex64\)"),
        (torch.eye(3).to_sparse(), r"sparse \(sparse_coo\)"),
        (torch.ones(2, device="meta"), "without values"),
    ],
    ids=["complex", "sparse", "meta"],
)
def test_what_no_layer_is_made_of_is_refused(tensor: torch.Tensor, said: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save({"params": {"a": torch.ones(2), "odd": tensor}}, path)
    with pytest.raises(ModelError, match=f"net.pth: tensor 'odd' is {said}; expected plain real numbers"):
        read_state_dict(path, "state-dict")
