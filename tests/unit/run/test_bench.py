"""sisr bench: what it asks the workflow for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from sisr.base.errors import ImageError, SisrError
from sisr.base.images import write_png
from sisr.models.model_entries import Stated, named
from sisr.run import bench
from sisr.run.bench import Bench, check_against, entry_of_network, id_of, outputs_in
from sisr.run.config import read
from sisr.scoring.shipped_index import ShippedIndex, ShippedSet, index

MADE = {"commit": "c", "recorded": "2026-11-28"}


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of three models on Set5 and of two on Set14, at x4."""
    sets = {
        "set5/matlab-bicubic/x4": ShippedSet("", "", dict.fromkeys(("bicubic", "imdn", "vdsr"), MADE)),
        "set14/matlab-bicubic/x4": ShippedSet("", "", dict.fromkeys(("bicubic", "imdn"), MADE)),
    }
    monkeypatch.setattr(bench, "index", lambda: ShippedIndex({}, {}, sets))


@pytest.mark.parametrize(
    ("text", "found"),
    [("net", "net"), ("IMDN", "my-imdn"), ("Ünï net_x4", "n-net-x4"), ("...", "network"), ("a.b", "a.b")],
)
def test_ids_are_those_of_no_registered_model(text: str, found: str) -> None:
    assert id_of(text) == found


@pytest.mark.usefixtures("shipped")
def test_a_network_is_compared_with_what_is_shipped() -> None:
    made = Bench("net", {"label": "Net"}, 4, ("set5", "set14"))
    assert made.baselines == (["bicubic", "vdsr", "imdn"], [])
    assert made.pools == {"all images": ["set5", "set14"]}
    assert Bench("imdn", {}, 4, ("set5",)).baselines == (["bicubic", "vdsr"], [])
    # Those that are named and not shipped everywhere are run; and without any, bicubic is.
    assert Bench("net", {}, 4, ("set5", "set14"), against=("imdn", "vdsr")).baselines == (["imdn"], ["vdsr"])
    assert Bench("net", {}, 4, ("set5",), against=("imdn",), recompute=True).baselines == ([], ["imdn"])
    assert Bench("net", {}, 3, ("set5",)).baselines == ([], ["bicubic"])
    # Nothing is shipped on BSD100: bicubic is run, and the sets that have scores are a pool.
    wider = Bench("net", {}, 4, ("set5", "set14", "bsd100"))
    assert wider.baselines == (["vdsr", "imdn"], ["bicubic"])
    assert wider.pools == {"Set5 + Set14": ["set5", "set14"], "all images": ["set5", "set14", "bsd100"]}


def test_the_configuration_is_one_that_the_workflow_takes(tmp_path: Path) -> None:
    net = tmp_path / "net.pth"
    net.write_bytes(b"")
    entry = entry_of_network(named(str(net)), "Net")
    made = Bench("net", entry, 3, ("set5", "set14"), against=("bicubic",), recompute=True)
    file = made.write(tmp_path / "results")
    run = read(yaml.safe_load(file.read_text()))
    assert run.name == "bench-net-x3"
    assert run.values("model") == ["net", "bicubic"]
    assert run.pools == {"all images": ["set5", "set14"]}
    assert run.cost is not None
    assert not run.cost.time
    assert run.certify == "none"


def test_entries_lead_there_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text("")
    (tmp_path / "w.pth").write_bytes(b"")
    model = named("w.pth", (), Stated("net.py:Net", {"width": 4}, "0-255"))
    assert entry_of_network(model, "Mine") == {
        "label": "Mine",
        "path": str(tmp_path / "w.pth"),
        "python": f"{tmp_path / 'net.py'}:Net",
        "params": {"width": 4},
        "input_range": "0-255",
    }
    assert entry_of_network(named(None, (), Stated("package.module:Net")), "Mine") == {
        "label": "Mine",
        "python": "package.module:Net",
    }


@pytest.mark.parametrize("place", ["", "Set5", "SET5/x4", "x4"])
def test_outputs_are_found_where_they_lie(place: str, tmp_path: Path) -> None:
    for name in ("baby", "bird"):
        write_png(tmp_path / "theirs" / place / f"{name}_x4_SR.png", np.zeros((8, 8, 3), np.uint8))
    sources = {
        "set5": [tmp_path / "hr/baby.png", tmp_path / "hr/bird.png"],
        "set14": [tmp_path / "hr/baboon.png"],
    }
    found = outputs_in(tmp_path / "theirs", 4, sources)
    assert found == {"set5": tmp_path / "theirs" / place}
    (tmp_path / "theirs" / place / "bird_x4_SR.png").unlink()
    with pytest.raises(ImageError, match=r"expected SR images of all of one of set5, set14: "):
        outputs_in(tmp_path / "theirs", 4, sources)


def test_models_to_compare_with_have_the_scale() -> None:
    assert check_against(["imdn", "bicubic", "imdn"], 4) == ["imdn", "bicubic"]
    with pytest.raises(SisrError, match="against: imdn has no weights at x3, only at x2, x4"):
        check_against(["imdn"], 3)
    with pytest.raises(SisrError, match="unknown model 'imdm'; did you mean 'imdn'"):
        check_against(["imdm"], 4)


def test_readme_counts_what_is_shipped() -> None:
    readme = " ".join((Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8").split())
    sets = index().sets
    of = {
        scale: len({*sets[f"set5/{kernel}"].models} & {*sets[f"set14/{kernel}"].models})
        for scale in (2, 3, 4)
        for kernel in [f"matlab-bicubic/x{scale}"]
    }
    assert f"{of[4]} models at ×4, {of[2]} at ×2 and {of[3]} at ×3 on Set5 and Set14" in readme
