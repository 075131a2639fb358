"""Receipts as files: schema, place, what is stale about them, and what tables show."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sisr.analysis.cost import gathering, receipts
from sisr.base import digest, registry
from sisr.base.errors import ConfigError
from sisr.models import model_digests
from sisr.models.model_entries import get
from sisr.report import cost_results

SERIES = {"p50": 0.0004608, "p90": 0.0005, "p99": 0.0006, "microseconds": [[460, 461], [462, 400]]}
TAKEN = {
    "status": "ok", "reason": "", "ratio": {"call": 2.5, "network": 2.25}, "spread": 0.012,
    "discarded_rounds": 0, "energy_joules": None, "model": {"call": SERIES, "network": SERIES},
    "reference": {"call": SERIES, "network": SERIES}, "peak_memory": 52_428_800, "notes": [],
}  # fmt: skip


def receipt(model: str = "imdn", **other: Any) -> dict[str, Any]:
    """A valid one of a GPU; code and weights are today's."""
    found: dict[str, Any] = {
        "version": 1, "model": model, "scale": 4, "date": "2026-03-01T12:00:00+00:00",
        "weights": model_digests.weights_of(get(model), 4), "code": model_digests.code_of(get(model), 4),
        "device": {
            "kind": "cuda", "name": "NVIDIA Fake 100", "processor": "A processor", "system": "Linux",
            "python": "3.12.1", "cuda": "12.8", "driver": "570.86", "clock_mhz": 1980.0,
            "memory_clock_mhz": 2619.0, "threads": 1, "torch": "2.13.0", "load": 0.5,
        },
        "options": {"channels_last": True, "compile": False, "cuda_graphs": False}, "changed": {},
        "output": [1280, 720], "allowed_spread": 0.03,
        "reference": {"label": "R", "code": model_digests.code_of(receipts.REFERENCE, 4)},
        "precisions": {"fp32": TAKEN, "fp16": {"status": "refused", "reason": "the reference spread"}},
    }  # fmt: skip
    return found | other


