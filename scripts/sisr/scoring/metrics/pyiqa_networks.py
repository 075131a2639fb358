"""No-reference networks by the package pyiqa, pinned: version, checkpoint, crops and seed are the protocol's.

The package would fetch the checkpoint, and for some networks that of a backbone too, from wherever it lies
today, and unpickle it.  Here the networks are built empty and get the checked checkpoint, whole, as tensors.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from sisr.base.colour import Uint8Image, replicate
from sisr.base.errors import ModelError
from sisr.scoring.metrics.code import Setting
from sisr.scoring.metrics.pairs import check_pair
from sisr.scoring.metrics.protocol import NetworkProtocol, protocol


class PyiqaNetwork:
    """A metric of pyiqa of the SR image alone; ``net`` of the protocol is its name there.

    Its file is ``weights``.  Raises :class:`ModelError` for one that does not fit.
    """

    def __init__(self, setting: Setting) -> None:
        rules = protocol(setting.protocol)
        assert isinstance(rules, NetworkProtocol)  # as its entry says
        assert rules.net is not None
        self._device = torch.device(setting.device)
        self._seed = rules.seed or 0
        self._network = _build(rules.net, rules.crops, setting.files["weights"]).to(self._device).eval()

    @torch.inference_mode()
    def __call__(self, hr: Uint8Image, sr: Uint8Image) -> float:
        """Of ``sr``, RGB in [0, 1], gray replicated; ``hr`` is not looked at."""
        check_pair(hr, sr)
        pixels = torch.tensor(replicate(sr), device=self._device).permute(2, 0, 1)[None]
        with torch.random.fork_rng():
            torch.manual_seed(self._seed)
            return float(self._network(pixels.to(torch.float32) / 255))


def _build(name: str, crops: int | None, weights: Path) -> torch.nn.Module:
    with _packaging_in_pkg_resources():
        from pyiqa.archs import build_network
        from pyiqa.default_model_configs import DEFAULT_CONFIGS

    options: dict[str, Any] = {**DEFAULT_CONFIGS[name]["metric_opts"], "pretrained": False}
    if options["type"] == "CLIPIQA":
        # CLIP itself is the checkpoint, and there is no other.
        return build_network({**options, "backbone": str(weights)})
    if options["type"] == "CFANet":
        options["backbone_pretrain"] = False
    if crops is not None:
        options["test_sample"] = crops
    with _empty_backbones():
        network = build_network(options)
    try:
        found = torch.load(weights, map_location="cpu", weights_only=True)
        state = {key.removeprefix("module."): value for key, value in found.get("params", found).items()}
        network.load_state_dict(state, strict=True)
    except OSError as error:
        raise ModelError(f"{weights}: cannot read the weights: {error.strerror}") from None
    except Exception as error:  # torch raises many kinds for a file that is not its own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(f"{weights}: not the weights of {name}: {reason}") from None
    return network


@contextmanager
def _packaging_in_pkg_resources() -> Iterator[None]:
    """CLIP's package takes ``packaging`` from where setuptools no longer has it."""
    if "pkg_resources" in sys.modules or importlib.util.find_spec("pkg_resources") is not None:
        yield
        return
    import packaging.version

    module = ModuleType("pkg_resources")
    module.packaging = packaging  # type: ignore[attr-defined]
    sys.modules["pkg_resources"] = module
    try:
        yield
    finally:
        del sys.modules["pkg_resources"]


@contextmanager
def _empty_backbones() -> Iterator[None]:
    """Let timm build networks without fetching weights: those come with the checkpoint."""
    import timm

    create = timm.create_model
    timm.create_model = lambda *args, **options: create(*args, **{**options, "pretrained": False})
    try:
        yield
    finally:
        timm.create_model = create
