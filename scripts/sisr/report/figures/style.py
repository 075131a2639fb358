"""One look for all figures: a colour per model, fonts, sizes, and files that are the same bytes each time."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.base.atomic import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Width of a figure in inches; a browser shows it 900 px wide (an SVG's 72 pt inch is 96 px).
WIDTH = 9.375
#: What a figure for a paper is made smaller by, so that text of 9 pt is of 6.6 pt there.
SHRINK = 0.733
#: Inches of the column that figures are drawn for; None for a screen.
_COLUMN: ContextVar[float | None] = ContextVar("_COLUMN", default=None)
INK = "#1b1f24"
SOFT = "#57606a"
GRID = "#d8dde3"

#: Okabe and Ito, Color Universal Design (2008): told apart with any common colour blindness.  Their yellow
#: and black are left out: one is lost on white, the other is the colour of the text.
_BASE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d46")
#: Each further round of models darkens, then lightens the base colours.
_ROUNDS = ((0.0, 0.0), (0.45, 0.0), (0.0, 0.45))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_RC: dict[str, Any] = {
    "svg.hashsalt": "sisr",
    # Text as outlines: the same image whatever fonts the reader has.
    "svg.fonttype": "path",
    # Outlines as TrueType, which every publisher takes, and not Type 3.
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",
    # A label of a model or a dataset is text, also where it has two dollar signs.
    "text.parse_math": False,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def in_column(inches: float) -> Iterator[None]:
    """Figures of the block are for a column of a paper: as wide, as PDF, and without headings."""
    token = _COLUMN.set(inches)
    try:
        yield
    finally:
        _COLUMN.reset(token)


def width() -> float:
    """Inches to draw on."""
    column = _COLUMN.get()
    return WIDTH if column is None else column / SHRINK


def for_paper() -> bool:
    """Whether a figure goes into a column, whose caption says what a heading would."""
    return _COLUMN.get() is not None


def model_colours(models: Iterable[str]) -> dict[str, str]:
    """Hex colour of each model by its place in ``models``.

    Give all models of the run, in config order, and draw whichever subset: a model then has the same colour
    in every figure.  21 colours are distinct; further models start again.
    """
    names = list(dict.fromkeys(models))
    return {name: _colour(index) for index, name in enumerate(names)}


def model_markers(models: Iterable[str]) -> dict[str, str]:
    """Marker shape of each model, so that none is told by colour alone; same rule as the colours."""
    names = list(dict.fromkeys(models))
    # One step further in each round, so that a colour family does not keep its shape.
    return {
        name: _MARKERS[(index + index // len(_MARKERS)) % len(_MARKERS)] for index, name in enumerate(names)
    }


def _colour(index: int) -> str:
    base = _BASE[index % len(_BASE)]
    darken, lighten = _ROUNDS[index // len(_BASE) % len(_ROUNDS)]
    channels = [int(base[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(c * (1 - darken) * (1 - lighten) + 255 * lighten):02x}" for c in channels)


@contextmanager
def applied() -> Iterator[None]:
    """Matplotlib settings of the project within the block; those outside are left as they were."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        for key, value in _RC.items():
            mpl.rcParams[key] = value  # type: ignore[index]
        yield


def save(figure: Figure, path: Path) -> Path:
    """Write a figure atomically; the format is the extension's, and the same figure gives the same bytes."""
    kind = path.suffix.lstrip(".").lower()
    metadata = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}}.get(
        kind, None if kind in ("jpg", "webp") else {"Software": None}
    )
    options: dict[str, Any] = {"pil_kwargs": {"quality": 80}} if kind in ("jpg", "webp") else {}
    _powers_without_math(figure)
    with replacing(path) as temporary:
        if kind == "pdf" and for_paper():
            _save_smaller(figure, temporary)
            return path
        figure.savefig(temporary, format=kind, dpi=144, metadata=metadata, **options)
        if kind == "svg":
            temporary.write_text(_shorter(temporary.read_text()))
    return path


def _save_smaller(figure: Figure, path: Path) -> None:
    """As PDF, with everything in it smaller by :data:`SHRINK`."""
    from matplotlib.backends.backend_pdf import Op, PdfFile, PdfPages

    class Smaller(PdfFile):
        def newPage(self, width: float, height: float) -> None:  # noqa: N802 - of matplotlib
            super().newPage(width * SHRINK, height * SHRINK)
            # What is drawn is cut at these before it is made smaller.
            self.width, self.height = width, height
            self.output(SHRINK, 0, 0, SHRINK, 0, 0, Op.concat_matrix)

    with PdfPages(path, metadata={"CreationDate": None}) as pages:
        pages._file = Smaller(path, metadata={"CreationDate": None})
        pages.savefig(figure)


_SUPERSCRIPTS = str.maketrans("-−0123456789", "⁻⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _powers_without_math(figure: Figure) -> None:
    """Let logarithmic axes write 10⁻³ as plain text, as all text is."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            text = str(super().__call__(x, pos)).removeprefix(r"$\mathdefault{").removesuffix("}$")
            text = text.replace(r"\times", "×")
            return re.sub(r"\^\{([^}]*)\}", lambda power: power[1].translate(_SUPERSCRIPTS), text)

    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        for get, put in (
            (axis.get_major_formatter, axis.set_major_formatter),
            (axis.get_minor_formatter, axis.set_minor_formatter),
        ):
            if type(get()) is LogFormatterSciNotation:
                plain = copy.copy(get())
                plain.__class__ = Plain
                put(plain)


def _shorter(svg: str) -> str:
    """An SVG of matplotlib with coordinates to a hundredth of a point, and without indentation.

    Reports and pages hold many. Of ``scale(0.015625)``, by which glyphs are drawn, every digit counts.
    """
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"(?<!scale\(0)(\.\d\d)\d+", r"\1", svg))
