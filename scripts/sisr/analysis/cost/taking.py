"""Taking a receipt: one model beside the reference network, in every precision that the device has."""

from __future__ import annotations

import importlib
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sisr.analysis.cost import receipts
from sisr.analysis.cost.conditions import describe
from sisr.analysis.cost.interleaving import (
    CALLS_OF_A_WINDOW,
    Device,
    SpreadTooLarge,
    Subject,
    interleave,
)
from sisr.analysis.cost.ledger import why_not
from sisr.analysis.cost.receipts import ALLOWED, REFERENCE
from sisr.analysis.cost.timing import SIZES, Size, choose_size, image
from sisr.base import device as devices
from sisr.base.errors import ConfigError, ModelSkipped
from sisr.base.machine import now, processor
from sisr.base.peak_memory import Peak
from sisr.models import model_digests
from sisr.models.model_entries import Model, engine_module
from sisr.upscaling import engines
from sisr.upscaling.inference.options import LOWER_PRECISIONS, Options

if TYPE_CHECKING:
    from sisr.upscaling.engines.pytorch import TorchUpscaler


@dataclass(frozen=True)
class Taking:
    """How receipts are taken.

    Parameters
    ----------
    device : ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``
    threads : CPU threads
    options : how the model runs; its precision is not used
    precisions : besides fp32; without any those that the device has
    allowed : largest spread of the reference
    largest : largest output, one of :data:`sisr.analysis.cost.timing.SIZES`
    """

    device: str = "cpu"
    threads: int = 1
    options: Options = field(default_factory=Options)
    precisions: tuple[str, ...] = ()
    allowed: float = ALLOWED
    largest: Size = SIZES[0]

    def __post_init__(self) -> None:
        for precision in self.precisions:
            self.options_in(precision)

    @staticmethod
    def size_of(text: str) -> Size:
        """One of the sizes of the output, as ``640x360``; :class:`ConfigError` for another one."""
        sizes = {"x".join(map(str, size)): size for size in SIZES}
        if text not in sizes:
            raise ConfigError(f"output '{text}': expected one of {', '.join(sizes)}")
        return sizes[text]

    def options_in(self, precision: str) -> Options:
        """The options with a precision; an unknown one raises :class:`ConfigError`."""
        return replace(self.options, precision=precision)  # type: ignore[arg-type]  # checked there

    def reference(self, scale: int, device: str) -> TorchUpscaler:
        """The reference network, see :data:`sisr.analysis.cost.receipts.REFERENCE`."""
        import torch

        from sisr.models import archs
        from sisr.upscaling.engines.pytorch import TorchUpscaler
        from sisr.upscaling.inference.runner import Runner
        from sisr.upscaling.networks import of_program

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = archs.build(REFERENCE.params["arch"], scale, **REFERENCE.params["args"])
        network = of_program(module.eval().requires_grad_(False), REFERENCE, scale, REFERENCE.label)
        return TorchUpscaler(Runner(network, Options(), device, self.threads), REFERENCE.colour)


def largest_output(scale: int, budget: float, how: Taking) -> Size:
    """The largest output at which the reference takes an eighth of ``budget``, the seconds of a receipt."""
    with devices.lease(devices.resolve(how.device)) as name:
        upscaler = how.reference(scale, name)
        return choose_size(_once(upscaler, scale, name), budget / 8, CALLS_OF_A_WINDOW, how.largest)[0]


