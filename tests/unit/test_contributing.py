"""CONTRIBUTING.md: each example, on a copy of the project, works and touches as many files as it says."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", TEXT))
#: Where a block goes: a new file, the end of one, or after one of its lines.
BLOCK = re.compile(
    r"(?ms)^(?:New `(?P<new>[^`]+)`|At the end of `(?P<end>[^`]+)`"
    r"|In `(?P<file>[^`]+)`, after `(?P<line>[^`]+)`)"
    r"[^\n]*:\n\n```\w+\n(?P<text>.*?)^```$"
)
HR = np.random.default_rng(1).integers(0, 256, (32, 40, 3), dtype=np.uint8)
SR = np.clip(HR.astype(int) + 3, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Copy:
    """A copy of the project with an example in it, and images in ``hr``, ``lr`` and ``sr``."""

    root: Path
    touched: frozenset[str]
    commands: tuple[str, ...]

    def run(self, *arguments: str) -> str:
        """Run Python on the copy's library; its output."""
        environment = os.environ | {
            "PYTHONPATH": str(self.root / "scripts"),
            "SISR_MIRROR": str(self.root / "mirror"),
        }
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def follow(self) -> str:
        """Run the commands of the example; the output of the last one."""
        output = ""
        for command in self.commands:
            program, *arguments = shlex.split(command)
            start = {"sisr": ("-c", "from sisr.cli import app; app()"), "python": ()}[program]
            output = self.run(*start, *arguments)
        return output

    def value(self, metric: str) -> float:
        with (self.root / "scores.csv").open(encoding="utf-8") as stream:
            [value] = [float(row["value"]) for row in csv.DictReader(stream) if row["metric"] == metric]
        return value


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def apply(tmp_path: Path) -> Callable[[str], Copy]:
    """Carry out the example of a section."""

    def make(section: str) -> Copy:
        for name in ("scripts", "config", "workflow"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name, array in (("hr", HR), ("sr", SR), ("lr", HR[::2, ::2])):
            save(tmp_path / name / "a.png", array)
        before = snapshot(tmp_path)
        for block in BLOCK.finditer(SECTIONS[section]):
            write(tmp_path, block)
        after = snapshot(tmp_path)
        commands = re.findall(r"(?m)^\$ (.+)$", SECTIONS[section])
        return Copy(tmp_path, frozenset(p for p in after if after[p] != before.get(p)), tuple(commands))

    return make


def write(root: Path, block: re.Match[str]) -> None:
    path = root / next(filter(None, (block["new"], block["end"], block["file"])))
    if block["new"]:
        assert not path.exists(), path
        path.write_text(block["text"], encoding="utf-8")
        return
    old = path.read_text(encoding="utf-8")
    line = f"{block['line']}\n" if block["line"] else ""
    assert not line or old.count(line) == 1, f"{path}: {line!r} {old.count(line)} times"
    new = old.replace(line, line + block["text"]) if line else f"{old}\n{block['text']}"
    path.write_text(new, encoding="utf-8")


def snapshot(root: Path) -> dict[str, str]:
    files = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_example_says_how_many_files_it_touches() -> None:
    found = {
        section: (len({block[1] or block[2] or block[3] for block in BLOCK.finditer(text)}), counts)
        for section, text in SECTIONS.items()
        if (counts := [int(count) for count in re.findall(r"\*\*(\d) files?\*?\*?", text)])
    }
    assert found == {
        "A fidelity metric": (2, [2]),
        "A network metric": (3, [3]),
        "A plot": (4, [4]),
        "A table column": (1, [1]),
        "An architecture": (1, [1]),
        "A kernel": (2, [1, 2]),
    }


def test_a_fidelity_metric(apply: Callable[[str], Copy]) -> None:
    copy = apply("A fidelity metric")
    assert copy.touched == {"scripts/sisr/scoring/metrics/mae.py", "config/metrics.yaml"}
    copy.follow()
    inner = np.s_[2:-2, 2:-2]
    assert copy.value("mae") == pytest.approx(np.abs(HR.astype(int) - SR)[inner].mean(), abs=1e-6)


def test_a_network_metric(apply: Callable[[str], Copy]) -> None:
    copy = apply("A network metric")
    assert len(copy.touched) == 3
    filters = np.zeros((2, 3, 3, 3), "<f4")
    filters[0, :, 1, 0], filters[0, :, 1, 2] = -1, 1
    filters[1, :, 0, 1], filters[1, :, 2, 1] = -1, 1
    place = copy.root / "mirror/example.org/filter-distance/filters.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(safetensors(filters))
    copy.follow()
    assert copy.value("filter-distance") == pytest.approx(
        np.abs(responses(HR, filters) - responses(SR, filters)).mean(), abs=1e-5
    )


def safetensors(filters: np.ndarray) -> bytes:
    """The bytes of the document's asset."""
    data = filters.tobytes()
    entry = {"dtype": "F32", "shape": list(filters.shape), "data_offsets": [0, len(data)]}
    head = json.dumps({"filters": entry}).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data


def responses(image: np.ndarray, filters: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(image / 255, (3, 3), axis=(0, 1))
    return np.maximum(0, np.einsum("hwcij,ncij->nhw", windows, filters))


def test_a_plot(apply: Callable[[str], Copy]) -> None:
    copy = apply("A plot")
    assert copy.touched == {
        "scripts/sisr/report/figures/spread.py",
        "scripts/spread.py",
        "workflow/report/spread.rst",
        "workflow/rules/report/figures.smk",
    }
    plan = copy.follow()
    assert re.search(r"(?m)^spread +2$", plan)
    assert "figures/spread_x4.svg" in plan[plan.index("Rendering the report") :]
    code = (
        "import pandas as pd; from pathlib import Path; from sisr.report.figures.spread import draw_spread;"
        "from sisr.report.shown_run import names;"
        "rows = [('photos', 'k', 2, m, i, 'psnr', 'rgb', v) for m, i, v in"
        " (('nearest', 'a', 20.0), ('nearest', 'b', 24.0), ('bicubic', 'a', 21.0), ('bicubic', 'b', 27.0))];"
        "columns = ['dataset', 'kernel', 'scale', 'model', 'image', 'metric', 'protocol', 'value'];"
        "shown = names(datasets=['photos'], models=['nearest', 'bicubic'], kernels=['matlab-bicubic'],"
        " measures=['psnr@rgb'], pools={});"
        "draw_spread(pd.DataFrame(rows, columns=columns), shown, 2, Path('spread.svg'))"
    )
    copy.run("-c", code)
    drawn = (copy.root / "spread.svg").read_text(encoding="utf-8")
    assert "<svg" in drawn
    assert "patch_4" in drawn, "two bars on the background of figure and axes"


def test_a_table_column(apply: Callable[[str], Copy]) -> None:
    copy = apply("A table column")
    assert copy.touched == {"scripts/sisr/report/cost_table.py"}
    row = dict.fromkeys(
        ("seconds_q1", "seconds_q3", "timed_output", "device", "count_reason", "time_reason", "time_status"),
        "",
    ) | {"model": "m", "scale": "2", "receptive_field": "9", "parameters": "1000", "activations": "1000"}
    row["multiply_adds"] = str(1280 * 720 * 5000)
    code = (
        f"from sisr.report import cost_table as t; print(t.to_markdown(t.build([{row!r}], 2, {{'m': 'M'}})))"
    )
    output = copy.run("-c", code)
    assert "| Work<br>(K / px) |" in output
    assert "| 5.0 |" in output


def test_an_architecture(apply: Callable[[str], Copy]) -> None:
    copy = apply("An architecture")
    assert copy.touched == {"scripts/sisr/models/archs/nearest_residual.py"}
    output = copy.follow()
    assert "net.pth: nearest-residual x2, RGB, white is 1" in output
    assert Image.open(copy.root / "out/a.png").size == (40, 32)


def test_a_kernel(apply: Callable[[str], Copy]) -> None:
    copy = apply("A kernel")
    assert copy.touched == {"scripts/sisr/lr/kernels/median.py", "config/kernels.yaml"}
    copy.follow()
    expected = np.floor(np.median(HR.reshape(16, 2, 20, 2, 3), axis=(1, 3)) + 0.5)
    assert np.array_equal(np.asarray(Image.open(copy.root / "made/a.png")), expected)


def test_a_release_has_one_version() -> None:
    version = re.search(r'(?m)^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert version
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    library = (ROOT / "scripts/sisr/__init__.py").read_text(encoding="utf-8")
    assert str(citation["version"]) == version[1]
    assert f'__version__ = "{version[1]}"' in library


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert [link for link in links if not (ROOT / link).exists()] == []
