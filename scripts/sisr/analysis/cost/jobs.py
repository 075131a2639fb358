"""The cost of models at a scale, as jobs write it: what can be expected of a model is no error."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sisr.analysis.cost import counts, timing
from sisr.base.atomic import write_json
from sisr.upscaling.inference.options import Execution
from sisr.upscaling.upscale import ScaledModel, attempt

log = logging.getLogger(__name__)


def count_job(models: Iterable[ScaledModel], out: Path) -> None:
    """Write the counts of models as a JSON list, one document a model.

    ``status`` is that of a cell; with ``ok``, ``reason`` says why a quantity is null.
    """
    write_json(out, [_counts(scaled) for scaled in models])


def _counts(scaled: ScaledModel) -> dict[str, Any]:
    def work() -> Mapping[str, Any]:
        found = counts.count(scaled.model, scaled.scale, scaled.weights)
        numbers = dict(vars(found))
        return {"because": numbers.pop("reason"), **numbers}

    return _document(scaled, work)


def time_job(scaled: ScaledModel, out: Path, *, execution: Execution, budget: float) -> None:
    """Write what :func:`sisr.analysis.cost.timing.time_model` measured, as JSON; else as
    the documents of :func:`count_job`.
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

    write_json(out, _document(scaled, work))


def _document(scaled: ScaledModel, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    status = attempt(lambda: (work(),))
    if status.status != "ok":
        log.warning("%s x%d: %s: %s", scaled.model.id, scaled.scale, status.status, status.reason)
    found = dict(status.found[0]) if status.found else {}
    reason = status.reason or found.pop("because", "")
    head = {"model": scaled.model.id, "scale": scaled.scale, "status": status.status, "reason": reason}
    return head | found
