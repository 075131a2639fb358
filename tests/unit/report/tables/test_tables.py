from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import fake_run as run
import numpy as np
import pandas as pd
import pytest
from sisr.analysis import summaries
from sisr.analysis.shown_measures import letters
from sisr.analysis.summaries import summarise
from sisr.base.errors import ConfigError, ScoreError
from sisr.report import tables
from sisr.report.shown_run import Names
from sisr.report.table_writers import render
from sisr.report.tables import build, rank
from sisr.scoring.metrics.protocol import Measure

PSNR = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
LPIPS = Measure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4, 6, "", False)
Tiny = Callable[..., pd.DataFrame]


def table_of(
    scores: pd.DataFrame, status: pd.DataFrame, pools: dict[str, list[str]] | None = None
) -> tables.Table:
    return build(summarise(scores, pools), status, replace(run.NAMES, pools=pools or {}), 4)


# --- summarise ------------------------------------------------------------------------------------------


def test_means_of_datasets_and_pool(full_scores: pd.DataFrame) -> None:
    summary = summarise(full_scores, run.POOLS)
    # 3 datasets and 1 pool, 2 kernels, 2 scales, 10 models, 4 measures
    assert len(summary) == 4 * 2 * 2 * 10 * 4
    chosen = full_scores[
        (full_scores["dataset"].isin(["set14", "urban100"]))
        & (full_scores["kernel"] == "opencv-area")
        & (full_scores["scale"] == 4)
        & (full_scores["model"] == "span")
        & (full_scores["protocol"] == "rgb")
    ]
    pooled = summary[
        (summary["group"] == "Set14 + Urban100")
        & (summary["kernel"] == "opencv-area")
        & (summary["scale"] == 4)
        & (summary["model"] == "span")
        & (summary["protocol"] == "rgb")
    ]
    # numpy's mean over the 114 images, not over the two datasets' means.
    assert pooled["mean"].item() == pytest.approx(np.mean(chosen["value"]), abs=1e-12)
    assert pooled["n"].item() == pooled["expected"].item() == 114
    of_means = chosen.groupby("dataset")["value"].mean().mean()
    assert abs(pooled["mean"].item() - of_means) > 0.5


def test_means_do_not_depend_on_the_order_of_rows(scores: pd.DataFrame) -> None:
    shuffled = scores.sample(frac=1, random_state=4)
    key = ["group", "kernel", "scale", "model", "metric", "protocol"]
    a, b = (summarise(s, run.POOLS).sort_values(key, ignore_index=True) for s in (scores, shuffled))
    pd.testing.assert_frame_equal(a, b, check_exact=True)


def test_mean_is_missing_unless_all_images_are_there(tiny: Tiny) -> None:
    summary = summarise(tiny({"a": [30.0, 32.0], "b": [31.0]})).set_index("model")
    assert summary.loc["a", "mean"] == 31.0
    assert math.isnan(summary.loc["b", "mean"])
    assert summary.loc["b", "note"] == "1 of 2 images scored"
    summary = summarise(tiny({"a": [30.0, 32.0]}), expected={"d": 3})
    assert summary["mean"].isna().all()
    assert summary["note"].item() == "2 of 3 images scored"


def test_more_images_than_expected_is_an_error(tiny: Tiny) -> None:
    with pytest.raises(ScoreError, match="dataset d has 2 images, expected 1"):
        summarise(tiny({"a": [1.0, 2.0]}), expected={"d": 1})


def test_mean_leaves_identical_images_out(tiny: Tiny) -> None:
    summary = summarise(tiny({"a": [math.inf, 32.0], "b": [30.0, 31.0], "c": [math.inf, math.inf]}))
    assert summary["mean"].tolist() == [32, 30.5, math.inf]
    assert summary["identical"].tolist() == [1, 0, 2]
    assert summary["worth"].tolist() == pytest.approx([35.0103, 30.4713, math.inf], abs=1e-4)


