"""Networks in ncnn's form, on the CPU.

Weights roles ``param`` (graph) and ``bin`` (values); ``params.input`` and ``params.output`` are the blob
names.  Half precision is switched off, since it costs digits and its rounding differs between processors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ncnn
import numpy as np

from sisr.base.errors import ModelError
from sisr.models.model_entries import Model
from sisr.models.ncnn_form import MAGIC
from sisr.upscaling.engines import RawUpscaler
from sisr.upscaling.engines.planes import Planes, Seen, image_upscaler, probe
from sisr.upscaling.inference.options import Options

#: Options of a convolution that tell its input channels.
_CONVOLUTION = ("0", "1", "11", "6")


def load(
    model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int, options: Options
) -> RawUpscaler:
    """See :func:`sisr.upscaling.engines.load`; ignores ``device`` and ``options``."""
    run = open_graph(files["param"], files["bin"], model.params["input"], model.params["output"], threads)
    return image_upscaler(run, model.label, scale, model.colour, model.input_peak)


def inspect(param: Path) -> Seen:
    """What a graph with the ``.bin`` beside it does; ``params`` are its input and output blob."""
    values = param.with_suffix(".bin")
    if not values.is_file():
        raise ModelError(f"{param}: the values are missing: expected {values.name} beside it")
    source, result, takes = read_graph(param)
    # ncnn does not check channels: only the right number may be tried.
    channels, scale = probe(open_graph(param, values, source, result, 1), (takes,), str(param))
    return Seen(channels, scale, {"input": source, "output": result})


def read_graph(param: Path) -> tuple[str, str, int]:
    """Names of the one input blob and of the one blob that no layer takes; channels of the first convolution.

    Each line of a ``.param`` is: type, name, number of inputs, number of outputs, their blobs, options.  Of a
    convolution, option 0 is the number of filters, 1 and 11 are the sides of the kernel, and 6 is the number
    of weights.
    """
    try:
        lines = param.read_text(encoding="ascii").splitlines()
        if not lines or lines[0].strip() != MAGIC:
            raise ValueError(f"the first line is not {MAGIC}")
        inputs, made, taken, channels = [], [], set(), 0
        for fields in (line.split() for line in lines[2:] if line.strip()):
            ins, outs = int(fields[2]), int(fields[3])
            names = fields[4 : 4 + ins + outs]
            taken.update(names[:ins])
            made += names[ins:]
            inputs += names[ins:] if fields[0] == "Input" else []
            if fields[0] == "Convolution" and not channels:
                options = {
                    key: int(value)
                    for key, _, value in (f.partition("=") for f in fields[4 + ins + outs :])
                    if key in _CONVOLUTION
                }
                channels = options["6"] // (options["0"] * options["1"] * options.get("11", options["1"]))
    except (OSError, UnicodeDecodeError, ValueError, IndexError, KeyError, ZeroDivisionError) as error:
        raise ModelError(f"{param}: not an ncnn graph in text form: {error}") from None
    outputs = [name for name in made if name not in taken]
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(f"{param}: {len(inputs)} inputs and {len(outputs)} outputs, expected one of each")
    if channels not in (1, 3):
        raise ModelError(f"{param}: the first convolution takes {channels} channels, expected 1 or 3")
    return inputs[0], outputs[0], channels


def open_graph(param: Path, values: Path, source: str, result: str, threads: int) -> Planes:
    """The network as a function of planes, from blob ``source`` to blob ``result``."""
    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = threads
    for switch in ("packed", "storage", "arithmetic"):
        setattr(network.opt, f"use_fp16_{switch}", False)
    network.opt.use_bf16_storage = False
    for role, path, read in (("param", param, network.load_param), ("bin", values, network.load_model)):
        if read(str(path)) != 0:
            raise ModelError(f"{path}: ncnn cannot read it as a {role} file")

    def run(planes: np.ndarray) -> np.ndarray:
        extractor = network.create_extractor()
        # ncnn keeps a pointer into the array: `planes` has to live until extract() returns.
        extractor.input(source, ncnn.Mat(planes))
        failed, output = extractor.extract(result)
        if failed:
            raise ModelError(f"{param}: ncnn could not compute blob '{result}'")
        return np.array(output)

    return run
