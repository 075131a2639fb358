"""The site's data: what a page is given, and sums from which a crop's numbers follow."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sisr.base import registry
from sisr.base.atomic import write_json
from sisr.base.cells import Cell
from sisr.base.errors import ConfigError
from sisr.base.manifest import SrManifest
from sisr.report.site import charts, learn, methods, model_data, origins, shown_data, viewer_images
from sisr.report.site.pack import pack
from sisr.report.site.script import script
from sisr.report.site.serve import page_of, serving
from sisr.scoring.blocks import encode
from sisr.scoring.metrics.fidelity import psnr, ssim


def sample(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def floats(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64)


@pytest.mark.parametrize("size", [(80, 96), (67, 45), (33, 130)])
@pytest.mark.parametrize("scale", [2, 4])
def test_all_blocks_together_are_the_table(size: tuple[int, int], scale: int) -> None:
    hr = sample(*size)
    sr = np.clip(hr.astype(int) + np.random.default_rng(1).integers(-20, 21, hr.shape), 0, 255).astype(
        np.uint8
    )
    blocks = viewer_images.block_sums(hr, sr, scale)
    mse = floats(blocks["sse"]).sum() / floats(blocks["pixels"]).sum()
    similarity = floats(blocks["ssim"]).sum() / floats(blocks["windows"]).sum()
    assert 10 * math.log10(255**2 / mse) == pytest.approx(psnr(hr, sr, "y-bt601", scale), abs=1e-5)
    assert similarity == pytest.approx(ssim(hr, sr, "y-bt601", scale), abs=1e-6)
    assert sum(blocks["histogram"]) == (size[0] - 2 * scale) * (size[1] - 2 * scale)


def test_a_crop_is_the_sum_of_its_blocks() -> None:
    """PSNR over blocks 1 to 3 across and 2 to 4 down is that of those pixels cut out."""
    hr, sr = sample(96, 96), sample(96, 96, seed=3)
    blocks = viewer_images.block_sums(hr, sr, 2)
    grid = floats(blocks["sse"]).reshape(-1, blocks["columns"])
    cut = np.s_[2 * 16 : 5 * 16, 16 : 4 * 16]
    expected = psnr(hr[cut], sr[cut], "y-bt601-nocrop", 2)
    mse = grid[2:5, 1:4].sum() / (48 * 48)
    assert 10 * math.log10(255**2 / mse) == pytest.approx(expected, abs=1e-4)


def test_identical_images_have_no_error() -> None:
    hr = sample(40, 40)
    blocks = viewer_images.block_sums(hr, hr, 4)
    assert floats(blocks["sse"]).sum() == 0
    assert not viewer_images.error_image(blocks["error"]).any() or blocks["error"].max() == 0


def test_worst_window_is_where_the_error_is() -> None:
    error = np.zeros((200, 300), np.uint8)
    error[120:140, 210:230] = 50
    x, y = viewer_images.worst_window(error)
    assert abs(x - 220) <= 48
    assert abs(y - 130) <= 48
    assert viewer_images.worst_window(np.zeros((20, 30), np.uint8)) == [15, 10]


@given(st.text())
def test_no_text_breaks_out_of_a_script(text: str) -> None:
    line = script(text, {text: [text, 1.5, None]})
    assert not re.search(
        r"[<>&\u2028\u2029]", line.removeprefix("SISR.define(").replace(json.dumps(text), "")
    )
    body = line[len("SISR.define(") + len(json.dumps(text)) + 1 : -3]
    assert json.loads(body) == {text: [text, 1.5, None]}


def test_numbers_that_json_lacks() -> None:
    assert shown_data.number(math.inf) == "inf"
    assert shown_data.number(math.nan) is None
    assert shown_data.number(1 / 3) == 1 / 3


def test_a_panel_has_its_front_in_order_and_zero_cost_keeps_its_point() -> None:
    from sisr.report.shown_run import Names

    shown = Names((), {m: m.upper() for m in "abcd"}, {}, {}, {})
    points = {"a": (5.0, 30.0), "b": (0.0, 28.0), "c": (9.0, 29.0), "d": (0.0, 28.0)}
    panel = charts._scatter(shown, points, (-1, 1), "Set")
    assert panel["points"][1] == ["b", 0.0, 28.0]
    assert panel["front"] == ["b", "d", "a"]


def test_behind_is_the_pair_with_the_best_turned_to_the_model() -> None:
    where = ("set5", "k", 4, "psnr", "y-bt601")
    keys = ["group", "kernel", "scale", "metric", "protocol"]
    pairs = pd.DataFrame(
        [(*where, "a", "b", 2.0, 1.0, 3.0), (*where, "a", "c", 2.5, 2.0, 3.0),
         (*where, "b", "c", 0.5, -1.0, 2.0)],
        columns=[*keys, "model_a", "model_b", "difference", "lower", "upper"],
    )  # fmt: skip
    verdicts = [(*where, m, v) for m, v in (("a", "worse"), ("b", "best"), ("c", "tied"))]
    ranks = pd.DataFrame(verdicts, columns=[*keys, "model", "verdict"])
    found = model_data.behind(pairs, ranks)
    assert found == {"set5\nk\n4\npsnr@y-bt601": {"a": [2.0, 1.0, 3.0], "c": [-0.5, -2.0, 1.0]}}


def test_published_values_are_those_of_the_cell_and_measure() -> None:
    """VDSR's authors print 31.35 dB for Set5 x4 (table 2 of the paper); a pool has no published value."""
    from sisr.report.shown_run import Names
    from sisr.scoring.metrics.protocol import Measure

    psnr = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
    shown = Names((psnr,), {"vdsr": "VDSR"}, {"set5": "Set5"}, {}, {"All": ["set5"]})
    rows = [(group, "matlab-bicubic", 4, "vdsr") for group in ("set5", "All")]
    found = model_data.published(pd.DataFrame(rows, columns=["group", "kernel", "scale", "model"]), shown)
    [(key, (value, source, _))] = found.items()
    assert key == "set5\nmatlab-bicubic\n4\nvdsr\npsnr@y-bt601"
    assert value == 31.35
    assert source


