"""Networks in ncnn's form, on the CPU.

Weights roles ``param`` (graph) and ``bin`` (values); ``params.input`` and ``params.output`` are the blob
names.  Input and output are RGB in [0, 1].  Half precision is switched off, since it costs digits and its
rounding differs between processors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ncnn
import numpy as np

from sisr.engines import RawUpscaler
from sisr.errors import ModelError
from sisr.models import Model


def load(model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int) -> RawUpscaler:
    """See :func:`sisr.engines.load`; ignores ``device``."""
    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = threads
    for switch in ("packed", "storage", "arithmetic"):
        setattr(network.opt, f"use_fp16_{switch}", False)
    network.opt.use_bf16_storage = False
    for role, read in (("param", network.load_param), ("bin", network.load_model)):
        if read(str(files[role])) != 0:
            raise ModelError(f"{files[role]}: ncnn cannot read it as a {role} file")
    names = model.params

    def upscale(lr: np.ndarray) -> np.ndarray:
        rgb = lr if lr.ndim == 3 else np.repeat(lr[..., None], 3, axis=2)
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
        extractor = network.create_extractor()
        # ncnn keeps a pointer into the array: `planes` has to live until extract() returns.
        extractor.input(names["input"], ncnn.Mat(planes))
        failed, output = extractor.extract(names["output"])
        if failed:
            raise ModelError(f"{model.label}: ncnn could not compute blob '{names['output']}'")
        sr = np.array(output)
        if not np.isfinite(sr).all():
            raise ModelError(f"{model.label}: output is not finite")
        expected = (3, lr.shape[0] * scale, lr.shape[1] * scale)
        if sr.shape != expected:
            raise ModelError(f"{model.label}: output is {sr.shape}, expected {expected} for x{scale}")
        return sr.transpose(1, 2, 0) * np.float32(255)

    return upscale