def test_written_and_read(tmp_path: Path) -> None:
    path = receipts.write(receipt(), tmp_path)
    assert path == tmp_path / "nvidia-fake-100/x4/imdn.json"
    assert receipts.read(path) == receipt()
    cpu = receipt(changed={"compile": True, "channels_last": False})
    cpu["device"] |= {"kind": "cpu", "name": "A CPU @ 2.0GHz", "threads": 2}
    place = receipts.place(cpu, tmp_path)
    assert place.parts[-3] == "a-cpu-2-0ghz-2-threads-compile-true-channels-last-false"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda r: r.pop("code"), "'code' is a required property"),
        (lambda r: r.update(version=2), "version: 1 was expected"),
        (lambda r: r["device"].update(clock_mhz=0), "device.clock_mhz: 0 is less than or equal"),
        (
            lambda r: r["precisions"]["fp32"].update(energy_joules=0),
            "precisions.fp32.energy_joules: 0 is less",
        ),
        (lambda r: r["precisions"].update(fp32={"status": "refused", "reason": "r"}), "precisions.fp32"),
        (lambda r: r.update(weights={"state": "none"}), "weights.state: 'none' does not match"),
        (lambda r: r.update(modle="imdn"), "unknown key 'modle'; did you mean 'model'?"),
    ],
)
def test_what_is_no_receipt_is_one_line(tmp_path: Path, edit: Any, message: str) -> None:
    broken = copy.deepcopy(receipt())
    path = receipts.write(broken, tmp_path)
    edit(broken)
    path.write_text(json.dumps(broken))
    with pytest.raises(ConfigError) as error:
        receipts.read(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_stale_are_those_of_other_weights_or_code(monkeypatch: pytest.MonkeyPatch) -> None:
    imdn = get("imdn")
    assert receipts.stale(receipt(), imdn) == ""
    assert receipts.stale(receipt(weights={"state": "sha256:00"}), imdn) == "weights"
    both = receipt(code="0" * 16, weights={})
    assert receipts.stale(both, imdn) == "weights, code"
    assert receipts.stale(receipt(reference={"label": "R", "code": "0" * 16}), imdn) == "reference"
    before, reach = receipt(), digest.reach

    def edited(entries: Any, only: Any, name: str) -> dict[str, str]:
        return {key: "new" if key == name else old for key, old in reach(entries, only).items()}

    for name, stale in {
        "sisr.models.archs.imdn.IMDN": "code",
        "sisr.models.archs.span.SPAN": "reference",
        "sisr.upscaling.inference.runner.Runner": "code, reference",
        "sisr.base.errors.SisrError": "",
    }.items():
        monkeypatch.setattr(model_digests, "reach", functools.partial(edited, name=name))
        assert receipts.stale(before, imdn) == stale, name


def test_code_is_that_of_the_model_alone() -> None:
    """Two widths of one architecture differ by their entries, two architectures by their code."""
    wide, narrow, other = get("espcn-291"), get("span-28"), get("imdn")
    assert len({model_digests.code_of(model, 4) for model in (wide, narrow, other, get("imdn+"))}) == 4
    choices = model_digests.code_choices([narrow])
    assert choices["sisr.models.archs.*"] == ["sisr.models.archs.span:ARCHITECTURE"]
    assert choices["sisr.models.model_entries.ENGINES"] == ["sisr.upscaling.engines.pytorch:"]


def test_weights_are_what_the_registry_states() -> None:
    (file,) = registry.entry("assets", "imdn-x4")["files"]
    assert model_digests.weights_of(get("imdn"), 4) == {"state": f"sha256:{file['sha256']}"}
    recipe = registry.CONFIG / "training/espcn-photos.yaml"
    assert model_digests.weights_of(get("espcn"), 4) == {"state": f"recipe:{digest.file_digest(recipe)}"}
    assert model_digests.weights_of(get("bicubic"), 4) == {}


def test_receipts_of_a_run(tmp_path: Path) -> None:
    for model in ("imdn", "rfdn"):
        receipts.write(receipt(model), tmp_path)
    receipts.write(receipt(scale=2), tmp_path)
    found = [path.name for path in receipts.paths(["rfdn", "imdn", "bicubic"], 4, tmp_path)]
    assert found == ["rfdn.json", "imdn.json"]
    assert receipts.paths(["imdn"], 4, tmp_path / "none") == []


# --- in the tables ----------------------------------------------------------------------------------------


@pytest.fixture
def cost(tmp_path: Path) -> Path:
    """``cost.csv`` of a CPU run that timed IMDN, and RFDN not."""
    rows = []
    for model, timed in (("imdn", True), ("rfdn", False)):
        row = dict.fromkeys(gathering.COLUMNS, "") | {"model": model, "scale": "4", "count_status": "ok"}
        if timed:
            row |= {
                "seconds_q1": "0.9", "seconds": "1", "seconds_q3": "1.1", "timed_output": "320x180",
                "device": "A CPU", "threads": "2", "time_status": "ok", "peak_memory": "1048576",
            }  # fmt: skip
        rows.append(row)
    path = tmp_path / "cost.csv"
    gathering.write_rows(path, gathering.COLUMNS, rows)
    return path


def make_table(cost: Path, stale: Any, out: Path) -> None:
    """The cost page of a run without scores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost_results.summaries, "read_scores", lambda path: None)
        patch.setattr(cost_results.challenge_sheets, "quality_of", lambda *_: {})
        patch.setattr(cost_results.challenge_sheets, "sheets", lambda *_: [])
        models = {"imdn": "IMDN", "rfdn": "RFDN"}
        run = SimpleNamespace(names=SimpleNamespace(models=models), scores=None)
        cost_results.make_table(run, cost, 4, out, stale)  # type: ignore[arg-type]


def test_a_cpu_run_shows_receipts_of_a_gpu_beside_its_own_times(
    tmp_path: Path, cost: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "receipts"
    monkeypatch.setattr(receipts, "FOLDER", folder)
    receipts.write(receipt(), folder)
    receipts.write(receipt("rfdn", allowed_spread=0.05), folder)
    slow = receipt()
    slow["device"] = slow["device"] | {"name": "Other"}
    receipts.write(slow, folder)
    stale = {
        "nvidia-fake-100/x4/imdn.json": ["", ""],
        "other/x4/imdn.json": ["", "weights, code"],
        "nvidia-fake-100/x4/rfdn.json": ["", ""],
    }
    make_table(cost, stale, tmp_path)
    text = (tmp_path / "cost_x4.md").read_text()
    lines = [line for line in text.partition("## Receipts")[2].splitlines() if line.startswith("|")]
    # By hand: 0.4608 ms of 0.9216 megapixels are 0.0005 s a megapixel.
    assert lines[2:] == [
        "| IMDN | this run: A CPU, 2 threads | — | 1.00 | — | — | 1 | 320×180 | — |",
        "| IMDN | NVIDIA Fake 100 | fp32 | 0.000500 | 0.000500 | 2.50 | 50 | 1280×720 | 2026-03-01 |",
        "| IMDN<sup>a</sup> | Other | — | — | — | — | — | 1280×720 | 2026-03-01 |",
        "| RFDN<sup>b</sup> | NVIDIA Fake 100 | fp32 | 0.000500 | 0.000500 | 2.50 | 50 | 1280×720 "
        "| 2026-03-01 |",
    ]
    assert "stale: other weights, code than today's" in text
    assert "the reference spread by 1.2%, of 5.0% allowed instead of 3%" in text
    page = (tmp_path / "cost_x4.html").read_text()
    assert "<h2>Receipts</h2>" in page and "this run: A CPU, 2 threads" in page
    # The CSV is the run's own measurements.
    assert (tmp_path / "cost_x4.csv").read_text() == cost.read_text()


def test_without_receipts_nothing_is_added(tmp_path: Path, cost: Path) -> None:
    make_table(cost, {}, tmp_path)
    assert "eceipt" not in (tmp_path / "cost_x4.md").read_text() + (tmp_path / "cost_x4.html").read_text()


@pytest.mark.parametrize("path", sorted(receipts.FOLDER.rglob("*.json")), ids=lambda path: path.stem)
def test_receipts_that_come_with_the_project_are_valid_and_in_their_place(path: Path) -> None:
    found = receipts.read(path)
    assert receipts.place(found, receipts.FOLDER) == path
    assert found["model"] in registry.load("models")
