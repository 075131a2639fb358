"""The cost of one model at one scale, as jobs write it: what can be expected of a model is no error."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sisr.analysis.cost import counts, timing
from sisr.analysis.cost.counts import WeightFiles
from sisr.base.atomic import write_json
from sisr.models.model_entries import Model
from sisr.upscaling.inference.options import Options
from sisr.upscaling.upscale import attempt

log = logging.getLogger(__name__)


def count_job(model: Model, scale: int, weights: WeightFiles, out: Path) -> None:
    """Write the counts of a model as JSON.

    ``weights`` gives role -> path, or raises :class:`ModelUnavailable`.  ``status`` is that of a cell; with
    ``ok``, ``reason`` says why a quantity is null.
    """

    def work() -> Mapping[str, Any]:
        found = counts.count(model, scale, weights)
        return {
            "parameters": found.parameters,
            "multiply_adds": found.multiply_adds,
            "activations": found.activations,
            "receptive_field": found.receptive_field,
            "because": found.reason,
        }

    _write(model, scale, work, out)


def time_job(
    model: Model,
    scale: int,
    weights: WeightFiles,
    out: Path,
    *,
    device: str,
    threads: int,
    budget: float,
    options: Options | None = None,
) -> None:
    """Write what :func:`sisr.analysis.cost.timing.time_model` measured, as JSON; else as
    :func:`count_job`.
    """

    def work() -> Mapping[str, Any]:
        return timing.time_model(
            model, scale, weights(), device=device, threads=threads, budget=budget, options=options
        )

    _write(model, scale, work, out)


def _write(model: Model, scale: int, work: Callable[[], Mapping[str, Any]], out: Path) -> None:
    status = attempt(lambda: (work(),))
    if status.status != "ok":
        log.warning("%s x%d: %s: %s", model.id, scale, status.status, status.reason)
    found = dict(status.found[0]) if status.found else {}
    reason = status.reason or found.pop("because", "")
    write_json(out, {"model": model.id, "scale": scale, "status": status.status, "reason": reason, **found})
