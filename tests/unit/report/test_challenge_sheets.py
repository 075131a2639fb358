"""A run's models ranked by the rules of challenges: what is printed, who is left out, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sisr.analysis.cost.gathering import COLUMNS
from sisr.report import challenge_sheets, cost_results, cost_table
from sisr.report.challenge_sheets import Quality
from sisr.report.shown_run import ShownRun, names
from sisr.scoring.gather import SCORE_COLUMNS

LABELS = {"span-28": "SPAN", "spanf": "SPANF", "imdn": "IMDN", "bicubic": "Bicubic"}
COUNTED = {
    "span-28": (150_688, 9_833_807_872, 41_680_896),
    "spanf": (148_288, 9_681_502_208, 39_845_888),
    "imdn": (715_176, 46_519_028_736, 122_683_800),
}
SECONDS = {"span-28": 0.02, "spanf": 0.018, "imdn": 0.06}
#: SPAN's floor of 2026 is .04 dB below it.
MEANS = {"span-28": 26.0, "spanf": 25.97, "imdn": 25.9, "bicubic": 23.0}


def rows(timed: bool) -> list[dict[str, str]]:
    found = []
    for model in LABELS:
        row: dict[str, object] = {"model": model, "scale": 4, "time_status": "ok" if timed else "not timed"}
        if model in COUNTED:
            parameters, flops, activations = COUNTED[model]
            row |= {"parameters": parameters, "multiply_adds": 1, "activations": 1,
                    "ntire_multiply_adds": flops, "ntire_activations": activations}  # fmt: skip
        else:
            row |= {"parameters": 0, "count_reason": "no network"}
        if timed and model in SECONDS:
            seconds = SECONDS[model]
            row |= {"seconds": seconds, "seconds_q1": seconds, "seconds_q3": seconds, "device": "A processor",
                    "threads": 2, "timed_output": "640x360", "peak_memory": 2**20, "load": 1}  # fmt: skip
        found.append({name: str(row.get(name, "")) for name in COLUMNS})
    return found


def sheets(
    timed: bool = True, means: dict[str, float] | None = None, scale: int = 4
) -> dict[str, cost_table.Sheet]:
    notes: dict[str, str] = {}
    quality = Quality(MEANS if means is None else means, "PSNR on a set")
    found = challenge_sheets.sheets(rows(timed), scale, LABELS, quality, notes)
    # A mark stands for its reason, to be read here.
    reasons = {mark: reason for reason, mark in notes.items()} | {"": ""}
    return {
        sheet.caption: replace(sheet, lines=tuple(replace(n, mark=reasons[n.mark]) for n in sheet.lines))
        for sheet in found
    }


def test_a_sheet_for_the_counts_and_one_a_year() -> None:
    """Without bicubic, which is no network."""
    found = sheets()
    assert list(found) == ["Counts as NTIRE's", *(f"NTIRE {year}" for year in range(2022, 2027))]
    assert [(line.label, line.cells) for line in found["Counts as NTIRE's"].lines] == [
        ("SPAN", ("0.151", "9.83", "41.68")),
        ("SPANF", ("0.148", "9.68", "39.85")),
        ("IMDN", ("0.715", "46.52", "122.68")),
    ]


def test_scores_and_places_of_a_year_with_times() -> None:
    sheet = sheets()["NTIRE 2026"]
    assert [title for title, _ in sheet.headings] == [
        *("PSNR above floor", "Overall", "Runtime", "Parameters", "FLOPs")
    ]
    # exp(2 * .018 / .02) = 6.05; the reference's own are e squared but for the printed .151 M and 9.83 G.
    assert [(line.label, line.cells, line.mark) for line in sheet.lines] == [
        ("SPANF", ("+0.01", "6.27 (1)", "6.05 (1)", "7.13 (1)", "7.17 (1)"), ""),
        ("SPAN", ("+0.04", "7.39 (2)", "7.39 (2)", "7.36 (2)", "7.39 (2)"), ""),
        ("IMDN", ("−0.06", "2,912.16", "403.43", "12,997.73", "12,896.43"), "not ranked: below the floor"),
    ]
    said = " ".join(sheet.text)
    assert "0.8 exp(2 runtime / SPAN (28 channels)'s) + 0.1 exp(2 FLOPs" in said
    assert "floor was 26.90 dB on DIV2K_LSDIR_valid, 0.04 dB below" in said
    assert "25.96 dB, PSNR on a set" in said


def test_sums_of_places() -> None:
    """RFDN, which carries the floor of 2023, is not in the run: every model is ranked, as the page says."""
    sheet = sheets()["NTIRE 2023"]
    assert [(line.label, line.cells) for line in sheet.lines] == [
        ("SPANF", ("—", "1 (1)", "2 (1)", "5 (1)")),
        ("SPAN", ("—", "2 (2)", "4 (2)", "9 (2)")),
        ("IMDN", ("—", "3 (3)", "6 (3)", "13 (3)")),
    ]
    assert "Here is none, since RFDN has no PSNR on a set: every model is ranked." in sheet.text[-1]


def test_without_times_only_counts_rank() -> None:
    found = sheets(timed=False)
    assert [(line.label, line.cells[1:], line.mark) for line in found["NTIRE 2026"].lines[:2]] == [
        ("SPANF", ("—", "—", "7.13 (1)", "7.17 (1)"), "not timed"),
        ("SPAN", ("—", "—", "7.36 (2)", "7.39 (2)"), "not timed"),
    ]
    assert [line.cells[1:] for line in found["NTIRE 2022"].lines[:2]] == [
        ("—", "2 (1)", "—"),
        ("—", "4 (2)", "—"),
    ]


def test_times_need_the_reference_where_they_are_relative() -> None:
    """NTIRE 2025 divides by EFDN's time, which this run does not have."""
    [line] = [line for line in sheets()["NTIRE 2025"].lines if line.label == "SPANF"]
    assert line.cells == ("—", "—", "—", "2.93 (1)", "3.19 (1)")
    assert line.mark == "not timed: efdn, which times are relative to, was not"