def test_lessons_are_the_documentations_until_the_run_has_its_own(tmp_path: Path) -> None:
    every = learn.lessons({})
    assert [lesson.id for lesson in every][:2] == ["loss_study", "interpolation"]
    assert all(lesson.question and lesson.outcome and lesson.figures for lesson in every)
    (tmp_path / "tiling.json").write_text('{"findings": ["Seams."]}')
    (tmp_path / "tiling_curves.svg").touch()
    [own] = [one for one in learn.lessons({"tiling": sorted(tmp_path.iterdir())}) if one.own]
    assert (own.id, own.outcome) == ("tiling", "Seams.")
    assert [path.name for path in own.figures] == ["tiling_curves.svg"]


def test_every_entry_of_the_bibliography_is_cited_for_something_known() -> None:
    kinds = {"model": "models", "dataset": "datasets", "kernel": "kernels", "metric": "metrics"}
    strange = set()
    for cited, text in methods.entries():
        assert cited, text.splitlines()[0]
        assert "sisr =" not in text
        for item in cited:
            kind, _, name = item.partition(":")
            if kind in kinds and name not in registry.load(kinds[kind]):
                strange.add(item)
    assert strange == set()


@pytest.mark.parametrize(
    ("registry_name", "kind"), [("models", "model"), ("datasets", "dataset"), ("metrics", "metric")]
)
def test_whatever_names_a_paper_is_in_the_bibliography(registry_name: str, kind: str) -> None:
    cited = set().union(*(items for items, _ in methods.entries()))
    for name, entry in registry.load(registry_name).items():
        if entry.get("paper") or entry.get("citation", "none") != "none":
            assert f"{kind}:{name}" in cited


def test_packed_site_is_whole_and_the_same_each_time(tmp_path: Path) -> None:
    import zipfile

    site = tmp_path / "site"
    (site / "data").mkdir(parents=True)
    (site / "index.html").write_text("page")
    (site / "data" / "x.js").write_text("data")
    report = tmp_path / "report.html"
    report.write_text("report")
    (tmp_path / "tables").mkdir()
    page = tmp_path / "tables" / "comparison_x2.html"
    page.write_text("pairs")
    for name in ("a.zip", "b.zip"):
        pack(report, site, tmp_path / name, [page])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert sorted(zipfile.ZipFile(tmp_path / "a.zip").namelist()) == [
        "report.html", "site/data/x.js", "site/index.html", "tables/comparison_x2.html",
    ]  # fmt: skip


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a results folder with site/index\.html"):
        page_of(tmp_path)


