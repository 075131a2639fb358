"""The page that shows two runs side by side."""

from __future__ import annotations

from pathlib import Path

from sisr.analysis.compare_runs import SIGNS, differences, read_run, sections
from sisr.base.atomic import write_text
from sisr.base.errors import ScoreError
from sisr.report.pages import environment


def write_comparison(a: Path, b: Path, out: Path) -> dict[str, int]:
    """Write the page that shows runs ``a`` and ``b`` side by side; returns how often each verdict occurs.

    Raises :class:`ScoreError`, in one line, for a folder that is no run, for one compared with itself, for
    runs that have nothing in common, and for LR sets of one name that hold different images.
    """
    if a.resolve() == b.resolve():
        raise ScoreError(f"{a}: compared with itself")
    runs = (read_run(a), read_run(b))
    found = sections(*runs)
    counts: dict[str, int] = {}
    for section in found:
        for _, changes in section.rows:
            for change in changes:
                if change is not None:
                    counts[change.verdict] = counts.get(change.verdict, 0) + 1
    template = environment().get_template("compare_runs.html.j2")
    text = template.render(
        a=runs[0], b=runs[1], sections=found, counts=counts, signs=SIGNS, made=differences(*runs)
    )
    write_text(out, text)
    return counts
