"""ONNX graphs through onnxruntime, on the CPU.

Weights role ``graph``: a ``.onnx`` with one input and one output, ``(n, c, h, w)`` with any height and width,
and its values in it or in ``<name>.onnx.data`` beside it, as torch exports it.  Nothing of a file is run but
the operators that onnxruntime itself has.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sisr.base.errors import ModelError
from sisr.models.model_entries import Model
from sisr.upscaling.engines import RawUpscaler
from sisr.upscaling.engines.planes import Planes, image_upscaler, probe
from sisr.upscaling.inference.options import Options

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


def load(
    model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int, options: Options
) -> RawUpscaler:
    """See :func:`sisr.upscaling.engines.load`; ignores ``device`` and ``options``."""
    run, _ = open_graph(files["graph"], threads)
    return image_upscaler(run, model.label, scale, model.colour, model.input_peak)


def inspect(path: Path) -> tuple[int, int]:
    """Channels and scale of a graph; :class:`ModelError` where it is none, or not one of images."""
    run, channels = open_graph(path, 1)
    return probe(run, channels, str(path))


def open_graph(path: Path, threads: int) -> tuple[Planes, tuple[int, ...]]:
    """The graph as a function of planes, and the numbers of channels that it may have."""
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
            values = data.read_bytes()
            options.add_external_initializers_from_files_in_memory([data.name], [values], [len(values)])
        try:
            graph = path.read_bytes()
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a class for each code, all direct heirs of Exception
            if "External data path" in str(error):
                raise ModelError(
                    f"{path}: its values are in another file than {path.name}.data beside it; export it with "
                    "external_data=False"
                ) from None
            raise ModelError(f"{path}: onnxruntime cannot read it: {_first_line(error)}") from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{path}: {len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
    channels = _channels_of(inputs[0], path)
    name, kind = inputs[0].name, _TYPES[inputs[0].type]

    def run(planes: np.ndarray) -> np.ndarray:
        values = np.rint(planes) if kind is np.uint8 else planes
        try:
            output = session.run(None, {name: values[None].astype(kind)})[0]
        except Exception as error:
            raise ModelError(f"{path}: onnxruntime: {_first_line(error)}") from None
        return np.asarray(output)[0].astype(np.float32)

    return run, channels


def _channels_of(graph_input: Any, path: Path) -> tuple[int, ...]:
    """Numbers of channels to try, from the declared shape; a fixed height or width is refused."""
    shape, kind = graph_input.shape, graph_input.type
    if kind not in _TYPES:
        raise ModelError(f"{path}: takes {kind}, expected one of {', '.join(_TYPES)}")
    if len(shape) != 4:
        raise ModelError(f"{path}: takes {len(shape)} dimensions, expected (n, c, h, w)")
    if shape[3] in (1, 3) and shape[1] not in (1, 3):
        raise ModelError(f"{path}: takes {shape}, channels last; expected (n, c, h, w)")
    if isinstance(shape[2], int) or isinstance(shape[3], int):
        size = f"{shape[3]}x{shape[2]}"
        raise ModelError(f"{path}: takes {size} only; export it with dynamic height and width")
    return (shape[1],) if isinstance(shape[1], int) else (3, 1)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
