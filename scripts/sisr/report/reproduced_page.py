"""Reproduced and published numbers as a page of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from sisr.analysis.shown_measures import signed
from sisr.base import registry
from sisr.base.rounding import fixed
from sisr.scoring.metrics import parse_measure
from sisr.trust.references import errata
from sisr.trust.reproduced import Reproduced


def page(rows: Sequence[Reproduced], path: Path) -> None:
    """Write the page: a table for each scale, numbers that should agree and do not first."""
    from sisr.report.listing import Block, Entry, Page, write_page

    columns = (
        ("Model", ""), ("Dataset", ""), ("Measure", ""), ("Ours", ""), ("Published", ""), ("Difference", ""),
        ("Verdict", ""), ("Source", ""),
    )  # fmt: skip
    kinds = {"agrees": "pass", "differs": "fail"}
    datasets, registered = registry.load("datasets"), registry.load("models")

    def line(row: Reproduced) -> list[Entry]:
        r = row.reference
        digits = parse_measure(r.measure).digits
        have = not math.isnan(row.ours)
        gray = {"checked": "gray rule checked", "assumed": "gray rule assumed"}.get(r.gray, "")
        giver = {"authors": "its authors", "third-party": "a third party"}[r.given_by]
        detail = "; ".join(filter(None, (f"{r.source.id} ({giver})", gray, r.erratum, row.reason)))
        return [
            Entry(registered[r.model]["label"] if r.model in registered else r.label),
            Entry(datasets[r.dataset]["label"] if r.dataset in datasets else r.dataset),
            Entry(r.measure),
            Entry(fixed(row.ours, digits) if have else "—", "" if have else "none"),
            Entry(fixed(r.value, digits)),
            Entry(signed(row.difference, digits) if have else "—", "" if have else "none"),
            Entry(row.verdict, kinds.get(row.verdict, "none")),
            Entry(detail, "text", hint=f"{r.source.title}; {r.source.where}"),
        ]

    wrong = [row for row in rows if row.verdict == "differs"]
    blocks = [Block("Beyond the tolerance", columns, [line(row) for row in wrong])] if wrong else []
    for kernel, scale in dict.fromkeys((r.reference.kernel, r.reference.scale) for r in rows):
        part = [r for r in rows if (r.reference.kernel, r.reference.scale) == (kernel, scale)]
        blocks.append(Block(f"×{scale}, LR by {kernel}", columns, [line(row) for row in part]))
    by_authors = [row for row in rows if row.reference.given_by == "authors"]
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in ("agrees", "differs")}
    lead = [
        f"Of {len(rows)} published numbers for the cells of this run, {counts['agrees']} agree with it, and "
        f"{counts['differs']} differ although the weights are the same. The authors of the model printed "
        f"{len(by_authors)}, third parties {len(rows) - len(by_authors)}."
        if rows
        else "No published number is registered for the cells of this run.",
        "“Other weights”: the network has the name of the published one, but somebody else trained it, so "
        "that the difference says how far the weights are from the paper's. “Other pipeline”: made on luma "
        "alone, from LR that was never rounded; certification computes it, while a run's images are RGB in 8 "
        "bits. Set14 has one gray image; papers seldom say by which rule they compare it, so the rule is "
        "part of the registry.",
    ]
    sources = {row.reference.source.id: row.reference.source for row in rows}
    notes = [f"{key}: {source.title}; {source.where}. {source.url}" for key, source in sources.items()]
    for wrong_print in errata():
        who = f"{wrong_print.source.title.split(',')[0]}, {wrong_print.model}"
        where = f"{wrong_print.dataset} ×{wrong_print.scale} {wrong_print.metric.upper()}"
        right = f"; right: {wrong_print.right}" if wrong_print.right else ""
        notes.append(
            f"Printed, but wrong: {who}, {where} {wrong_print.printed}{right}. Reason: {wrong_print.reason}."
        )
    write_page(Page("Reproduced and published", lead, blocks, notes), path)
