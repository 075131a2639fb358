"""Networks as ONNX graphs, for programs that have no PyTorch."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from sisr.base.atomic import replacing
from sisr.base.errors import ModelError, first_line
from sisr.models.model_entries import Model
from sisr.upscaling import engines, networks

#: Of ONNX's operators; onnxruntime has had it since 1.12 (2022).
OPSET = 17
#: Sides of the input that the network is followed on, when the graph is for any size.
_TRACED = (32, 40)


class _Unit(nn.Module):
    """A network on [0, 1], whatever its own range."""

    def __init__(self, network: networks.Network) -> None:
        super().__init__()
        self.module, self.peak = network.module, float(network.peak)

    def forward(self, lr: Tensor) -> Tensor:
        if self.peak == 1:
            return self.module(lr)
        return self.module(lr * self.peak) / self.peak


def export(
    model: Model, scale: int, files: Mapping[str, Path], target: Path, size: tuple[int, int] | None = None
) -> None:
    """Write a PyTorch network as an ONNX graph, its values inside.

    The graph takes ``lr``, float32 ``(n, c, h, w)`` on [0, 1], RGB or luma as the network, and gives ``sr``,
    ``(n, c, s*h, s*w)``.  It is for images of any size, or for one of ``size`` (height, width) alone.
    Whether it computes what the network does is for the caller to try: an export follows one run, and a
    network whose steps depend on the size goes wrong on others.

    Raises
    ------
    ModelError
        For a model that is no PyTorch network of a known architecture, runs its network on the bicubic
        enlargement or several times, whose input must have sides of a multiple that ``size`` has not, or
        that ONNX has no operators for.
    """
    if model.modifiers:
        raise ModelError(f"{model.label}: runs its network several times, which no graph says")
    model, scale, files = engines.resolve(model, scale, files)
    if model.engine != "torch":
        raise ModelError(f"{model.label}: is no PyTorch network, which alone can be exported")
    if model.params["arch"] in ("python", "torchscript"):
        raise ModelError(f"{model.label}: is a program of its own; expected weights of a known architecture")
    network = networks.load(model, scale, files)
    if network.enlarge_first:
        raise ModelError(f"{model.label}: runs on the bicubic enlargement, which is not in the network")
    _check_size(model.label, network, size)
    free = {} if size else {"n": 0, "h": 2, "w": 3}
    axes = {end: {place: f"{end}_{name}" for name, place in free.items()} for end in ("lr", "sr")}
    example = torch.rand(1, network.channels, *(size or _TRACED))
    with replacing(target) as temporary, warnings.catch_warnings(), _unprinted():
        warnings.simplefilter("ignore")  # of the exporter's age, and of values that are constants on purpose
        try:
            # The newer exporter needs onnxscript, and gives the same graphs for these networks.
            torch.onnx.export(
                _Unit(network).eval(), (example,), temporary, dynamo=False, opset_version=OPSET,
                input_names=["lr"], output_names=["sr"], dynamic_axes=axes,
            )  # fmt: skip
        except Exception as error:  # whatever code of any network raises under it
            reason = first_line(error).partition(". ")[0]
            hint = "" if size else "; for images of one size it may be: --size 128x128"
            raise ModelError(f"{model.label}: cannot be exported: {reason[:300]}{hint}") from None


@contextmanager
def _unprinted() -> Iterator[None]:
    """Keep what torch's library prints, where an export fails: the whole network, layer by layer."""
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


def _check_size(label: str, network: networks.Network, size: tuple[int, int] | None) -> None:
    multiple = network.multiple_of
    if multiple > 1 and (size is None or any(side % multiple for side in size)):
        found = "found none" if size is None else f"found {size[0]}x{size[1]}"
        raise ModelError(f"{label}: takes sides of a multiple of {multiple} only: give such a size, {found}")
