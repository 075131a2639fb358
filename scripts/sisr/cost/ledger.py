"""The precision ledger: one PyTorch model in bf16, fp16 and TF32 against itself in fp32, image by image."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sisr import device as devices
from sisr import engines
from sisr.atomic import write_json
from sisr.cost.counts import WeightFiles
from sisr.cost.ledger_table import PRECISIONS
from sisr.errors import ModelError, ModelUnavailable
from sisr.images import modcrop, read_image
from sisr.metrics.fidelity import psnr
from sisr.models import Model
from sisr.upscale import attempt

log = logging.getLogger(__name__)

#: Protocol of the ledger's PSNR.
PROTOCOL = "y-bt601"


@dataclass(frozen=True)
class Difference:
    """What a lower precision changed in one image.

    PSNR in dB under :data:`PROTOCOL`, of the 8-bit images; ``max_error`` is the largest absolute difference
    of the outputs before rounding, in gray levels of 255; ``changed`` the share of 8-bit values that differ.
    """

    psnr_fp32: float
    psnr: float
    delta_psnr: float
    max_error: float
    changed: float


def compare(hr: np.ndarray, reference: np.ndarray, other: np.ndarray, scale: int) -> Difference:
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
    return Difference(fp32, lower, delta, float(error), float((before != after).mean()))


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


@contextmanager
def in_precision(precision: str, device: str) -> Iterator[None]:
    """Convolutions and matrix products of the block in ``tf32``, ``bf16`` or ``fp16``; the rest in fp32."""
    import torch

    if precision == "tf32":
        switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
        for switch in switches:
            switch.allow_tf32 = True
        try:
            yield
        finally:
            for switch in switches:
                switch.allow_tf32 = False
        return
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    with torch.autocast(device.partition(":")[0], dtype=dtype):
        yield


def ledger(
    upscaler: engines.RawUpscaler,
    pictures: Iterable[tuple[str, np.ndarray, np.ndarray]],
    scale: int,
    device: str,
) -> list[dict[str, Any]]:
    """Rows of the ledger for ``(name, LR, HR)`` pictures: one an image and precision.

    A precision that the device lacks is one row with its reason; an output that is not finite is a row of
    status ``failed``.
    """
    reasons = {precision: why_not(precision, device) for precision in PRECISIONS}
    rows: list[dict[str, Any]] = [
        {"image": "", "precision": precision, "status": "not run", "reason": reason}
        for precision, reason in reasons.items()
        if reason
    ]
    for name, lr, hr in pictures:
        reference = upscaler(lr)
        for precision in (name for name, reason in reasons.items() if not reason):
            row: dict[str, Any] = {"image": name, "precision": precision}
            try:
                with in_precision(precision, device):
                    found = compare(hr, reference, upscaler(lr), scale)
            except ModelError as error:
                rows.append({**row, "status": "failed", "reason": str(error)})
                continue
            numbers = {key: round(value, 6) for key, value in vars(found).items()}
            rows.append({**row, **numbers, "status": "ok", "reason": ""})
    return rows


def ledger_job(
    model: Model,
    scale: int,
    weights: WeightFiles,
    *,
    hr_manifest: Path,
    lr_manifest: Path,
    out: Path,
    device: str,
    threads: int,
) -> None:
    """Write the ledger of one model and scale over an LR set as JSON, or why there is none."""
    lr_set = json.loads(lr_manifest.read_text(encoding="utf-8"))
    hr_files = {
        image["name"]: hr_manifest.parent / image["file"]
        for image in json.loads(hr_manifest.read_text(encoding="utf-8"))["images"]
    }

    def pictures() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        for image in lr_set["images"]:
            hr = modcrop(read_image(hr_files[image["name"]]).array, scale)
            yield image["name"], read_image(lr_manifest.parent / image["file"]).array, hr

    used = ""

    def work() -> tuple[Mapping[str, Any], ...]:
        from sisr.engines import pytorch

        nonlocal used
        if model.unavailable:
            raise ModelUnavailable(model.unavailable)
        with devices.lease(devices.resolve(device)) as leased:
            upscaler = pytorch.load(model, scale, weights(), leased, threads)
            used = _name(leased)
            return tuple(ledger(upscaler, pictures(), scale, leased))

    status = attempt(work)
    rows = list(status.images) or [
        {"image": "", "precision": precision, "status": status.status, "reason": status.reason}
        for precision in PRECISIONS
    ]
    write_json(
        out,
        {
            "model": model.id,
            "scale": scale,
            "dataset": lr_set["dataset"],
            "kernel": lr_set["kernel"],
            "device": used,
            "rows": rows,
        },
    )


def _name(device: str) -> str:
    """Name of the processor or GPU."""
    from sisr.cost.machine import describe

    return str(describe(device, 1)["device"])