def test_nan_and_duplicates_name_the_cell(tiny: Tiny) -> None:
    with pytest.raises(ScoreError, match=r"psnr@y-bt601 of image 'i1' in cell d/k/x4/a is not a number"):
        summarise(tiny({"a": [30.0, math.nan]}))
    twice = pd.concat([tiny({"a": [30.0]}), tiny({"a": [31.0]})])
    with pytest.raises(ScoreError, match=r"image 'i0' in cell d/k/x4/a is given twice"):
        summarise(twice)


def test_pool_needs_all_its_datasets_and_a_name_of_its_own(tiny: Tiny) -> None:
    scores = pd.concat([tiny({"a": [30.0]}), tiny({"a": [20.0, 21.0]}, dataset="e")])
    summary = summarise(scores, {"d + e": ["d", "e"], "d + f": ["d", "f"]})
    assert list(summary["group"]) == ["d", "e", "d + e"]
    with pytest.raises(ConfigError, match="pool 'd': a dataset has this name"):
        summarise(scores, {"d": ["d", "e"]})
    with pytest.raises(ConfigError, match="names a dataset twice"):
        summarise(scores, {"p": ["d", "d"]})


def test_read_scores_keeps_names_that_look_like_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text("dataset,image,kernel,scale,model,metric,protocol,value\nd,007,k,4,NA,psnr,rgb,inf\n")
    frame = summaries.read_scores(path)
    assert frame.loc[0, ["image", "scale", "model", "value"]].tolist() == ["007", 4, "NA", math.inf]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dataset,image,kernel,scale,model,metric,value\n", "column 'protocol' is missing"),
        (
            "dataset,image,kernel,scale,model,metric,protocol,value\nd,i,k,4,m,psnr,rgb,\n",
            "image 'i'.*number",
        ),
        ("dataset,image,kernel,scale,model,metric,protocol,value\nd,i,k,x4,m,psnr,rgb,1\n", ":2: scale 'x4'"),
        ("", "not a table"),
    ],
)
def test_bad_score_tables_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(ScoreError, match=message) as caught:
        summaries.read_scores(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(ScoreError, match="no such file"):
        summaries.read_scores(tmp_path / "none.csv")


# --- ranking and layout ---------------------------------------------------------------------------------


def test_rank_compares_what_is_printed() -> None:
    nan, inf = math.nan, math.inf
    assert rank([30.001, 30.004, 29.0, 28.0], PSNR) == [1, 1, 2, 0]
    assert rank([0.3, 0.1, 0.2, nan], LPIPS) == [0, 1, 2, 0]
    assert rank([inf, 30.0, nan, inf], PSNR) == [1, 2, 0, 1]
    assert rank([30.0, nan], PSNR) == [0, 0]
    assert rank([], PSNR) == []
    # Two values that differ by rounding only, one above and one below zero, print alike up to the sign.
    assert rank([0.00001, -0.00001, 0.5], LPIPS) == [1, 1, 2]


def test_rows_columns_and_sections_follow_the_config(scores: pd.DataFrame, status: pd.DataFrame) -> None:
    table = table_of(scores, status, run.POOLS)
    assert [section.kernel for section in table.sections] == list(run.KERNEL_LABELS)
    for section in table.sections:
        assert [row.model for row in section.rows] == list(run.MODELS)
        assert [(c.group_label, c.images, n) for c, n in section.spans()] == [
            ("Set5", 5, 4),
            ("Set14", 14, 4),
            ("Urban100", 100, 4),
            ("Set14 + Urban100", 114, 4),
        ]
    for part in ("×4", "MATLAB bicubic", "OpenCV INTER_AREA", "y-bt601, rgb, alex-v0.1"):
        assert part in table.title


def test_models_that_did_not_finish_are_marked_and_explained(
    scores: pd.DataFrame, status: pd.DataFrame
) -> None:
    table = table_of(scores, status, run.POOLS)
    rows = {row.model: row for row in table.sections[0].rows}
    assert rows["opencv-edsr"].mark == "a"
    assert {cell.text for cell in rows["opencv-edsr"].cells} == {"—"}
    # Real-ESRGAN has no Urban100, hence no pooled mean either; Set5 and Set14 are complete.
    assert rows["realesrgan"].mark == ""
    assert [cell.mark for cell in rows["realesrgan"].cells] == [""] * 8 + ["b"] * 8
    assert [(note.mark, note.model, note.status) for note in table.notes] == [
        ("a", "EDSR", "unavailable"),
        ("b", "Real-ESRGAN", "oom"),
    ]
    assert table.notes[0].where == "Set5, Set14, Urban100; MATLAB bicubic, OpenCV INTER_AREA"
    assert not table.not_run


def test_cell_that_was_not_asked_for_has_a_bare_dash(full_scores: pd.DataFrame) -> None:
    status = run.make_status(full_scores)
    gone_scores = (full_scores["model"] == "vdsr") & (full_scores["dataset"] == "urban100")
    gone_status = (status["model"] == "vdsr") & (status["dataset"] == "urban100")
    table = table_of(full_scores[~gone_scores], status[~gone_status], run.POOLS)
    row = next(row for row in table.sections[0].rows if row.model == "vdsr")
    assert [cell.text for cell in row.cells[8:]] == ["—"] * 8
    assert table.notes == () and table.not_run


def test_ok_cell_with_missing_images_is_incomplete(full_scores: pd.DataFrame) -> None:
    status = run.make_status(full_scores)
    gone = (
        (full_scores["model"] == "vdsr")
        & (full_scores["image"] == "img_003")
        & (full_scores["metric"] == "ssim")
    )
    table = table_of(full_scores[~gone], status)
    assert [str(note) for note in table.notes] == [
        "VDSR: incomplete (Set5): 4 of 5 images scored",
        "VDSR: incomplete (Set14): 13 of 14 images scored",
        "VDSR: incomplete (Urban100): 99 of 100 images scored",
    ]


def test_letters_go_on_after_z() -> None:
    assert [letters(i) for i in (0, 25, 26, 27, 51, 52, 701, 702)] == [
        "a", "z", "aa", "ab", "az", "ba", "zz", "aaa",
    ]  # fmt: skip


# --- files ----------------------------------------------------------------------------------------------


@pytest.fixture
def files(scores: pd.DataFrame, status: pd.DataFrame, tmp_path: Path) -> dict[str, Path]:
    return render(
        summarise(scores, run.POOLS),
        status,
        run.NAMES,
        4,
        tmp_path / "tables",
    )


def test_four_files_without_leftovers(files: dict[str, Path]) -> None:
    folder = files["csv"].parent
    assert sorted(path.name for path in folder.iterdir()) == ["x4.csv", "x4.html", "x4.md", "x4.tex"]


def test_csv_holds_the_summary(files: dict[str, Path], scores: pd.DataFrame) -> None:
    frame = pd.read_csv(files["csv"])
    assert list(frame.columns) == [
        "kernel", "model", "group", "psnr@y-bt601", "ssim@y-bt601", "psnr@rgb", "lpips@alex-v0.1", "n",
    ]  # fmt: skip
    assert len(frame) == 2 * 10 * 4
    summary = summarise(scores, run.POOLS)
    summary = summary[summary["scale"] == 4]
    for measure in run.MEASURES:
        here = summary[(summary["metric"] == measure.metric) & (summary["protocol"] == measure.protocol)]
        merged = frame.merge(here, on=["kernel", "model", "group"], how="left", suffixes=("", "_s"))
        np.testing.assert_allclose(merged[measure.id], merged["mean"], atol=5e-7)
    missing = frame[frame["model"] == "opencv-edsr"]
    assert missing["n"].eq(0).all() and missing["psnr@rgb"].isna().all()


def test_inf_in_every_format(tiny: Tiny, tmp_path: Path) -> None:
    scores = tiny({"oracle": [math.inf, math.inf], "b": [30.0, 31.0], "c": [29.0, 30.0]})
    files = render(summarise(scores), run.make_status(scores), Names((PSNR,), {}, {}, {}, {}), 4, tmp_path)
    assert "k,oracle,d,inf,2" in files["csv"].read_text()
    assert "**inf**" in files["md"].read_text() and "<ins>30.50</ins>" in files["md"].read_text()
    assert r"\best{inf}" in files["tex"].read_text() and r"\second{30.50}" in files["tex"].read_text()
    assert "<strong>inf</strong>" in files["html"].read_text()


def test_identical_images_are_marked_and_do_not_win(tiny: Tiny, tmp_path: Path) -> None:
    # "once" is perfect on one image and second on the others: the mean of "safe" is lower, and it is better.
    scores = tiny({"once": [math.inf, 28.0, 28.0], "safe": [31.0, 30.0, 30.0], "easy": [60.0, 27.0, 27.0]})
    files = render(summarise(scores), run.make_status(scores), Names((PSNR,), {}, {}, {}, {}), 4, tmp_path)
    text = {extension: path.read_text() for extension, path in files.items()}
    assert "**30.33**" in text["md"] and "<ins>28.00</ins><sup>=1</sup>" in text["md"]
    assert r"\second{28.00}\textsuperscript{=1}" in text["tex"]
    assert text["csv"].splitlines()[:2] == [
        "kernel,model,group,psnr@y-bt601,psnr@y-bt601_identical,n",
        "k,once,d,28.000000,1,3",
    ]
    for extension in ("md", "tex", "html"):
        assert "ranked by the PSNR of the mean squared error" in text[extension]
    summary = summarise(tiny({"a": [30.0], "b": [math.inf]}))
    plain = render(summary, run.make_status(scores), Names((PSNR,), {}, {}, {}, {}), 4, tmp_path / "plain")
    assert "ranked by" not in plain["md"].read_text() and "identical" not in plain["csv"].read_text()


HOSTILE = r"<script>alert('&')</script> 50%_{$#}~^\|`*[x]"


@pytest.fixture
def hostile(tiny: Tiny, tmp_path: Path) -> dict[str, str]:
    scores = tiny({"a": [30.0], "b": [31.0]})
    status = run.make_status(scores, {("a", "d"): ("failed", HOSTILE)})
    paths = render(
        summarise(run.drop_trouble(scores, status)),
        status,
        Names((PSNR,), {"a": HOSTILE, "b": HOSTILE + "\n2"}, {"d": HOSTILE}, {"k": HOSTILE}, {}),
        4,
        tmp_path,
    )
    return {kind: path.read_text() for kind, path in paths.items()}


def test_html_escapes_names(hostile: dict[str, str]) -> None:
    assert "<script>alert" not in hostile["html"]
    assert hostile["html"].count("&lt;script&gt;alert(&#39;&amp;&#39;)") >= 5


def test_markdown_escapes_names(hostile: dict[str, str]) -> None:
    assert "<script>" not in hostile["md"]
    rows = [line for line in hostile["md"].splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}


def test_latex_escapes_names(hostile: dict[str, str]) -> None:
    text = "\n".join(line for line in hostile["tex"].splitlines() if not line.startswith("%"))
    escaped = (
        r"\textless{}script\textgreater{}alert('\&')\textless{}/script\textgreater{} "
        r"50\%\_\{\$\#\}\textasciitilde{}\textasciicircum{}\textbackslash{}\textbar{}`*[x]"
    )
    assert text.count(escaped) >= 4
    assert text.count("{") == text.count("}")


def test_latex_is_balanced_and_no_row_is_longer_than_its_columns(files: dict[str, Path]) -> None:
    text = files["tex"].read_text()
    for environment in ("table", "tabular", "minipage"):
        assert text.count(rf"\begin{{{environment}}}") == text.count(rf"\end{{{environment}}}") > 0
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels)) == text.count(r"\begin{table}")
    for body in re.findall(r"\\begin\{tabular\}\{(l.*?)\}(.*?)\\end\{tabular\}", text, re.DOTALL):
        columns = len(body[0])
        for line in body[1].split(r"\midrule")[1].splitlines():
            if line.endswith(r"\\"):
                assert len(re.findall(r"(?<!\\)&", line)) == columns - 1