def _lr(size: Size, scale: int) -> np.ndarray:
    return image((size[0] // scale, size[1] // scale))


def _once(upscaler: Callable[[np.ndarray], object], scale: int, device: str) -> Callable[[Size], float]:
    """What measures a second call at a size of the output."""
    whole = Device.of(device).whole

    def once(size: Size) -> float:
        lr = _lr(size, scale)
        upscaler(lr)
        return whole(lambda: upscaler(lr))

    return once


def take(
    model: Model, scale: int, files: Mapping[str, Path], budget: float, how: Taking | None = None
) -> dict[str, Any]:
    """Take a model's receipt; ``files`` as for :func:`sisr.upscaling.engines.load`.

    Best in a process of its own, since memory that was in use before is not seen again.  ``budget`` is in
    seconds, loading included.  Raises :class:`SpreadTooLarge` where the reference beside fp32 was not steady,
    :class:`ModelSkipped` where the budget is too small, and what loading and running the model raise.
    """
    how, deadline = how or Taking(), time.perf_counter() + budget
    with devices.lease(devices.resolve(how.device)) as name:
        importlib.import_module(engine_module(model.engine))
        if name != "cpu" and not model.uses_gpu:
            raise ModelSkipped(f"{model.label} runs on the CPU only, the device is {name}")
        reference = how.reference(scale, name)  # which runs after the model's memory was seen
        reasons = _precisions(model, name, how.precisions)
        documents: dict[str, dict[str, Any]] = {
            precision: {"status": "not run", "reason": reason} for precision, reason in reasons.items()
        }
        size = how.largest
        run = [key for key, reason in reasons.items() if not reason]
        for done, precision in enumerate(run):
            share = (deadline - time.perf_counter()) / (len(run) - done)
            try:
                peak = Peak(name) if precision == "fp32" or name.startswith("cuda") else None
                upscaler = engines.load(model, scale, files, name, how.threads, how.options_in(precision))
                once = _once(upscaler, scale, name)
                if precision == "fp32":
                    size, seconds = choose_size(once, share / 8, CALLS_OF_A_WINDOW, size)
                else:
                    seconds = once(size)
                if seconds * CALLS_OF_A_WINDOW > share:
                    calls = f"{CALLS_OF_A_WINDOW} calls of {seconds:.3g} s"
                    raise ModelSkipped(f"{model.label}: {calls} do not fit in its {max(share, 0):.3g} s")
                memory = peak.bytes() if peak else None
                lr = _lr(size, scale)
                found = interleave(
                    _subject(upscaler, lr),
                    _subject(engines.Upscaler(reference, reference), lr),
                    Device.of(name),
                    time.perf_counter() + (deadline - time.perf_counter()) / (len(run) - done),
                    how.allowed,
                )
                notes = [note for note in upscaler.notes if note != f"precision {precision}"]
                documents[precision] = {
                    "status": "ok", "reason": "", **found.document(), "peak_memory": memory, "notes": notes,
                }  # fmt: skip
            except (ModelSkipped, SpreadTooLarge) as error:
                if precision == "fp32":
                    raise
                status = "refused" if isinstance(error, SpreadTooLarge) else "not run"
                documents[precision] = {"status": status, "reason": str(error)}
        facts = describe(name, how.threads)
    changed = {key: value for key, value in how.options.changed().items() if key != "precision"}
    return {
        "version": receipts.VERSION,
        "model": model.id,
        "scale": scale,
        "date": now(),
        "weights": model_digests.weights_of(model, scale),
        "code": model_digests.code_of(model, scale),
        "device": {"kind": name.partition(":")[0], "name": facts.pop("device"), **_system(), **facts},
        "options": {key: value for key, value in asdict(how.options).items() if key != "precision"},
        "changed": changed,
        "output": [side // scale * scale for side in size],
        "reference": {"label": REFERENCE.label, "code": model_digests.code_of(REFERENCE, scale)},
        "allowed_spread": how.allowed,
        "precisions": {key: documents[key] for key in reasons},
    }


def _precisions(model: Model, device: str, asked: Sequence[str]) -> dict[str, str]:
    """Every precision, with why it is not run ("" where it is)."""
    reasons = {"fp32": ""}
    for precision in LOWER_PRECISIONS:
        if not model.uses_gpu:
            reasons[precision] = f"{model.label} is no PyTorch network"
        elif asked and precision not in asked:
            reasons[precision] = "not asked for"
        else:
            reasons[precision] = why_not(precision, device)
    return reasons


def _subject(upscaler: engines.Upscaler, lr: np.ndarray) -> Subject:
    """A model's calls on an image; the network alone is timed of PyTorch networks without modifiers."""
    alone = getattr(upscaler.network, "alone", None)
    if alone is None or upscaler.modified is not upscaler.network:
        return Subject(lambda: upscaler(lr))
    return Subject(lambda: upscaler(lr), alone(lr))


def _system() -> dict[str, Any]:
    torch = sys.modules["torch"]  # the reference is made with it
    return {
        "processor": processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cuda": torch.version.cuda,
    }
