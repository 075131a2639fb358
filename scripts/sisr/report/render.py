"""Rendering Snakemake's report of a run from inside the run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sisr.base.atomic import replacing
from sisr.base.errors import SisrError
from sisr.run.workspace import outer_environment

#: Bytes that Snakemake's report shall not exceed: what a mail takes and a browser opens at once.
LIMIT = 15_000_000
#: Bytes of all crop sheets together, and of one at most; the report holds them in base64, a third larger.
_SHEETS, _SHEET = 1_000_000, 400_000


def sheet_limit(sheets: int) -> int:
    """Bytes that each of so many crop sheets may have."""
    return min(_SHEET, _SHEETS // max(1, sheets))


def as_data(page: str) -> str:
    """A page of Snakemake's in which nothing in its data ends the script that holds them.

    Snakemake writes them as JSON, which has no line breaks within texts: what looks like the end of a script
    and is inside one is of a label or of a parameter.
    """
    holder = re.compile(r'(?s)(<script id="[\w-]+">\n {4}var \w+ = )(.*?)(;\n {4}</script>)')
    return holder.sub(lambda found: found[1] + found[2].replace("<", "\\u003c") + found[3], page)


def render_report(snakefile: Path, config: Path, items: Sequence[str], out: Path) -> None:
    """Write the report of finished results to ``out``.

    Snakemake renders a report in a call of its own; this makes that call with the run's own configuration,
    without its lock (the run that waits for us holds it) and without its profile.

    Parameters
    ----------
    config : the resolved configuration, as YAML
    items : the results that the report shows
    """
    texts = snakefile.parent / "report"
    with replacing(out) as temporary:
        # Snakemake picks the form of the report by the name's ending.
        page = temporary.with_suffix(".html")
        command = [
            sys.executable, "-m", "snakemake", "--snakefile", str(snakefile),
            "--configfile", str(config), "--profile", "none", "--workflow-profile", "none",
            "--nolock", "--cores", "1",
            "--report", str(page), "--report-stylesheet", str(texts / "style.css"), "--", *items,
        ]  # fmt: skip
        environment = {**outer_environment(), "DOCUTILSCONFIG": str(texts / "docutils.conf")}
        try:
            done = subprocess.run(command, text=True, capture_output=True, check=False, env=environment)
            print(done.stdout, done.stderr, sep="\n")
            if done.returncode != 0 or not page.is_file():
                lines = [line for line in done.stderr.splitlines() if line.strip()]
                raise SisrError(
                    f"{out}: Snakemake could not render it: {lines[-1] if lines else 'no message'}"
                )
            if (size := page.stat().st_size) > LIMIT:
                print(f"{out}: {size / 1e6:.1f} MB, more than {LIMIT / 1e6:.0f} MB", file=sys.stderr)
            temporary.write_text(as_data(page.read_text(encoding="utf-8")), encoding="utf-8")
        finally:
            page.unlink(missing_ok=True)
