"""BasicSR's models with what a benchmark needs: whole checkpoints, checked losses, curves, autocast.

Importing this module imports BasicSR, which takes seconds.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sisr.base.colour import rgb_to_y
from sisr.base.errors import TrainingError, TrainingStopped
from sisr.base.images import write_png
from sisr.models import archs
from sisr.models.compat import prepare_torchvision
from sisr.models.recipes import Recipe
from sisr.training import curves
from sisr.training.checkpoints import Folder
from sisr.training.losses import LpipsLoss, Vgg16Loss, WithEdges
from sisr.training.patches import Patches, TrainingPair, as_tensor

prepare_torchvision()

from basicsr.models.esrgan_model import ESRGANModel  # noqa: E402
from basicsr.models.sr_model import SRModel  # noqa: E402
from basicsr.models.srgan_model import SRGANModel  # noqa: E402
from basicsr.utils.registry import ARCH_REGISTRY, DATASET_REGISTRY, LOSS_REGISTRY, MODEL_REGISTRY  # noqa: E402


@dataclass
class Session:
    """What one training's parts share; BasicSR passes only plain options on."""

    recipe: Recipe
    scale: int
    patches: Patches
    validation: Sequence[TrainingPair]
    folder: Folder
    samples: Path
    progress: curves.Progress
    history: curves.History = field(default_factory=curves.History)
    start: int = 0
    stop: bool = False


#: The training of this process; there is one at a time.
session: Session | None = None


def current() -> Session:
    """The session of this process."""
    assert session is not None
    return session


def sisr_network(arch: str, scale: int, arguments: dict[str, Any]) -> nn.Module:
    """An architecture of :mod:`sisr.models.archs`, for BasicSR's ``build_network``."""
    network = archs.build(arch, scale, **arguments)
    start = getattr(network, "start_from_zero_detail", None)
    if start is not None:
        start()
    return network


