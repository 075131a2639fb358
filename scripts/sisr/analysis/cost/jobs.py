"""The cost of one model at one scale, as jobs write it: what can be expected of a model is no error."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sisr.analysis.cost import counts, timing
from sisr.base.atomic import write_json
from sisr.upscaling.inference.options import Execution
from sisr.upscaling.upscale import ScaledModel, attempt

log = logging.getLogger(__name__)


def count_job(scaled: ScaledModel, out: Path) -> None:
    """Write the counts of a model as JSON.

    ``status`` is that of a cell; with ``ok``, ``reason`` says why a quantity is null.
    """

    def work() -> Mapping[str, Any]:
        found = counts.count(scaled.model, scaled.scale, scaled.weights)
        return {
            "parameters": found.parameters,
            "multiply_adds": found.multiply_adds,
            "activations": found.activations,
            "receptive_field": found.receptive_field,
            "because": found.reason,
        }

    _write(scaled, work, out)


def time_job(scaled: ScaledModel, out: Path, *, execution: Execution, budget: float) -> None:
    """Write what :func:`sisr.analysis.cost.timing.time_model` measured, as JSON; else as
    :func:`count_job`.
    """

    def work() -> Mapping[str, Any]:
        return timing.time_model(
            scaled.model,
            scaled.scale,
            scaled.weights(),
            device=execution.device,
            threads=execution.threads,
            budget=budget,
            options=execution.options,
        )

    _write(scaled, work, out)


def _write(scaled: ScaledModel, work: Callable[[], Mapping[str, Any]], out: Path) -> None:
    status = attempt(lambda: (work(),))
    if status.status != "ok":
        log.warning("%s x%d: %s: %s", scaled.model.id, scaled.scale, status.status, status.reason)
    found = dict(status.found[0]) if status.found else {}
    reason = status.reason or found.pop("because", "")
    head = {"model": scaled.model.id, "scale": scaled.scale, "status": status.status, "reason": reason}
    write_json(out, head | found)
