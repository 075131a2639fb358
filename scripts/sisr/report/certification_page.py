"""The page of certification: every number from outside beside the one that was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from sisr.base import registry
from sisr.report.listing import Block, Entry, Page, write_page
from sisr.trust.anchors import EVERY_GIVER, Certified, by_giver, number_text, summary

_GROUPS = {
    "lr-set": "LR images against MATLAB's, value for value",
    "outputs": "Published pixels, scored here",
    "cell": "Models, from HR to score, against print",
    "planes": "Models in floating point, against print",
    "pair": "LPIPS on its authors' images",
    "edited": "Definitions and other programs",
}


def write(rows: Sequence[Certified], path: Path, config: Path = registry.CONFIG) -> None:
    """Write the page: summary first, failures before the rest, then a table for each kind of anchor."""
    columns = (
        ("Anchor", ""), ("Measure", ""), ("Expected", ""), ("Found", ""), ("Difference", ""),
        ("Tolerance", ""), ("Result", ""), ("Given by", ""), ("Source", ""),
    )  # fmt: skip
    kinds = {"pass": "pass", "fail": "fail", "not run": "none"}

    def line(row: Certified) -> list[Entry]:
        if math.isnan(row.found):
            shown = [Entry("—", "none")] * 2
        else:
            shown = [Entry(row.show(row.found)), Entry(row.show(row.difference, sign="+"))]
        detail = f"{row.source}{'. ' + row.reason if row.reason else ''}"
        return [
            Entry(row.label, hint=row.anchor),
            Entry(" ".join(filter(None, (row.measure, row.image)))),
            Entry(number_text(row.expected)),
            *shown,
            Entry(number_text(row.tolerance)),
            Entry(row.status, kinds[row.status]),
            Entry(row.given_by),
            Entry(detail, "text"),
        ]

    anchors = registry.load("anchors", config)
    givers = [
        [Entry(giver), Entry(EVERY_GIVER[giver], "text"), Entry(str(of)), Entry(str(passed))]
        for giver, (passed, of) in by_giver(rows).items()
    ]
    counted = (("Given by", ""), ("Which are", ""), ("Numbers", ""), ("Within tolerance", ""))
    blocks = [Block("Where the numbers come from", counted, givers)] if givers else []
    failed = [row for row in rows if row.status == "fail"]
    if failed:
        blocks.append(Block("Failed", columns, [line(row) for row in failed]))
    for kind, caption in _GROUPS.items():
        of_kind = [row for row in rows if anchors.get(row.anchor, {}).get("kind") == kind]
        if of_kind:
            blocks.append(Block(caption, columns, [line(row) for row in of_kind]))
    lead = [
        summary(rows),
        "Numbers from outside, computed again by this run's own code from files with checksums. "
        "A measure is metric@protocol; a name behind it is one image, without one it is a mean. An anchor "
        "that was not run says why.",
    ]
    write_page(Page("Certification", lead, blocks), path)
