"""TensorFlow graphs through OpenCV's ``dnn_superres``.

``params.name`` is OpenCV's name of the architecture (``espcn``, ``fsrcnn``, ``lapsrn``, ``edsr``).  OpenCV
itself splits BGR into YCrCb and enlarges the chroma bicubically for the luma networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sisr.engines import RawUpscaler
from sisr.engines.planes import probe
from sisr.errors import ModelError
from sisr.models import Model


def load(model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int) -> RawUpscaler:
    """See :func:`sisr.engines.load`; weights role ``graph``: a frozen ``.pb``.  Runs on the CPU."""
    network = _superres(threads)
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


def inspect(graph: Path) -> tuple[int, int, str]:
    """Channels, scale and OpenCV's name of the architecture of a frozen graph.

    The name decides what OpenCV does around the network: luma in [0, 1] for ``espcn``, ``fsrcnn`` and
    ``lapsrn``, three channels without their mean for ``edsr``.  So three channels are EDSR; FSRCNN's PReLU is
    written with an absolute value, and LapSRN is the deep one of the other two.
    """
    _superres(1)  # registers the layer DepthToSpace, without which the graphs cannot be read
    try:
        network = cv2.dnn.readNetFromTensorflow(str(graph))
        outputs = set(network.getLayerNames())
    except cv2.error as error:
        raise ModelError(f"{graph}: OpenCV cannot read it as a TensorFlow graph: {_brief(error)}") from None
    if "NCHW_output" not in outputs:
        raise ModelError(f"{graph}: no node 'NCHW_output', which OpenCV's super-resolution graphs end with")

    def run(planes: np.ndarray) -> np.ndarray:
        try:
            network.setInput(planes[None])
            return network.forward("NCHW_output")[0]
        except cv2.error as error:
            raise ModelError(f"{graph}: OpenCV cannot run it: {_brief(error)}") from None

    channels, scale = probe(run, (1, 3), str(graph))
    if channels == 3:
        return channels, scale, "edsr"
    if "AbsVal" in network.getLayerTypes():
        return channels, scale, "fsrcnn"
    return channels, scale, "lapsrn" if network.getLayersCount("Convolution") > 8 else "espcn"


def _superres(threads: int) -> Any:
    if not hasattr(cv2, "dnn_superres"):
        raise ModelError(
            "cv2.dnn_superres is missing: another OpenCV package overwrote opencv-contrib-python-headless"
        )
    cv2.setNumThreads(threads)
    return cv2.dnn_superres.DnnSuperResImpl_create()  # type: ignore[attr-defined]  # not in cv2's stubs


def _brief(error: cv2.error) -> str:
    return str(error.err).strip().splitlines()[0]
