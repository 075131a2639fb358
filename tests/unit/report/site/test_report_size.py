"""Snakemake's report of the full benchmark stays within its limit: what it embeds, made at full size."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from PIL import Image
from sisr.analysis.statistics import bootstrap
from sisr.base import registry
from sisr.base.atomic import write_json
from sisr.base.registry import ROOT
from sisr.report import result_plots, result_tables, shown_run
from sisr.report.comparison import make_comparison
from sisr.report.figures import crops, plots
from sisr.report.render import LIMIT, sheet_limit
from sisr.run import config
from sisr.scoring.metrics import parse_measure
from skimage import data

#: Images of the benchmark's datasets.
IMAGES = {"set5": 5, "set14": 14, "bsd100": 100, "urban100": 100}
#: Bytes of a report that holds nothing, and of one job's time: the demo's report (5.49 MB with 2.29 MB of
#: results in base64, 84 jobs) without its results.
FRAME, JOB = 3_200_000, 240


def scores(run: config.Run) -> Iterator[tuple[object, ...]]:
    rng = np.random.default_rng(0)
    for dataset, kernel, scale, model in run.cells:
        for image in range(IMAGES[dataset]):
            for text in run.measures:
                measure = parse_measure(text)
                value = rng.normal(30, 3) if measure.metric == "psnr" else rng.uniform(0.2, 0.9)
                name = f"img_{image:03d}"
                yield dataset, name, kernel, scale, model, measure.metric, measure.protocol, round(value, 6)


def beside(axis: Axes, points: np.ndarray, labels: Sequence[str]) -> None:
    for (x, y), label in zip(points, labels, strict=True):
        axis.annotate(label, (x, y), (x, y), fontsize=8, arrowprops={"arrowstyle": "-"})


@pytest.mark.release
def test_report_of_the_full_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Sizes do not depend on where labels stand, nor on how many resamples the intervals are from.
    monkeypatch.setattr(plots, "place_labels", beside)
    monkeypatch.setitem(bootstrap.intervals.__kwdefaults__, "resamples", 200)
    run = config.read(registry.read_yaml(ROOT / "config" / "config.yaml"))
    columns = ["dataset", "image", "kernel", "scale", "model", "metric", "protocol", "value"]
    pd.DataFrame(scores(run), columns=columns).to_csv(tmp_path / "scores.csv", index=False)
    columns = ["dataset", "kernel", "scale", "model", "status", "reason", "images", "seconds_per_image"]
    status = [(*cell, "ok", "", IMAGES[cell.dataset], 1.234567) for cell in run.cells]
    pd.DataFrame(status, columns=columns).to_csv(tmp_path / "status.csv", index=False)
    manifests = {}
    for dataset in run.values("dataset"):
        manifests[dataset] = tmp_path / f"{dataset}.json"
        images = [{"name": f"img_{i:03d}", "file": f"{i}.png"} for i in range(IMAGES[dataset])]
        write_json(manifests[dataset], {"images": images})
    shown = shown_run.names(
        run.measures, run.values("model"), run.values("dataset"), run.values("kernel"), run.pools
    )
    out = tmp_path / "report"
    status_table = tmp_path / "status.csv"
    made = shown_run.ShownRun(tmp_path / "scores.csv", manifests, shown)
    for scale in run.values("scale"):
        result_tables.make_tables(made, status_table, scale, out)
        result_plots.make_plots(
            made, scale,
            quality=out / f"quality_x{scale}.svg", perception_distortion=out / f"plane_x{scale}.svg",
        )  # fmt: skip
        make_comparison(
            made, status_table, scale, pairs=tmp_path / f"pairs_x{scale}.csv",
            ranks=tmp_path / f"ranks_x{scale}.csv", page=tmp_path / f"comparison_x{scale}.html",
            diagram=out / f"critical_x{scale}.svg",
        )  # fmt: skip
    for scale in run.values("scale"):  # Markdown and LaTeX are not shown
        (out / f"x{scale}.md").unlink()
        (out / f"x{scale}.tex").unlink()
    files = {path.name: path.stat().st_size for path in out.iterdir()}
    files["status.csv"] = status_table.stat().st_size
    sheets = run.crops_per_set * sum(kernel in run.crop_kernels for _, kernel, _ in run.sets())
    files["crop sheets"] = sheets * sheet_limit(sheets)
    # What is not made here, rounded up: pages and plots of phase, robustness, cost, precision, certification.
    files["others"] = 2_000_000
    # Eight studies, each with a plot or two in SVG, a sheet or two of images, and a table.
    files["studies"] = 2_300_000
    jobs = 5 * len(run.cells)
    total = FRAME + JOB * jobs + sum(files.values()) * 4 / 3
    print(f"report: {total / 1e6:.1f} MB,", {name: f"{size / 1e6:.2f}" for name, size in files.items()})
    assert total < LIMIT


def test_sheets_share_their_part_of_the_report() -> None:
    assert sheet_limit(1) == sheet_limit(2) == 400_000
    assert sheet_limit(40) * 40 == sheet_limit(20) * 20 == 1_000_000


def test_a_sheet_keeps_to_its_limit(tmp_path: Path) -> None:
    image = Image.fromarray(data.astronaut())
    best = tmp_path / "best.jpg"
    crops._save(image, best)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=92, subsampling=0, optimize=True)
    assert best.stat().st_size == len(stream.getvalue())
    limit = best.stat().st_size // 2
    crops._save(image, tmp_path / "small.jpg", limit)
    assert 0.7 * limit < (tmp_path / "small.jpg").stat().st_size <= limit
