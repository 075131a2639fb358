"""The history of a training: its curves as CSV, and the line that a person watches."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from sisr.base.atomic import write_text
from sisr.base.csv_files import csv_text
from sisr.base.errors import TrainingError

#: Columns of every curve; those of single losses, as BasicSR names them, follow.
COLUMNS = ("iteration", "learning_rate", "loss", "psnr_y")


def file_of(made_by: Path, scale: int) -> Path:
    """The CSV of a model's curves: what its training wrote, or the file beside the weights of an asset."""
    return made_by.with_suffix("") / f"x{scale}.csv" if made_by.suffix == ".json" else made_by


@dataclass
class History:
    """Rows of the curves so far, and sums over the iterations since the last row."""

    rows: list[dict[str, float]] = field(default_factory=list)
    sums: dict[str, float] = field(default_factory=dict)
    count: int = 0

    def add(self, losses: Mapping[str, float]) -> None:
        """Count an iteration's losses, by BasicSR's names."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def close(self, iteration: int, learning_rate: float, psnr: float | None) -> None:
        """Make a row: mean losses since the last one, and PSNR-Y of the validation, None without."""
        means = {name: total / max(1, self.count) for name, total in sorted(self.sums.items())}
        row = {"iteration": float(iteration), "learning_rate": learning_rate, "loss": generator_loss(means)}
        if psnr is not None:
            row["psnr_y"] = psnr
        self.rows.append(row | means)
        self.sums, self.count = {}, 0


def generator_loss(losses: Mapping[str, float]) -> float:
    """What the generator minimises: the sum of BasicSR's ``l_...`` without the discriminator's."""
    return sum(
        value for name, value in losses.items() if name.startswith("l_") and not name.startswith("l_d_")
    )


def to_csv(rows: Sequence[Mapping[str, float]]) -> str:
    """The rows as CSV: the columns :data:`COLUMNS` and one for each loss; nothing where there is no value."""
    extra = sorted({name for row in rows for name in row} - {*COLUMNS})
    columns = (*COLUMNS, *extra)
    return csv_text(columns, ([_text(name, row.get(name)) for name in columns] for row in rows))


def _text(name: str, value: float | None) -> str:
    if value is None:
        return ""
    if name == "iteration":
        return str(int(value))
    return f"{value:.4f}" if name == "psnr_y" else f"{value:.6g}"


def write_csv(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write the curves; the same rows give the same bytes."""
    write_text(path, to_csv(rows))


def read_csv(path: Path) -> list[dict[str, float]]:
    """Rows of a file of :func:`write_csv`; :class:`TrainingError` where it is not one."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [
                {key: float(value) for key, value in row.items() if value} for row in csv.DictReader(stream)
            ]
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{path}: not the curves of a training: {error}") from None
    if not rows or any(set(COLUMNS[:3]) - set(row) for row in rows):
        raise TrainingError(f"{path}: expected rows with {', '.join(COLUMNS[:3])}")
    return rows


class Progress:
    """One line: how far, loss, validation PSNR-Y, time left."""

    def __init__(self, label: str, iterations: int, done: int = 0, shown: bool = True) -> None:
        self.bar = tqdm(
            total=iterations, initial=done, desc=label, unit="it", mininterval=1, disable=not shown
        )
        self.psnr: float | None = None
        self._mean = 0.0

    def step(self, loss: float) -> None:
        """Count one iteration; the loss shown is a running mean."""
        self._mean = loss if self._mean == 0.0 else 0.99 * self._mean + 0.01 * loss
        if self.bar.update():
            self._show()

    def validated(self, psnr: float | None) -> None:
        """Show a new PSNR-Y."""
        self.psnr = psnr
        self._show()

    def _show(self) -> None:
        shown = f"loss {self._mean:.3e}"
        if self.psnr is not None:
            shown += f", PSNR-Y {self.psnr:.2f} dB"
        self.bar.set_postfix_str(shown, refresh=False)

    def close(self) -> None:
        """Leave the line as it is."""
        self._show()
        self.bar.close()
