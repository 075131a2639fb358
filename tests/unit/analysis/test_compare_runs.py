"""Two results folders side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wilcoxon
from sisr.analysis.compare_runs import BETTER, FEW, ONLY_A, ONLY_B, OPEN, SAME, WORSE, read_run, sections
from sisr.analysis.statistics.paired import holm
from sisr.base.atomic import write_json
from sisr.base.errors import ScoreError
from sisr.base.manifest import HrImage, HrManifest
from sisr.cli import app
from sisr.report.runs_page import write_comparison
from typer.testing import CliRunner

N = 20
RNG = np.random.default_rng(3)
BASE = RNG.normal(30, 3, N).round(6)
NOISE = RNG.normal(0, 0.2, N).round(6)
SCORES = ["dataset", "image", "kernel", "scale", "model", "metric", "protocol", "value"]
STATUS = ["dataset", "kernel", "scale", "model", "status", "reason", "images", "seconds_per_image"]


def make_run(
    folder: Path,
    values: dict[str, np.ndarray],
    *,
    metric: str = "psnr",
    protocol: str = "y-bt601",
    dataset: str = "set5",
    image: str = "img",
    failed: tuple[str, ...] = (),
    **made: object,
) -> Path:
    """A results folder with one LR set; ``values`` by model."""
    folder.mkdir(parents=True)
    rows = [
        (dataset, f"{image}_{i:02d}", "matlab-bicubic", 4, model, metric, protocol, value)
        for model, column in values.items()
        for i, value in enumerate(column)
    ]
    pd.DataFrame(rows, columns=SCORES).to_csv(folder / "scores.csv", index=False)
    cells = [(m, "ok", "") for m in values] + [(m, "failed", "not finite") for m in failed]
    status = [(dataset, "matlab-bicubic", 4, m, state, why, N, "") for m, state, why in cells]
    pd.DataFrame(status, columns=STATUS).to_csv(folder / "status.csv", index=False)
    write_json(folder / "provenance.json", {"config": {"name": folder.name}, "commit": "0" * 40, **made})
    return folder


def test_verdicts(tmp_path: Path) -> None:
    a = {"bicubic": BASE, "vdsr": BASE, "imdn": BASE, "edsr": BASE, "rcan": BASE, "span": BASE}
    b = {**a, "vdsr": BASE + 0.3, "imdn": BASE - 0.2, "edsr": BASE + NOISE, "hat": BASE}
    del b["rcan"]
    runs = [read_run(make_run(tmp_path / name, run)) for name, run in (("a", a), ("b", b))]
    [section] = sections(*runs)
    found = {label: change for label, (change,) in section.rows}
    verdicts = {label: change.verdict for label, change in found.items() if change}
    assert verdicts == {
        "Bicubic": SAME, "VDSR": BETTER, "IMDN": WORSE, "EDSR": OPEN, "RCAN": ONLY_A, "SPAN": SAME,
        "HAT": ONLY_B,
    }  # fmt: skip
    assert found["VDSR"].difference == "+0.300"
    assert found["VDSR"].interval == "+0.300 to +0.300"
    assert found["IMDN"].images == "0 / 0 / 20"
    assert found["RCAN"].b == "not run"
    # The p that scipy gives, corrected over the three models that differ.
    p = holm(np.array([wilcoxon(x).pvalue for x in (np.full(N, 0.3), np.full(N, 0.2), NOISE)]))
    assert found["EDSR"].p == f"p = {p[2]:.3f}"


def test_lower_is_better_where_it_is(tmp_path: Path) -> None:
    low, high = BASE / 100, BASE / 100 + 0.05
    options = {"metric": "lpips", "protocol": "alex-v0.1"}
    a = make_run(tmp_path / "a", {"vdsr": high, "imdn": low}, **options)  # type: ignore[arg-type]
    b = make_run(tmp_path / "b", {"vdsr": low, "imdn": high}, **options)  # type: ignore[arg-type]
    [section] = sections(read_run(a), read_run(b))
    assert [change.verdict for _, (change,) in section.rows if change] == [BETTER, WORSE]


def test_few_images_decide_nothing(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", {"vdsr": BASE[:5]})
    b = make_run(tmp_path / "b", {"vdsr": BASE[:5] + 1})
    assert write_comparison(a, b, tmp_path / "page.html") == {FEW: 1}


def test_infinite_values_and_failed_models(tmp_path: Path) -> None:
    perfect = BASE.copy()
    perfect[3] = np.inf
    a = make_run(tmp_path / "a", {"vdsr": perfect, "imdn": BASE}, failed=("edsr",))
    b = make_run(tmp_path / "b", {"vdsr": perfect, "imdn": perfect, "edsr": BASE})
    counts = write_comparison(a, b, tmp_path / "page.html")
    assert counts == {SAME: 1, OPEN: 1, ONLY_B: 1}
    text = (tmp_path / "page.html").read_text()
    assert '<td class="first">failed</td>' in text
    assert "inf" in text


def test_page_escapes_names_and_says_what_differs(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    a = make_run(tmp_path / "a", {hostile: BASE}, packages={"torch": "2.0"})
    b = make_run(tmp_path / "b", {hostile: BASE}, packages={"torch": "2.1"}, python=hostile)
    write_comparison(a, b, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "packages.torch</th><td>2.0</td><td>2.1</td>" in text
    assert "commit</th>" not in text


def test_runs_that_do_not_match_are_refused(tmp_path: Path) -> None:
    a = make_run(tmp_path / "a", {"vdsr": BASE})
    others = {
        "other": ({"dataset": "set14"}, r"no LR set in common: set5/matlab-bicubic/x4 against set14/"),
        "images": (
            {"image": "image"},
            r"has 20 and 20 images; 'image_00' is in .*images only",
        ),
        "measure": ({"protocol": "rgb"}, r"no measure in common: psnr@y-bt601 against psnr@rgb"),
    }
    for name, (options, message) in others.items():
        b = make_run(tmp_path / name, {"vdsr": BASE}, **options)  # type: ignore[arg-type]
        with pytest.raises(ScoreError, match=message):
            write_comparison(a, b, tmp_path / "page.html")
    with pytest.raises(ScoreError, match="compared with itself"):
        write_comparison(a, tmp_path / "other" / ".." / "a", tmp_path / "page.html")
    with pytest.raises(ScoreError, match=r"expected a results folder with scores\.csv, found none"):
        write_comparison(a, tmp_path, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_other_pixels_of_one_name_are_refused(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name, {"vdsr": BASE}) for name in "ab"]
    for folder in folders:
        digest = ("1" if folder.name == "a" else "2") * 64
        size = {"height": 8, "width": 8, "channels": 3}
        image = HrImage(name="img_00", file="set5/img_00.png", **size, sha256=digest)
        HrManifest(path=folder / "hr" / "set5.json", dataset="set5", images=[image]).write()
    with pytest.raises(ScoreError, match="image 'img_00' of dataset 'set5' is not the same: sha256 1111"):
        write_comparison(*folders, tmp_path / "page.html")


def test_command(tmp_path: Path) -> None:
    folders = [str(make_run(tmp_path / name / "demo", {"vdsr": BASE})) for name in "ab"]
    done = CliRunner().invoke(app, ["compare", *folders, "--out", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    assert done.output.rstrip().endswith("page.html: 1 same values")
    done = CliRunner().invoke(app, ["compare", folders[0], folders[0]])
    assert done.exit_code == 1
    assert done.stderr == f"error: {folders[0]}: compared with itself\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("provenance.json", b"[]", "provenance.json: [] is not of type 'object'"),
        ("provenance.json", b'{"config": "demo"}', "provenance.json: config: 'demo' is not of type 'object'"),
        ("provenance.json", b'{"config": {"name": 7}}', "config.name: 7 is not of type 'string'"),
        ("provenance.json", b'{"commit": {}}', "provenance.json: commit: {} is not of type 'string', 'null'"),
        ("provenance.json", "{é}".encode("latin-1"), "provenance.json: not JSON: "),
        ("provenance.json", b"[" * 100_000, "provenance.json: not JSON: "),
        ("scores.csv", b"dataset,image\xe9\n", "scores.csv: not a table: "),
        ("scores.csv", b"", "scores.csv: not a table: "),
        (
            "scores.csv",
            b"dataset,image,kernel,scale,model,metric,protocol,value\nd,i,k,1e400,m,psnr,rgb,1\n",
            "scores.csv:2: scale '1e400' is not a number from 1 to 99",
        ),
        ("status.csv", b"dataset\n", "status.csv: column 'kernel' is missing"),
        ("hr/set5.json", b"[]", "hr/set5.json: [] is not of type 'object'"),
        ("hr/set5.json", b'{"dataset": "set5", "images": [7]}', "set5.json: images.0: 7 is not of type"),
        (
            "hr/set5.json",
            b'{"dataset": "set5", "images": [{"name": [], "file": "a"}]}',
            "images.0.name: [] is not of type 'string'",
        ),
    ],
)
def test_a_file_of_a_run_that_is_another_thing_is_one_line(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    a, b = (make_run(tmp_path / run, {"bicubic": BASE}) for run in ("a", "b"))
    (b / name).parent.mkdir(exist_ok=True)
    (b / name).write_bytes(content)
    run = CliRunner().invoke(app, ["compare", str(a), str(b), "--out", str(tmp_path / "page.html")])
    assert (run.exit_code, run.output.count("\n")) == (1, 1), run.output
    assert run.output.startswith(f"error: {b / name}")
    assert said in run.output
