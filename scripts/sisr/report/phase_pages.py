"""The phase audit as tables (CSV), pages of the report, and text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sisr.analysis.audit import OFF, KernelPhase, ModelShift, write_shifts
from sisr.analysis.phase import TOLERANCE
from sisr.analysis.shown_measures import signed
from sisr.report.pages import write_page

KERNEL_COLUMNS = (
    "kernel", "scale", "documented_down", "documented_right", "ramp_down", "ramp_right", "ramp_error",
    "dataset", "images", "images_down", "images_right", "images_error", "agrees",
)  # fmt: skip


def write_kernels(
    rows: Sequence[KernelPhase], datasets: Mapping[str, str], table: Path, page: Path | None = None
) -> None:
    """Write the table of kernels as CSV and as a page of the report; ``datasets``: id -> label."""
    lines = [
        (
            row.kernel, row.scale, *row.documented, *row.ramp[:2], row.ramp_error, row.dataset,
            row.images.images, row.images.down, row.images.right, row.images.error,
            "yes" if row.ramp_agrees and row.images_agree else "no",
        )
        for row in rows
    ]  # fmt: skip
    write_shifts(table, KERNEL_COLUMNS, lines)
    if page is not None:
        write_page("phase_kernels.html.j2", page, rows=rows, datasets=datasets, tolerance=TOLERANCE)


MODEL_COLUMNS = (
    "dataset", "kernel", "model", "images", "down", "right", "own_down", "own_right", "own_error", "verdict",
)  # fmt: skip


def write_models(
    rows: Sequence[ModelShift],
    scale: int,
    names: Mapping[str, Mapping[str, str]],
    table: Path,
    page: Path | None = None,
) -> None:
    """Write the table of models at one scale as CSV and as a page; ``names``: axis -> id -> label."""
    lines = [
        (
            row.dataset, row.kernel, row.model, row.sr.images, row.sr.down, row.sr.right,
            row.own.down, row.own.right, row.own.error, row.verdict,
        )
        for row in rows
    ]  # fmt: skip
    write_shifts(table, MODEL_COLUMNS, lines)
    if page is None:
        return
    by_dataset = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        here = [row for row in rows if row.dataset == dataset]
        cells = {(row.model, row.kernel): row for row in here}
        ran = [kernel for kernel in names["kernels"] if any(row.kernel == kernel for row in here)]
        models = [model for model in names["models"] if any(row.model == model for row in here)]
        by_dataset.append((dataset, ran, models, cells))
    write_page(
        "phase_models.html.j2",
        page,
        scale=scale,
        names=names,
        tables=by_dataset,
        off=[row for row in rows if row.verdict == "off"],
        unclear=[row for row in rows if row.verdict == "unclear"],
        limit=OFF,
    )


def signed_pair(shift: Sequence[float]) -> str:
    """``(down, right)`` for a terminal, always as wide."""
    return f"({signed(shift[0]):>5}, {signed(shift[1]):>5})"
