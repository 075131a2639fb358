"""A file of the user's own that is a program, in the child process that it runs in.

Graphs of ONNX, ncnn and OpenCV, and TorchScript: native code interprets them, and what it does with one that
nobody has checked may be the end of its process.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from pathlib import Path

from sisr.base import extensions
from sisr.models.model_entries import Model, engine_module
from sisr.models.modified import RawUpscaler
from sisr.upscaling.engines.planes import Seen
from sisr.upscaling.foreign.child import Served
from sisr.upscaling.inference.options import Options

#: Seconds of processor time after which the system ends a process that looks: native code can run for ever.
_LOOK = 60


class ServedProgram(Served):
    """A file and its networks."""

    def look(self, engine: str) -> Seen:
        """What the network was seen to do."""
        before = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + _LOOK, before[1]))
        try:
            return self._look(engine)
        finally:
            resource.setrlimit(resource.RLIMIT_CPU, before)

    def _look(self, engine: str) -> Seen:
        path = Path(self.name)
        # Each takes long to import, and torch longest.
        if engine == "onnx":
            from sisr.upscaling.engines import onnx_cpu

            return onnx_cpu.inspect(path)
        if engine == "ncnn":
            from sisr.upscaling.engines import ncnn_cpu

            return ncnn_cpu.inspect(path)
        if engine == "opencv":
            from sisr.upscaling.engines import opencv

            return opencv.inspect(path)
        from sisr.upscaling import loaders

        return loaders.inspect(path)

    def upscaler(
        self,
        model: Model,
        scale: int,
        files: Mapping[str, Path],
        device: str,
        threads: int,
        options: Options,
    ) -> RawUpscaler:
        engine = extensions.load(engine_module(model.engine))
        upscaler: RawUpscaler = engine.load(model, scale, files, device, threads, options)
        return upscaler

    def told(self, error: BaseException) -> str:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]  # torch puts it last
        return f"{self.name}: {type(error).__name__}{f': {lines[-1][:300]}' if lines else ''}"
