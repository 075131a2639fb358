"""PyTorch networks.

:mod:`sisr.networks` says how an entry becomes a network.  Deterministic algorithms are on and TF32 is off:
the numbers must not depend on which convolution was fastest on the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from sisr import networks
from sisr.engines import RawUpscaler
from sisr.engines.luma import upscale_luma
from sisr.errors import ModelError
from sisr.kernels.matlab import imresize
from sisr.models import Model

#: float32 (c, h, w) on the network's input range -> float32 (c, s*h, s*w).
PlanesUpscaler = Callable[[np.ndarray], np.ndarray]


def load_network(
    model: Model, scale: int, files: Mapping[str, Path], device: str = "cpu", threads: int = 1
) -> PlanesUpscaler:
    """The bare network on floating-point planes, without the rounding to 8 bits on either side."""
    torch.set_num_threads(threads)
    # Not use_deterministic_algorithms(): that imports the compiler, which takes longer than a small cell.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    network = networks.load(model, scale, files)
    module = network.module.to(device)

    def run(planes: np.ndarray) -> np.ndarray:
        """float32 (c, h, w) -> float32 (c, s*h, s*w)"""
        source = (
            imresize(planes.transpose(1, 2, 0), scale).transpose(2, 0, 1) if network.enlarge_first else planes
        )
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(source, dtype=np.float32))[None].to(device)
            output = module(batch)[0].float().cpu().numpy()
        if not np.isfinite(output).all():
            raise ModelError(f"{model.label}: output is not finite")
        expected = (planes.shape[0], planes.shape[1] * scale, planes.shape[2] * scale)
        if output.shape != expected:
            raise ModelError(f"{model.label}: output is {output.shape}, expected {expected} for x{scale}")
        return output

    return run


def load(model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int) -> RawUpscaler:
    """See :func:`sisr.engines.load`."""
    run = load_network(model, scale, files, device, threads)

    def upscale(lr: np.ndarray) -> np.ndarray:
        if model.colour == "y":
            return upscale_luma(lr, scale, lambda plane: run(plane[None])[0])
        rgb = lr if lr.ndim == 3 else np.repeat(lr[..., None], 3, axis=2)
        peak = np.float32(model.input_peak)
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32) * (peak / 255)
        return run(planes).transpose(1, 2, 0) * (255 / peak)

    return upscale