class _Checked:
    """What is added to BasicSR's models; the first base of each, so that ``super()`` is BasicSR's."""

    opt: dict[str, Any]
    net_g: nn.Module
    device: torch.device
    log_dict: dict[str, float]

    def __init__(self, opt: dict[str, Any]) -> None:
        recipe = current().recipe
        # train_pipeline has just asked for the opposite.
        torch.backends.cudnn.benchmark = not recipe.deterministic
        self._saved: int | None = None
        self._iteration = current().start
        super().__init__(opt)  # type: ignore[call-arg]
        if recipe.edges is not None:
            self.cri_pix = WithEdges(self.cri_pix, recipe.edges)  # type: ignore[has-type]

    def model_to_device(self, net: nn.Module) -> nn.Module:
        """Wrap a network for bf16, and for several processes, which BasicSR knows with GPUs only."""
        if current().recipe.precision == "bf16":
            net.forward = _autocast(net.forward, self.device.type)
        if self.opt["dist"] and self.device.type == "cpu":
            return nn.parallel.DistributedDataParallel(net)
        return super().model_to_device(net)  # type: ignore[misc]

    def print_network(self, net: nn.Module) -> None:
        """Say nothing: BasicSR prints every layer."""

    def update_learning_rate(self, current_iter: int, warmup_iter: int = -1) -> None:
        """First call of an iteration: the place to stop, with the last iteration complete."""
        if current().stop:
            self.save(0, current_iter - 1)
            raise TrainingStopped(
                f"{current().recipe.name} x{current().scale}: interrupted after iteration "
                f"{current_iter - 1}; the same command goes on from there"
            )
        super().update_learning_rate(current_iter, warmup_iter)  # type: ignore[misc]

    def optimize_parameters(self, current_iter: int) -> None:
        """One iteration; a loss that is no number raises :class:`TrainingError`."""
        if isinstance(self.cri_pix, WithEdges):
            self.cri_pix.network = self.get_bare_model(self.net_g)  # type: ignore[attr-defined]
            self.cri_pix.lr = self.lq  # type: ignore[attr-defined]
        super().optimize_parameters(current_iter)  # type: ignore[misc]
        self._iteration = current_iter
        for name, value in self.log_dict.items():
            if not math.isfinite(value):
                self._not_finite(name, value)
        current().history.add(self.log_dict)
        current().progress.step(curves.generator_loss(self.log_dict))

    def _not_finite(self, name: str, value: float) -> None:
        here = current()
        kept = here.folder.iterations()
        last = f"the checkpoint of iteration {kept[-1]} is kept" if kept else "there is no checkpoint yet"
        raise TrainingError(
            f"{here.recipe.name} x{here.scale}: loss {name} is {value} at iteration {self._iteration}; "
            f"{last}; try a smaller learning_rate than {here.recipe.learning_rate:g}"
        )

    def save(self, epoch: int, current_iter: int) -> None:
        """Validate, add a point to the curves, and write a checkpoint; ``current_iter`` -1 is the end."""
        here = current()
        iteration = self._iteration if current_iter == -1 else current_iter
        if self.opt["rank"] != 0 or iteration == self._saved or iteration in here.folder.iterations():
            return
        # An interruption between two points adds none, so that the curves do not tell of it.
        if iteration % here.recipe.every == 0 or current_iter == -1:
            psnr = self._validate(iteration)
            rate = self.get_current_learning_rate()[0]  # type: ignore[attr-defined]
            here.history.close(iteration, rate, psnr)
            here.progress.validated(psnr)
        networks = {"net_g": {"params": _plain(self.get_bare_model(self.net_g))}}  # type: ignore[attr-defined]
        if hasattr(self, "net_g_ema"):
            networks["net_g"]["params_ema"] = _plain(self.net_g_ema)
        if hasattr(self, "net_d"):
            networks["net_d"] = {"params": _plain(self.get_bare_model(self.net_d))}  # type: ignore[attr-defined]
        state = {
            "epoch": max(epoch, 0),
            "iter": iteration,
            "optimizers": [one.state_dict() for one in self.optimizers],  # type: ignore[attr-defined]
            "schedulers": [one.state_dict() for one in self.schedulers],  # type: ignore[attr-defined]
            "history": vars(here.history),
        }
        here.folder.write(iteration, networks, state)
        self._saved = iteration

    def _validate(self, iteration: int) -> float | None:
        """Mean PSNR-Y of the validation images, without rounding; and a sample of the first one."""
        here = current()
        if not here.validation:
            return None
        network = getattr(self, "net_g_ema", None) or self.get_bare_model(self.net_g)  # type: ignore[attr-defined]
        network.eval()
        values = []
        with torch.no_grad():
            for number, pair in enumerate(here.validation):
                sr = network(as_tensor(pair.lr)[None].to(self.device))[0].float().cpu().numpy()
                sr = 255.0 * np.clip(sr, 0, 1).astype(np.float64)
                hr = 255.0 * as_tensor(pair.hr).numpy().astype(np.float64)
                values.append(psnr_y(hr, sr, here.scale))
                if number == 0:
                    pixels = np.rint(sr).astype(np.uint8)
                    sample = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
                    here.samples.mkdir(parents=True, exist_ok=True)
                    write_png(here.samples / f"{iteration}.png", sample)
        if network is not getattr(self, "net_g_ema", None):
            network.train()
        return float(np.mean(values))


def psnr_y(hr: np.ndarray, sr: np.ndarray, scale: int) -> float:
    """PSNR of luma in dB of two images ``(1 or 3, h, w)`` on [0, 255], without a border of ``scale``."""
    hr, sr = (p[0] if len(p) == 1 else rgb_to_y(p.transpose(1, 2, 0)) for p in (hr, sr))
    inner = (slice(scale, -scale),) * 2
    error = float(np.mean((hr[inner] - sr[inner]) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def _plain(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}


def _autocast(forward: Callable[..., torch.Tensor], device: str) -> Callable[..., torch.Tensor]:
    """A forward pass in bf16 whose output is float32, so that losses are computed in float32."""

    @functools.wraps(forward)
    def run(*inputs: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, torch.bfloat16):
            return forward(*inputs).float()

    return run


class SisrModel(_Checked, SRModel):
    """Pixel and perceptual losses."""


class SisrGANModel(_Checked, SRGANModel):
    """With the adversarial loss of SRGAN."""


class SisrRelativisticModel(_Checked, ESRGANModel):
    """With the relativistic adversarial loss of ESRGAN."""


def _patches(_options: dict[str, Any]) -> Patches:
    return current().patches


def _register() -> None:
    for one in (SisrModel, SisrGANModel, SisrRelativisticModel):
        MODEL_REGISTRY.register(one)
    for loss in (Vgg16Loss, LpipsLoss):
        LOSS_REGISTRY.register(loss)
    ARCH_REGISTRY.register(sisr_network)
    # The registry calls what it holds with the options; the patches are made already.
    DATASET_REGISTRY.register(_patches)


_register()
