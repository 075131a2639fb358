"""TensorFlow graphs through OpenCV's ``dnn_superres``.

``params.name`` is OpenCV's name of the architecture (``espcn``, ``fsrcnn``, ``lapsrn``, ``edsr``).  OpenCV
itself splits BGR into YCrCb and enlarges the chroma bicubically for the luma networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from sisr.engines import RawUpscaler
from sisr.errors import ModelError
from sisr.models import Model


def load(model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int) -> RawUpscaler:
    """See :func:`sisr.engines.load`; weights role ``graph``: a frozen ``.pb``.  Runs on the CPU."""
    if not hasattr(cv2, "dnn_superres"):
        raise ModelError(
            "cv2.dnn_superres is missing: another OpenCV package overwrote opencv-contrib-python-headless"
        )
    cv2.setNumThreads(threads)
    network = cv2.dnn_superres.DnnSuperResImpl_create()  # type: ignore[attr-defined]  # not in cv2's stubs
    graph = files["graph"]
    try:
        network.readModel(str(graph))
        network.setModel(model.params["name"], scale)
    except cv2.error as error:
        raise ModelError(f"{graph}: OpenCV cannot read it as {model.params['name']}: {error.err}") from None

    def upscale(lr: np.ndarray) -> np.ndarray:
        # dnn_superres takes three channels only; the luma of replicated gray is gray again.
        bgr = cv2.cvtColor(lr, cv2.COLOR_GRAY2BGR if lr.ndim == 2 else cv2.COLOR_RGB2BGR)
        try:
            sr = network.upsample(bgr)
        except cv2.error as error:
            raise ModelError(f"{model.label} failed on {lr.shape[1]}x{lr.shape[0]}: {error.err}") from None
        if lr.ndim == 2 and model.colour == "y":
            return np.ascontiguousarray(sr[..., 1])
        return cv2.cvtColor(sr, cv2.COLOR_BGR2RGB)

    return upscale
