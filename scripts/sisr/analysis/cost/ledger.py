"""The precision ledger: one PyTorch model in bf16, fp16 and TF32 against itself in fp32, image by image."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sisr.base import device as devices
from sisr.base.atomic import write_json
from sisr.base.errors import ModelError, ModelSkipped, ModelUnavailable
from sisr.base.images import modcrop, read_image
from sisr.base.manifest import LrManifest, Manifest
from sisr.scoring.metrics.fidelity import psnr
from sisr.upscaling import engines
from sisr.upscaling.inference.options import LOWER_PRECISIONS, Execution
from sisr.upscaling.upscale import ScaledModel, attempt

if TYPE_CHECKING:
    from sisr.upscaling.engines.pytorch import TorchUpscaler

log = logging.getLogger(__name__)

#: Protocol of the ledger's PSNR.
PROTOCOL = "y-bt601"


@dataclass(frozen=True)
class PrecisionLoss:
    """What a lower precision changed in one image.

    PSNR in dB under :data:`PROTOCOL`, of the 8-bit images; ``max_error`` is the largest absolute difference
    of the outputs before rounding, in gray levels of 255; ``changed`` the share of 8-bit values that differ.
    """

    psnr_fp32: float
    psnr: float
    delta_psnr: float
    max_error: float
    changed: float


def compare(hr: np.ndarray, reference: np.ndarray, other: np.ndarray, scale: int) -> PrecisionLoss:
    """Difference of two outputs (floating point on [0, 255], not rounded) for one HR image (uint8).

    Raises :class:`ModelError` where ``other`` is not finite.
    """
    if not np.isfinite(other).all():
        raise ModelError("output is not finite")
    before, after = engines.to_uint8(reference), engines.to_uint8(other)
    fp32, lower = (psnr(hr, sr, PROTOCOL, scale) for sr in (before, after))
    # Two images that equal HR have the same, infinite, PSNR.
    delta = 0.0 if math.isinf(fp32) and math.isinf(lower) else lower - fp32
    error = np.abs(other.astype(np.float64) - reference.astype(np.float64)).max()
    return PrecisionLoss(fp32, lower, delta, float(error), float((before != after).mean()))


def why_not(precision: str, device: str) -> str:
    """Why a precision is not run on a device, "" where it is."""
    if not device.startswith("cuda"):
        return "" if precision == "bf16" else f"{precision} is for GPUs; this run used the {device.upper()}"
    import torch

    if precision == "tf32" and torch.cuda.get_device_capability(device) < (8, 0):
        return "TF32 needs a GPU of compute capability 8.0"
    if precision == "bf16" and not torch.cuda.is_bf16_supported():
        return "this GPU has no bf16"
    return ""


def ledger(
    load: Callable[[str], TorchUpscaler],
    images: Iterable[tuple[str, np.ndarray, np.ndarray]],
    scale: int,
    device: str,
) -> list[dict[str, Any]]:
    """Rows of the ledger for ``(name, LR, HR)`` images: one an image and precision.

    ``load`` gives the model in a precision, as inference runs it.  A precision that the device lacks, or that
    the network is known to fail in, is one row with its reason; an image whose values were not finite, and
    which therefore ran again in fp32, is a row of status ``failed``.
    """
    rows: list[dict[str, Any]] = []
    lower: dict[str, TorchUpscaler] = {}
    for precision in LOWER_PRECISIONS:
        try:
            if reason := why_not(precision, device):
                raise ModelSkipped(reason)
            lower[precision] = load(precision)
        except ModelSkipped as error:
            rows.append({"image": "", "precision": precision, "status": "not run", "reason": str(error)})
    plain = load("fp32")
    for name, lr, hr in images:
        reference = plain(lr)
        for precision, upscaler in lower.items():
            before = upscaler.retried
            try:
                output = upscaler(lr)
                if upscaler.retried > before:
                    raise ModelError(f"not finite in {precision}; inference runs it again in fp32")
                found = compare(hr, reference, output, scale)
            except ModelError as error:
                reason = str(error)
                rows.append({"image": name, "precision": precision, "status": "failed", "reason": reason})
                continue
            numbers = {key: round(value, 6) for key, value in vars(found).items()}
            rows.append({"image": name, "precision": precision, **numbers, "status": "ok", "reason": ""})
    return rows


def ledger_job(
    scaled: ScaledModel,
    *,
    hr_manifest: Path,
    lr_manifest: Path,
    out: Path,
    execution: Execution,
) -> None:
    """Write the ledger of one model and scale over an LR set as JSON, or why there is none.

    ``execution`` is the run's; the precision is the ledger's.
    """
    model, scale = scaled.model, scaled.scale
    lr_set, hr_set = LrManifest.read(lr_manifest), Manifest.read(hr_manifest)

    def images() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        for name, path in lr_set.files.items():
            hr = modcrop(read_image(hr_set.files[name]).array, scale)
            yield name, read_image(path).array, hr

    used = ""

    def work() -> tuple[Mapping[str, Any], ...]:
        from sisr.upscaling import networks
        from sisr.upscaling.engines import pytorch
        from sisr.upscaling.inference.runner import Runner

        nonlocal used
        if model.unavailable:
            raise ModelUnavailable(model.unavailable)
        with devices.lease(devices.resolve(execution.device)) as leased:
            network = networks.load(model, scale, scaled.weights())

            def load(precision: str) -> TorchUpscaler:
                chosen = replace(execution.options, precision=precision)  # type: ignore[arg-type]
                return pytorch.TorchUpscaler(
                    Runner(network, chosen, leased, execution.threads, model.label), model.colour
                )

            used = _name(leased)
            return tuple(ledger(load, images(), scale, leased))

    status = attempt(work)
    rows = list(status.found) or [
        {"image": "", "precision": precision, "status": status.status, "reason": status.reason}
        for precision in LOWER_PRECISIONS
    ]
    write_json(
        out,
        {
            "model": model.id,
            "scale": scale,
            "dataset": lr_set.dataset,
            "kernel": lr_set.kernel,
            "device": used,
            "rows": rows,
        },
    )


def _name(device: str) -> str:
    """Name of the processor or GPU."""
    from sisr.analysis.cost.conditions import describe

    return str(describe(device, 1)["device"])