def test_served_on_the_loopback_address_only(tmp_path: Path) -> None:
    import urllib.request

    (tmp_path / "report.html").write_text("hello")
    with serving(tmp_path) as address:
        assert address.startswith("http://127.0.0.1:")
        assert urllib.request.urlopen(f"{address}/{page_of(tmp_path)}").read() == b"hello"
        port = int(address.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"port {port}"), serving(tmp_path, port):
            pass


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/report.html", "", 200),
        ("/report.html", "localhost", 200),
        ("/report.html", "rebound.example", 403),
        ("/report.html", "127.0.0.1.rebound.example", 403),
        ("/%00", "", 400),
        ("/report.html%00.png", "", 400),
        ("/out.txt", "", 404),
        ("/out/secret.txt", "", 404),
        ("/page/", "", 404),
        ("/%2e%2e/secret.txt", "", 404),
        ("/circle", "", 404),
        ("/%ED%A0%80", "", 404),
        ("/pipe", "", 404),
        (f"/{'x' * 5000}", "", 404),
        ("/in.txt", "", 200),
    ],
)
def test_only_the_folder_is_served_and_only_to_this_machine(
    path: str, host: str, status: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import http.client

    run = tmp_path / "run"
    (run / "page").mkdir(parents=True)
    (run / "report.html").write_text("hello")
    (tmp_path / "secret.txt").write_text("secret")
    (run / "out.txt").symlink_to(tmp_path / "secret.txt")
    (run / "out").symlink_to(tmp_path)
    (run / "page/index.html").symlink_to(tmp_path / "secret.txt")
    (run / "circle").symlink_to(run / "circle")
    (run / "in.txt").symlink_to("report.html")
    os.mkfifo(run / "pipe")
    with serving(run) as address:
        port = int(address.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path, headers={"Host": f"{host}:{port}"} if host else {})
        answer = connection.getresponse()
        assert answer.status == status
        assert b"secret" not in answer.read()
        connection.close()
    assert capfd.readouterr() == ("", "")


def test_picks_name_the_image_where_the_best_fails() -> None:
    from sisr.report.shown_run import Names
    from sisr.scoring.metrics.protocol import Measure

    measure = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
    rows = [
        ("d", image, "k", 4, model, "psnr", "y-bt601", value)
        for model, values in {"a": [30, 20, 31], "b": [29, 19, 25]}.items()
        for image, value in zip(["i", "j", "k"], values, strict=True)
    ]
    columns = ["dataset", "image", "kernel", "scale", "model", "metric", "protocol", "value"]
    cells = {f"d/k/x4/{m}": {"images": [0, 1, 2], "worst": [[1, 2], [3, 4], [5, 6]]} for m in "ab"}
    shown = Names((measure,), {"a": "A", "b": "B"}, {"d": "D"}, {"k": "K"}, {})
    found = shown_data.picks(shown, pd.DataFrame(rows, columns=columns), cells, {"d": ["i", "j", "k"]}, {})
    assert [(p["title"], p["name"], p["x"], p["y"]) for p in found] == [
        ("The models disagree most", "k", 5, 6),
        ("The best model fails", "j", 3, 4),
    ]


def test_origin_of_weights_is_their_files_only(tmp_path: Path) -> None:
    """An asset may hold more than a model uses; a model without weights has no origin."""
    from sisr.data.assets.fetched_asset import FetchedAsset, FetchedFile
    from sisr.models.model_entries import get

    files = {n: FetchedFile(n, c * 64, 1, "u") for n, c in (("FSRCNN_x2.pb", "a"), ("FSRCNN_x4.pb", "b"))}
    path = tmp_path / "opencv-fsrcnn-x2.json"
    FetchedAsset("opencv-fsrcnn-x2", "ok", "", files, tmp_path).write(path)
    model = get("opencv-fsrcnn")
    spec = model.weights[2]
    found = origins.weights(model, 2, path)
    assert found == origins.WeightsOrigin(f"asset {spec.asset}", {"FSRCNN_x2.pb": "a" * 64})
    assert origins.weights(get("bicubic"), 2, None) is None

    FetchedAsset("opencv-fsrcnn-x2", "unavailable", "away", {}, tmp_path).write(path)
    assert origins.weights(model, 2, path) == origins.WeightsOrigin(f"asset {spec.asset}")

    own = tmp_path / "mine.pth"
    own.write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    assert origins.weights(model, 2, None, [own]) == origins.WeightsOrigin("own files", {"mine.pth": digest})


def test_devices_of_shards_are_one_text(tmp_path: Path) -> None:
    statuses = []
    for i, (status, device) in enumerate([("ok", "cpu"), ("ok", "cuda:0"), ("ok", "cpu"), ("failed", "cpu")]):
        path = tmp_path / f"{i}.json"
        threads = 1 + (device != "cpu")
        SrManifest(path=path, status=status, device=device, threads=threads, images=()).write()
        statuses.append(("cell" if i < 3 else "other", path))
    assert origins.devices(statuses) == {"cell": "cpu, 1 thread; cuda:0, 2 threads"}


def test_training_curves_are_thinned_by_means_and_skip_what_is_not_there() -> None:
    long = pd.DataFrame({"iteration": range(1, 1201), "loss": [1.0, 3.0] * 600, "psnr_y": [math.nan] * 1200})
    [chart] = charts.training({"a": long, "b": pd.DataFrame({"step": [1]})}, "loss")
    [line] = chart["lines"]
    assert len(line["points"]) == 300
    assert (line["name"], line["points"][-1]) == ("a", [1200, 2.0])
    assert charts.training({"a": long}, "psnr_y") == []
    assert charts.training({}, "loss") == []


def test_rank_bars_overlap_where_ranks_are_nearer_than_the_critical_difference() -> None:
    from sisr.report.shown_run import Names
    from sisr.scoring.metrics.protocol import Measure

    measure = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
    shown = Names((measure,), {"a": "A", "b": "B", "c": "C"}, {"d": "D", "e": "E"}, {"k": "K"}, {})
    columns = [
        "group",
        "kernel",
        "scale",
        "metric",
        "protocol",
        "model",
        "n",
        "mean_rank",
        "critical_difference",
    ]
    rows = [("d", "k", 4, "psnr", "y-bt601", m, 20, r, 0.5) for m, r in (("b", 1.2), ("a", 1.6), ("c", 2.8))]
    rows += [("e", "k", 4, "psnr", "y-bt601", m, 5, 1.0, 2.0) for m in "abc"]
    [chart] = charts._ranks(shown, pd.DataFrame(rows, columns=columns), 4, "here")
    assert [model for model, _ in chart["rows"]] == ["b", "a", "c"]
    assert "on D (20 images)" in chart["title"]
    ranks = [rank for _, rank in chart["rows"]]
    overlap = [b - a < chart["difference"] for a, b in itertools.pairwise(ranks)]
    assert overlap == [True, False]


@pytest.mark.parametrize(("quality", "most"), [(90, 1e6), (None, 2e6)])
def test_a_image_keeps_within_its_budget(tmp_path: Path, quality: int | None, most: float) -> None:
    """Bytes per megapixel of all that a model and image take (docs/site.md), on real images."""
    import cv2
    from skimage import data as skimage_data

    shots = {"astronaut": skimage_data.astronaut(), "chelsea": skimage_data.chelsea()}
    entries: dict[str, list[dict[str, str]]] = {"hr": [], "sr": []}
    for name, hr in shots.items():
        hr = hr[: hr.shape[0] // 4 * 4, : hr.shape[1] // 4 * 4]  # noqa: PLW2901
        small = cv2.resize(hr, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        noise = np.random.default_rng(0).normal(0, 3, hr.shape)
        sr = cv2.resize(small, hr.shape[1::-1], interpolation=cv2.INTER_CUBIC) + noise
        for kind, image in (("hr", hr), ("sr", np.clip(sr, 0, 255).astype(np.uint8))):
            (tmp_path / kind).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / kind / f"{name}.png")
            entries[kind].append({"name": name, "file": f"{kind}/{name}.png"})
    write_json(tmp_path / "hr.json", {"images": entries["hr"]})
    write_json(tmp_path / "sr.json", {"images": entries["sr"]})
    parts = {n: encode(np.ones((32, 32))) for n in shots}
    write_json(tmp_path / "parts.json", {"images": parts})
    viewer_images.write_cell(
        tmp_path / "hr.json", [tmp_path / "sr.json"], Cell("d", "k", 4, "m"), tmp_path / "out",
        tmp_path / "out.json", quality, [tmp_path / "parts.json"],
    )  # fmt: skip
    pixels = sum(shot.shape[0] * shot.shape[1] for shot in shots.values())
    size = sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    print(f"quality {quality}: {size / pixels:.2f} MB per megapixel")
    assert size / pixels * 1e6 <= most