class _Page(HTMLParser):
    """Elements of a page, with the attributes that matter here."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def test_html_is_self_contained_and_accessible(files: dict[str, Path]) -> None:
    text = files["html"].read_text()
    page = _Page(text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe")
        assert not {"src", "onclick"} & set(attributes)
        assert str(attributes.get("href", "#")).startswith("#")
        if tag == "th":
            assert attributes.get("scope") in ("col", "row", "colgroup")
    assert "http" not in text and "@import" not in text
    tags = [tag for tag, _ in page.elements]
    assert tags.count("table") == tags.count("caption") == 2
    targets = {str(attributes["id"]) for _, attributes in page.elements if "id" in attributes}
    links = {str(attributes["href"])[1:] for tag, attributes in page.elements if tag == "a"}
    assert links == targets == {"note-a", "note-b"}
    # Marked by weight, line and words, not by colour alone.
    assert text.count('<span class="said"> best</span>') == text.count("</strong><span")
    assert "prefers-color-scheme: dark" in text


def test_markdown_rows_have_the_same_number_of_cells(files: dict[str, Path]) -> None:
    rows = [line for line in files["md"].read_text().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {18}
    assert len({len(row) for row in rows[:12]}) == 1  # aligned, to be read as plain text too


def test_run_without_any_score_still_gives_all_files(full_scores: pd.DataFrame, tmp_path: Path) -> None:
    scores = full_scores[(full_scores["dataset"] == "set5") & (full_scores["model"] == "vdsr")]
    status = run.make_status(scores, {("vdsr", "set5"): ("failed", "bad weights")})
    files = render(
        summarise(scores.iloc[:0]),
        status,
        run.NAMES,
        4,
        tmp_path,
    )
    for kind in ("md", "html", "tex"):
        assert "bad weights" in files[kind].read_text()


# --- what models were trained on -------------------------------------------------------------------------


def test_caveats_are_marked_in_every_form(scores: pd.DataFrame, status: pd.DataFrame, tmp_path: Path) -> None:
    leaked = tables.Caveat("†", "Trained on test images", "BSDS200 has images of Set5")
    unknown = tables.Caveat("‡", "Training data not stated")
    files = render(
        summarise(scores),
        status,
        run.NAMES,
        4,
        tmp_path,
        caveats={"vdsr": leaked, "span": unknown, "realesrgan": unknown, "not-shown": leaked},
    )
    text = {form: path.read_text(encoding="utf-8") for form, path in files.items()}
    assert "| VDSR<sup>†</sup> " in text["md"]
    assert "† Trained on test images: VDSR (BSDS200 has images of Set5)." in text["md"]
    assert "‡ Training data not stated: SPAN, Real-ESRGAN." in text["md"]
    assert "VDSR<sup>†</sup>" in text["html"]
    assert "‡ Training data not stated: SPAN, Real-ESRGAN." in text["html"]
    assert r"VDSR\textsuperscript{$\dagger$}" in text["tex"]
    assert "not-shown" not in "".join(text.values())


def test_caveats_come_from_the_registries_and_from_training(tmp_path: Path) -> None:
    from sisr.models import trained_weights
    from sisr.report.result_tables import training_caveats

    weights = tmp_path / "x2.safetensors"
    hit = {"trained": "mine/a.png", "dataset": "set14", "image": "comic", "bits": None}
    trained_weights.write(weights, {}, {"leakage": [hit]})
    found = training_caveats(
        ["bicubic", "srcnn", "vdsr", "edsr-baseline", "fsrcnn-291", "espcn"],
        {"set5": "Set5", "set14": "Set14"},
        {"espcn": weights},
    )
    assert {model: (one.sign, one.detail) for model, one in found.items()} == {
        "srcnn": ("‡", ""),
        "vdsr": ("†", "BSDS200 has images of Set5"),
        "espcn": ("†", "Set14: comic"),
    }
    elsewhere = training_caveats(["vdsr"], {"urban100": "Urban100"}, {})
    assert elsewhere == {}
