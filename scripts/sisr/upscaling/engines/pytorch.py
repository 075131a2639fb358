"""PyTorch networks.

:mod:`sisr.upscaling.networks` says how an entry becomes a network, :mod:`sisr.upscaling.inference` how it
runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from sisr.models.model_entries import Model
from sisr.models.modified import RawUpscaler
from sisr.upscaling import networks
from sisr.upscaling.engines.luma import luma_plane, with_chroma
from sisr.upscaling.inference.options import Options
from sisr.upscaling.inference.runner import Runner

#: float32 (c, h, w) on the network's input range -> float32 (c, s*h, s*w).
PlanesUpscaler = Callable[[np.ndarray], np.ndarray]


def load_network(
    model: Model,
    scale: int,
    files: Mapping[str, Path],
    device: str = "cpu",
    threads: int = 1,
    options: Options | None = None,
) -> PlanesUpscaler:
    """The bare network on floating-point planes, without the rounding to 8 bits on either side."""
    return Runner(networks.load(model, scale, files), options, device, threads, model.label).run


class TorchUpscaler:
    """A network on images; see :data:`sisr.upscaling.engines.RawUpscaler`."""

    def __init__(self, runner: Runner, colour: str) -> None:
        self.runner = runner
        self.colour = colour
        self._threads = runner.threads

    @property
    def batch(self) -> int:
        """Most images of one size that :meth:`many` takes with profit."""
        return self.runner.batch

    def side_by_side(self, images: int) -> int:
        """How many of some images to enlarge at the same time; each has an equal part of the threads.

        On the CPU one thread an image is faster than all threads on one: none waits for another after each
        layer.  A GPU works on one batch at a time.
        """
        workers = 1 if self.runner.device != "cpu" else max(1, min(self._threads, images))
        self.runner.threads = self._threads // workers
        return workers

    @property
    def notes(self) -> list[str]:
        """What was not plain about the runs so far."""
        return self.runner.summary()

    @property
    def retried(self) -> int:
        """Images so far whose values were not finite in a lower precision, and which ran again in fp32."""
        return self.runner.retried

    def __call__(self, lr: np.ndarray) -> np.ndarray:
        return self.many([lr])[0]

    def many(self, lrs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Enlarge images of one size and kind together."""
        network = self.runner.network
        peak = np.float32(network.peak)
        sr = self.runner.run_batch(self._planes(lrs))
        if self.colour == "y":
            luma = sr[:, 0] / peak
            return [with_chroma(lr, network.scale, plane) for lr, plane in zip(lrs, luma, strict=True)]
        return list(sr.transpose(0, 2, 3, 1) * (255 / peak))

    def alone(self, lr: np.ndarray) -> Callable[[], object]:
        """The network on this image without what is around it, see :meth:`Runner.alone`."""
        return self.runner.alone(self._planes([lr])[0])

    def _planes(self, lrs: Sequence[np.ndarray]) -> np.ndarray:
        """What the network takes of images of one size and kind: float32 ``(n, c, h, w)``."""
        peak = np.float32(self.runner.network.peak)
        if self.colour == "y":
            return np.stack([luma_plane(lr) for lr in lrs])[:, None] * peak
        rgb = np.stack([lr if lr.ndim == 3 else np.repeat(lr[..., None], 3, axis=2) for lr in lrs])
        return np.ascontiguousarray(rgb.transpose(0, 3, 1, 2), dtype=np.float32) * (peak / 255)


def load(
    model: Model,
    scale: int,
    files: Mapping[str, Path],
    device: str,
    threads: int,
    options: Options | None = None,
) -> RawUpscaler:
    """See :func:`sisr.upscaling.engines.load`."""
    network = networks.load(model, scale, files)
    return TorchUpscaler(Runner(network, options, device, threads, model.label), model.colour)