def test_a_model_without_a_mean_is_not_ranked() -> None:
    found = sheets(means={name: value for name, value in MEANS.items() if name != "spanf"})
    [line] = [line for line in found["NTIRE 2026"].lines if line.label == "SPANF"]
    assert line.cells[:2] == ("—", "6.27")
    assert line.mark == "not ranked: no PSNR on a set"


def test_other_scales_have_no_challenge() -> None:
    assert sheets(scale=2) == {}


@pytest.fixture
def run(tmp_path: Path) -> ShownRun:
    """Two sets, of one and of two images; RGB PSNR only."""
    images = {"set5": ["a"], "set14": ["b", "c"]}
    values = [
        (dataset, image, "matlab-bicubic", 4, model, "psnr", "rgb", mean)
        for dataset, members in images.items()
        for image in members
        for model, mean in MEANS.items()
    ]
    pd.DataFrame(values, columns=list(SCORE_COLUMNS)).to_csv(tmp_path / "scores.csv", index=False)
    manifests = {}
    for dataset, members in images.items():
        manifests[dataset] = tmp_path / f"{dataset}.json"
        listed = [
            {"name": n, "file": f"{n}.png", "width": 8, "height": 8, "mode": "RGB", "sha256": "0" * 64}
            for n in members
        ]
        manifests[dataset].write_text(json.dumps({"dataset": dataset, "images": listed}))
    shown = names(["psnr@rgb"], list(LABELS), list(images), ["matlab-bicubic"], {})
    return ShownRun(tmp_path / "scores.csv", manifests, shown)


def test_the_pages_of_a_run(run: ShownRun, tmp_path: Path) -> None:
    from sisr.base.csv_files import write_rows

    write_rows(tmp_path / "cost.csv", COLUMNS, rows(timed=True))
    cost_results.make_table(run, tmp_path / "cost.csv", 4, tmp_path / "out")
    markdown = (tmp_path / "out/cost_x4.md").read_text(encoding="utf-8")
    page = (tmp_path / "out/cost_x4.html").read_text(encoding="utf-8")
    # The set with the most images decides.
    for text in (markdown, page):
        assert "25.96 dB, PSNR-RGB on Set14, LR by MATLAB bicubic" in text
        assert "NTIRE 2024" in text and "below the floor" in text
    assert "| SPANF | +0.01 | 6.27 (1) |" in markdown
    assert page.count("<h2>") == 6 + 1  # of which one is that of the notes
