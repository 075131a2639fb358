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

from sisr.base.errors import ModelError
from sisr.models.model_entries import Model
from sisr.upscaling.engines import RawUpscaler
from sisr.upscaling.engines.planes import Seen, probe
from sisr.upscaling.inference.options import Options


def load(
    model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int, options: Options
) -> RawUpscaler:
    """See :func:`sisr.upscaling.engines.load`; weights role ``graph``: a frozen ``.pb``.  Runs on the CPU."""
    network = _superres(threads)
    graph = files["graph"]
    _check_graph(graph)
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


def inspect(graph: Path) -> Seen:
    """What a frozen graph does; ``params`` has OpenCV's name of the architecture.

    The name decides what OpenCV does around the network: luma in [0, 1] for ``espcn``, ``fsrcnn`` and
    ``lapsrn``, three channels without their mean for ``edsr``.  So three channels are EDSR; FSRCNN's PReLU is
    written with an absolute value, and LapSRN is the deep one of the other two.
    """
    _check_graph(graph)
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
        name = "edsr"
    elif "AbsVal" in network.getLayerTypes():
        name = "fsrcnn"
    else:
        name = "lapsrn" if network.getLayersCount("Convolution") > 8 else "espcn"
    return Seen(channels, scale, {"name": name})


def _check_graph(path: Path) -> None:
    """Raise :class:`ModelError` unless a file is a sequence of the fields of TensorFlow's ``GraphDef``.

    OpenCV ends the process where it reads some texts or truncated files as a graph.  A field is a key, which
    is its number and wire type (here 2, bytes with their length, or 0, a number), and its value; integers
    have seven bits a byte, the low ones first.  Field 1 is a node, 2 the library, 3 and 4 versions.
    """
    content = path.read_bytes()
    place, nodes = 0, 0
    try:
        while place < len(content):
            key, place = _varint(content, place)
            value, place = _varint(content, place)
            if key not in (0x0A, 0x12, 0x18, 0x22):
                raise ValueError(f"field {key >> 3} of wire type {key & 7}")
            nodes += key == 0x0A
            place += 0 if key == 0x18 else value
        if place != len(content):
            raise ValueError("it is truncated")
        if not nodes:
            raise ValueError("it has no node")
    except (ValueError, IndexError) as error:
        raise ModelError(f"{path}: not a TensorFlow graph: {error}") from None


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """The integer at a place, and the place after it."""
    value = shift = 0
    while True:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
        if shift > 63:
            raise ValueError("an integer without end")


def _superres(threads: int) -> Any:
    if not hasattr(cv2, "dnn_superres"):
        raise ModelError(
            "cv2.dnn_superres is missing: another OpenCV package overwrote opencv-contrib-python-headless"
        )
    cv2.setNumThreads(threads)
    return cv2.dnn_superres.DnnSuperResImpl_create()  # type: ignore[attr-defined]  # not in cv2's stubs


def _brief(error: cv2.error) -> str:
    return str(error.err).strip().splitlines()[0]
