"""Sets that the user brings: what is checked of them, and a run in which one is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sisr.base import registry
from sisr.base.cells import Cell
from sisr.base.errors import ConfigError, ImageError
from sisr.base.images import pixel_digest, write_png
from sisr.data import brought
from sisr.data.datasets import prepare
from sisr.run.config import read
from sisr.scoring.gather import gather_status

BROUGHT = {name: entry for name, entry in registry.load("datasets").items() if "get" in entry}


def test_entries_say_what_is_expected() -> None:
    assert set(BROUGHT) == {"manga109", "general100", "div2k-valid"}
    for entry in BROUGHT.values():
        table = brought.table_of(entry)
        assert table is not None
        rows = brought.images_of(table)
        assert len(rows) == entry["expected"]["images"]
        assert all(set(row) <= set(brought.COLUMNS) for row in rows.values())
    manga = brought.images_of(registry.CONFIG / "datasets/manga109.tsv").values()
    assert len({row["image"] for row in manga}) == 109


@pytest.fixture
def config(config_copy: Path, tmp_path: Path) -> Path:
    """A registry with a set of two images, of which one is known, and a pair dataset."""
    pixels = np.arange(20 * 12, dtype=np.uint8).reshape(20, 12)
    table = f"image\twidth\theight\tpixels\none\t12\t20\t{pixel_digest(pixels)}\ntwo\t\t\t\n"
    (config_copy / "datasets/mine.tsv").write_text(table)
    write_png(tmp_path / "mine/ONE_HR_x4.png", pixels)
    write_png(tmp_path / "mine/two.png", pixels)
    add(config_copy, "mine", path=str(tmp_path / "mine"), get="ask me", expected={"table": "mine.tsv"})
    add(config_copy, "pairs", path=str(tmp_path), lr={"4": str(tmp_path)})
    return config_copy


def add(config: Path, name: str, **keys: Any) -> None:
    entry = {"label": name, "citation": "none", "licence": "none", **keys}
    with (config / "datasets.yaml").open("a") as stream:
        stream.write("\n" + yaml.safe_dump({name: entry}))


def prepared(config: Path, tmp_path: Path) -> list[str]:
    found = prepare(
        "mine", asset_record=None, out_dir=tmp_path / "out", manifest=tmp_path / "m.json", config=config
    )
    return [image.name for image in found.images]


def test_marks_and_case_do_not_matter(config: Path, tmp_path: Path) -> None:
    (tmp_path / "mine/two.png").rename(tmp_path / "mine/Two_HR_x4.PNG")
    assert prepared(config, tmp_path) == ["one", "two"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "rename",
            r"^dataset 'mine': expected 2 images, found no image 'two'; found 'six.png', which is ",
        ),
        ("size", r"^dataset 'mine': one.png: expected 12x20 pixels, found 20x12$"),
        ("pixels", r"^dataset 'mine': one.png: expected pixels of sha256 \w{64}, found \w{64}$"),
        ("folder", r"^dataset 'mine': no folder .*mine: ask me$"),
    ],
)
def test_another_copy_is_refused(config: Path, tmp_path: Path, change: str, message: str) -> None:
    folder = tmp_path / "mine"
    (folder / "ONE_HR_x4.png").rename(folder / "one.png")
    pixels = np.zeros((20, 12), np.uint8)
    if change == "rename":
        (folder / "two.png").rename(folder / "six.png")
    elif change == "folder":
        folder.rename(tmp_path / "other")
    else:
        write_png(folder / "one.png", pixels.T if change == "size" else pixels)
    with pytest.raises(ImageError, match=message):
        prepared(config, tmp_path)


def document(**suite: list[Any]) -> dict[str, Any]:
    usual = {"kernels": ["matlab-bicubic", "pillow-bicubic"], "scales": [2, 4], "models": ["nearest"]}
    return {"name": "x", "suites": {"a": {**usual, **suite}}, "metrics": ["psnr@y-bt601"]}


def test_a_run_does_without_what_is_not_there(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = document(datasets=["set5", "mine"], kernels=["matlab-bicubic"], scales=[4])
    assert not read(asked, config=config).absent
    (tmp_path / "mine").rename(tmp_path / "elsewhere")
    run = read(asked, config=config)
    reason = f"no folder {tmp_path / 'mine'}: ask me"
    assert (run.absent, run.values("dataset")) == ({"mine": reason}, ["set5"])
    assert run.absent_cells == (Cell("mine", "matlab-bicubic", 4, "nearest"),)
    gather_status([], {}, [], tmp_path / "status.csv", dict.fromkeys(run.absent_cells, reason))
    assert f"mine,matlab-bicubic,4,nearest,unavailable,{reason},0,," in (tmp_path / "status.csv").read_text()
    with pytest.raises(ConfigError, match=f"^config: datasets: mine: {reason}$"):
        read({**asked, "datasets": "mine"}, config=config)
    # A job goes by what the main process saw.
    monkeypatch.setenv(brought.ABSENT, "")
    assert not read(asked, config=config).absent
    monkeypatch.setenv(brought.ABSENT, "mine")
    assert read(asked, config=config).absent == {"mine": reason}


def test_pairs_have_one_kernel_and_their_own_scales(config: Path) -> None:
    run = read(document(datasets=["set5", "pairs"]), config=config)
    assert [one for one in run.sets() if one[0] == "pairs"] == [("pairs", "given", 4)]
    assert len(run.sets()) == 5
    given = read(document(datasets=["pairs"], kernels=["given"]), config=config)
    assert given.cells == (Cell("pairs", "given", 4, "nearest"),)
    assert read({**document(datasets=["set5"]), "datasets": "pairs"}, config=config).cells == given.cells
    with pytest.raises(ConfigError, match=r"^config: datasets: pairs has LR images at x4 only$"):
        read({**document(datasets=["pairs"]), "scales": "2"}, config=config)
    with pytest.raises(ConfigError, match=r"set5 has no LR images of its own, so name a kernel$"):
        read(document(datasets=["set5"], kernels=["given"]), config=config)
