"""ONNX graphs through onnxruntime, on the CPU.

Weights role ``graph``: a ``.onnx`` with one input and one output, ``(n, c, h, w)``, and its values in it or
in ``<name>.onnx.data`` beside it, as torch exports it.  A graph of a fixed height or width runs on images of
that size, and on larger ones in windows (:mod:`sisr.upscaling.engines.windows`).  Integers, in or out, are on
0 to 255.  Nothing of a file is run but the operators that onnxruntime itself has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sisr.base.errors import ModelError, first_line, is_out_of_memory
from sisr.models.model_entries import Model
from sisr.upscaling.engines import RawUpscaler
from sisr.upscaling.engines.planes import SIZES, Planes, Seen, image_upscaler, probe
from sisr.upscaling.engines.windows import Windowed
from sisr.upscaling.inference.options import Options

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


@dataclass(frozen=True)
class Graph:
    """A graph that is open: ``run`` for a range of the input, what numbers of channels it may have, its
    height and width (None for any), and whether it takes integers.
    """

    run: Planes
    channels: tuple[int, ...]
    size: tuple[int | None, int | None]
    integers: bool


def load(
    model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int, options: Options
) -> RawUpscaler:
    """See :func:`sisr.upscaling.engines.load`; ignores ``device`` and ``options``."""
    graph = open_graph(files["graph"], threads, model.input_peak)
    if graph.integers and model.input_peak != 255:
        raise ModelError(f"{files['graph']}: takes uint8, so white is 255; the entry states input_range 0-1")
    run = graph.run
    if graph.size != (None, None):
        channels = 1 if model.colour == "y" else 3
        run = Windowed(run, graph.size, scale, channels, model.input_peak, str(files["graph"]))
    return image_upscaler(run, model.label, scale, model.colour, model.input_peak)


def inspect(path: Path) -> Seen:
    """What a graph does; :class:`ModelError` where it is none, or not one of images."""
    graph = open_graph(path, 1)
    sizes = dict.fromkeys((graph.size[0] or height, graph.size[1] or width) for height, width in SIZES)
    channels, scale = probe(graph.run, graph.channels, str(path), list(sizes))
    return Seen(channels, scale, range="0-255" if graph.integers else None)


def open_graph(path: Path, threads: int, peak: int = 255) -> Graph:
    """The graph for planes on 0 to ``peak``."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is raised as well
    # Values in any other file would change the output without being an input of the job: from bytes and an
    # empty place, onnxruntime finds none.
    with tempfile.TemporaryDirectory() as nothing:
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", nothing)
        if (data := path.with_name(f"{path.name}.data")).is_file():
            if data.resolve().parent not in (path.parent.resolve(), path.resolve().parent):
                raise ModelError(f"{data}: is a link out of its folder; put the values there themselves")
            values = data.read_bytes()
            options.add_external_initializers_from_files_in_memory([data.name], [values], [len(values)])
        try:
            graph = path.read_bytes()
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a class for each code, all direct heirs of Exception
            if is_out_of_memory(error):
                raise
            if "External data path" in str(error):
                raise ModelError(
                    f"{path}: its values are in another file than {path.name}.data beside it; export it with "
                    "external_data=False"
                ) from None
            raise ModelError(f"{path}: onnxruntime cannot read it: {first_line(error)}") from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{path}: {len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
    for verb, end in (("takes", inputs[0]), ("gives", outputs[0])):
        if end.type not in _TYPES:
            raise ModelError(f"{path}: {verb} {end.type}, expected one of {', '.join(_TYPES)}")
    channels, size = _shape_of(inputs[0], path)
    name, kind = inputs[0].name, _TYPES[inputs[0].type]
    # A result of integers is on 0 to 255 whatever the range of the input.
    level = np.float32(peak / 255 if outputs[0].type == "tensor(uint8)" else 1)

    def run(planes: np.ndarray) -> np.ndarray:
        values = np.rint(planes) if kind is np.uint8 else planes
        try:
            output = session.run(None, {name: values[None].astype(kind)})[0]
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise ModelError(f"{path}: onnxruntime: {first_line(error)}") from None
        return np.asarray(output)[0].astype(np.float32) * level

    return Graph(run, channels, size, kind is np.uint8)


def _shape_of(graph_input: Any, path: Path) -> tuple[tuple[int, ...], tuple[int | None, int | None]]:
    """Numbers of channels to try, and height and width where they are fixed, from the declared shape."""
    shape = graph_input.shape
    if len(shape) != 4:
        raise ModelError(f"{path}: takes {len(shape)} dimensions, expected (n, c, h, w)")
    if shape[3] in (1, 3) and shape[1] not in (1, 3):
        raise ModelError(f"{path}: takes {shape}, channels last; expected (n, c, h, w)")
    height, width = (side if isinstance(side, int) else None for side in shape[2:])
    return (shape[1],) if isinstance(shape[1], int) else (3, 1), (height, width)
