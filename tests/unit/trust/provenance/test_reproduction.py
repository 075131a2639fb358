"""Reading crates, what is said of a checkout that differs, and comparing scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sisr.base import registry
from sisr.base.cells import SCORE_COLUMNS
from sisr.base.digest import file_digest
from sisr.base.errors import ReproductionError
from sisr.base.manifest import HrImage, HrManifest
from sisr.cli import app
from sisr.data.assets.fetched_asset import FetchedAsset, FetchedFile
from sisr.scoring.gather import STATUS_COLUMNS, TIMING_COLUMNS
from sisr.trust import provenance
from sisr.trust.crate import write_crate
from sisr.trust.reproduction.described import CrateOfRun, differences, source_digests
from sisr.trust.reproduction.outcome import compare
from sisr.trust.reproduction.rerun import absolute, rerun
from typer.testing import CliRunner

CONFIG: dict[str, Any] = {
    "name": "small",
    "suites": {
        "one": {"datasets": ["set5"], "kernels": ["matlab-bicubic"], "scales": [2], "models": ["bicubic"]}
    },
    "metrics": ["psnr@y-bt601", "ssim@y-bt601"],
}
ROWS = [
    "set5,baby,matlab-bicubic,2,bicubic,psnr,y-bt601,37.066",
    "set5,baby,matlab-bicubic,2,bicubic,ssim,y-bt601,0.95218",
]


def write_results(folder: Path, rows: list[str] | None = None) -> Path:
    """The files of a results folder that a crate needs, and its asset beside it."""
    folder.mkdir(parents=True)
    (folder / "scores.csv").write_text("\n".join([",".join(SCORE_COLUMNS), *(rows or ROWS)]) + "\n")
    (folder / "status.csv").write_text(",".join(STATUS_COLUMNS) + "\n")
    (folder / "timings.csv").write_text(",".join(TIMING_COLUMNS) + "\n")
    downloads = folder.parents[1] / "resources/assets"
    (downloads / "set5").mkdir(parents=True, exist_ok=True)
    (downloads / "set5/baby.png").write_bytes(b"pixels")
    file = FetchedFile(
        "set5/baby.png", file_digest(downloads / "set5/baby.png"), 6, "https://example.org/baby.png"
    )
    FetchedAsset("set5", "ok", "", {"baby.png": file}, downloads).write(downloads / "set5.json")
    provenance.record(
        CONFIG, [downloads / "set5.json"], [], [], folder / "provenance.json", folder / "config.yaml"
    )
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crate; to be copied, not changed."""
    folder = write_results(tmp_path_factory.mktemp("made") / "results/small")
    names = ("scores.csv", "status.csv", "timings.csv", "provenance.json", "config.yaml")
    write_crate(folder, [folder / name for name in names], [folder.parents[1] / "resources/assets/set5.json"])
    return folder


@pytest.fixture
def crate(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parents[1], tmp_path / "one")
    return tmp_path / "one/results/small"


def graph_of(crate: Path) -> dict[str, Any]:
    return {e["@id"]: e for e in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}


def test_a_crate_is_read_from_its_folder_its_metadata_and_a_zip(crate: Path, tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "crate"), "zip", crate)
    for path in (crate, crate / "ro-crate-metadata.json", Path(archive)):
        read = CrateOfRun.read(path)
        assert (read.name, read.stated["scores.csv"]) == ("small", file_digest(crate / "scores.csv"))


def test_a_configuration_may_be_as_the_command_line_gave_it(crate: Path) -> None:
    """Snakemake records ``--config metrics=a,b`` as one text."""
    text = (crate / "config.yaml").read_text()
    (crate / "config.yaml").write_text(text + "scales: '2'\nmodels: bicubic,nearest\n")
    assert CrateOfRun.read(crate).name == "small"


def test_a_crate_of_this_checkout_differs_in_nothing(crate: Path) -> None:
    assert differences(CrateOfRun.read(crate)) == []


def test_a_crate_lists_no_value_alone_in_a_list(crate: Path) -> None:
    for entity in graph_of(crate).values():
        assert not [key for key, value in entity.items() if isinstance(value, list) and len(value) == 1]


def test_a_crate_names_no_file_that_is_not_there(crate: Path) -> None:
    files = [e for e in graph_of(crate).values() if e["@type"] == "File" or "File" in e["@type"]]
    assert len(files) > 5
    assert all((crate / entity["@id"]).is_file() for entity in files)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (shutil.rmtree, "no such file or folder; expected an RO-Crate"),
        (lambda c: (c / "ro-crate-metadata.json").unlink(),
         "expected a folder with ro-crate-metadata.json, found none"),
        (lambda c: (c / "ro-crate-metadata.json").write_text("{"), "not an RO-Crate: "),
        (lambda c: (c / "ro-crate-metadata.json").write_text("{}"), "not an RO-Crate: "),
        (lambda c: (c / "scores.csv").unlink(), "scores.csv is part of the crate, but the file is missing"),
        (lambda c: (c / "provenance.json").write_text("{}"), "not the record of a run: 'commit' is missing"),
        (lambda c: (c / "config.yaml").write_text("a: 1\na: 2\n"), "config.yaml:2: key 'a' twice"),
        (lambda c: (c / "config.yaml").write_text(""), "config.yaml: None is not of type 'object'"),
        (lambda c: (c / "config.yaml").write_text("- 1\n"), "config.yaml: [1] is not of type 'object'"),
        (lambda c: (c / "config.yaml").write_text("seed: 1\n"), "config.yaml: 'name' is a required property"),
        (lambda c: (c / "config.yaml").write_text("name: a\x11b"),
         "config.yaml: not valid YAML: unacceptable character #x0011: control characters are not allowed"),
        (lambda c: (c / "config.yaml").write_bytes("name: é".encode("latin-1")),
         "config.yaml:1: expected UTF-8, found byte 0xe9"),
        (lambda c: (c / "provenance.json").write_text("[]"), "provenance.json: [] is not of type 'object'"),
        (lambda c: (c / "provenance.json").write_bytes(b"\xe9"), "provenance.json: not JSON: 'utf-8' codec"),
        (lambda c: (c / "provenance.json").write_text("[" * 9999), "provenance.json: not JSON: "),
        (lambda c: remade(c, commit=7), "provenance.json: commit: 7 is not of type 'string', 'null'"),
        (lambda c: remade(c, assets=[]), "provenance.json: assets: [] is not of type 'object'"),
        (lambda c: remade(c, assets={"set5": "ok"}), "assets.set5: 'ok' is not of type 'object'"),
        (lambda c: remade(c, packages=["numpy"]), "packages: ['numpy'] is not of type 'object'"),
        (lambda c: remade(c, machine=None), "machine: None is not of type 'object'"),
        (lambda c: remade(c, machine={"gpus": 1}), "machine.gpus: 1 is not of type 'array'"),
        (lambda c: (c / "ro-crate-metadata.json").write_text('{"@context": 1, "@graph": 2}'),
         "not an RO-Crate: "),
        (lambda c: edit(c, '"@graph"', '"@tree"'), "not an RO-Crate: "),
        (lambda c: edit(c, '"identifier": "sisr-benchmark"', '"identifier": "other"'),
         "the crate of something else: expected a run of 'sisr-benchmark', found 'Super-resolution benchmark "
         "run small'"),
        (lambda c: edit(c, '"mainEntity"', '"main"'), "the crate of something else"),
        (lambda c: edit(c, '"sha256"', '"sha-256"'), "the crate states no checksum of scores.csv"),
    ],
)  # fmt: skip
def test_what_is_no_crate_of_a_run_is_one_line(crate: Path, spoil: Any, expected: str) -> None:
    spoil(crate)
    run = CliRunner().invoke(app, ["reproduce", str(crate), "--out", str(crate.parent / "out")])
    assert run.exit_code == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"error: {crate}")
    assert expected in line
    assert not (crate.parent / "out").exists()


def remade(crate: Path, **made: Any) -> None:
    path = crate / "provenance.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **made}))


def edit(crate: Path, old: str, new: str) -> None:
    path = crate / "ro-crate-metadata.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def record(crate: Path, **changes: Any) -> None:
    """Change the provenance of a crate, with its checksum."""
    path = crate / "provenance.json"
    before = file_digest(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    edit(crate, before, file_digest(path))


def test_what_differs_in_the_checkout_is_said(crate: Path) -> None:
    packages = json.loads((crate / "provenance.json").read_text())["packages"]
    theirs = {**packages, "numpy": "1.0", "lpips": None}
    machine = {"processor": "Abacus", "gpus": ["Loom, 1, 2 MiB"]}
    record(crate, commit="0" * 40, python="3.0", packages=theirs, machine=machine)
    (crate / "code/config/new.yaml").write_text("")
    (crate / "scores.csv").write_text((crate / "scores.csv").read_text() + "\n")
    ours = provenance.machine()
    head = provenance.git("rev-parse", "HEAD")
    here = head[:12] if head else "none"
    found = differences(CrateOfRun.read(crate))
    assert found[0].startswith("scores.csv was changed after the crate was made: sha256 ")
    assert found[1:4] == [
        f"commit 000000000000 in the crate, {here} here (this checkout does not have it)",
        "the code is another one: config/new.yaml",
        f"Python 3.0 in the crate, {provenance.software()['python']} here",
    ]
    assert found[4:] == [
        f"numpy 1.0 in the crate, {packages['numpy']} here",
        f"processor: Abacus in the crate, {ours['processor']} here",
        f"gpus: Loom, 1, 2 MiB in the crate, {', '.join(ours['gpus']) or 'none'} here",
    ]
    shutil.rmtree(crate / "code")
    record(crate, commit=None)
    assert differences(CrateOfRun.read(crate))[1:3] == [
        "the commit of the run is unknown: it was made outside Git",
        "the crate has no code/, so the code cannot be compared",
    ]


@pytest.mark.parametrize(
    ("rows", "reproduced", "says"),
    [
        (ROWS, True, "identical: the same 2 scores, byte for byte"),
        (ROWS[::-1], True, "the same 2 scores, in other bytes (order or spelling)"),
        # PSNR is shown with two digits, SSIM with four: half a unit of the last is what cannot be seen.
        ([ROWS[0].replace("37.066", "37.0705"), ROWS[1]], True,
         "the same to the last digit shown: 2 scores, 1 differ beyond it"),
        ([ROWS[0].replace("37.066", "37.072"), ROWS[1]], False,
         "1 of 2 scores differ in digits that are shown; the largest: psnr@y-bt601 of baby (set5, "
         "matlab-bicubic x2, bicubic) is 37.066 in the crate and 37.072 here, difference 0.006"),
        ([ROWS[0].replace("37.066", "37.08"), ROWS[1].replace("0.95218", "0.96218")], False,
         "2 of 2 scores differ in digits that are shown; the largest: ssim@y-bt601 of baby (set5, "
         "matlab-bicubic x2, bicubic) is 0.95218 in the crate and 0.96218 here, difference 0.01"),
        ([ROWS[0].replace("37.066", "inf"), ROWS[1]], False, "1 of 2 scores differ in digits that are shown"),
        (ROWS[:1], False, "1 of 2 scores are in the crate only, first ssim@y-bt601 of baby"),
        ([*ROWS, ROWS[0].replace("baby", "bird")], False,
         "1 of 2 scores are in the new run only, first psnr@y-bt601 of bird"),
    ],
)  # fmt: skip
def test_scores_are_compared_by_bytes_then_by_the_digits_that_are_shown(
    crate: Path, tmp_path: Path, rows: list[str], reproduced: bool, says: str
) -> None:
    outcome = compare(CrateOfRun.read(crate), write_results(tmp_path / "two/results/small", rows))
    assert outcome.reproduced is reproduced
    assert str(outcome).startswith(says)


def test_the_largest_difference_of_each_measure_is_said(crate: Path, tmp_path: Path) -> None:
    rows = [ROWS[0].replace("37.066", "37.067"), ROWS[1].replace("0.95218", "0.95219")]
    outcome = compare(CrateOfRun.read(crate), write_results(tmp_path / "two/results/small", rows))
    assert [line.partition(" of baby")[0] for line in outcome.by_measure()] == [
        "largest difference: psnr@y-bt601",
        "largest difference: ssim@y-bt601",
    ]


def test_other_inputs_are_no_reproduction(crate: Path, tmp_path: Path) -> None:
    """The same scores from another file: what is on the disk counts, not what its manifest says."""
    results = write_results(tmp_path / "two/results/small")
    (tmp_path / "two/resources/assets/set5/baby.png").write_bytes(b"other pixels")
    outcome = compare(CrateOfRun.read(crate), results)
    assert outcome.same_bytes
    assert not outcome.reproduced
    assert str(outcome).startswith("not the same inputs: asset 'set5': baby.png is sha256 ")

    (results / "hr").mkdir()
    (crate / "hr").mkdir()
    for folder, digest in ((crate, "1" * 64), (results, "2" * 64)):
        size = {"height": 8, "width": 8, "channels": 3}
        image = HrImage(name="baby", file="set5/baby.png", **size, sha256=digest)
        HrManifest(path=folder / "hr/set5.json", dataset="set5", images=[image]).write()
    outcome = compare(CrateOfRun.read(crate), results)
    assert (
        outcome.inputs[1]
        == "image of 'set5': baby is 222222222222 here and was 111111111111 in the run (sha256)"
    )


def test_an_asset_that_cannot_be_had_here_is_said(crate: Path, tmp_path: Path) -> None:
    results = write_results(tmp_path / "two/results/small", ROWS[:1])
    gone = tmp_path / "two/resources/assets/set5.json"
    FetchedAsset("set5", "unavailable", "no source had it", {}, gone.parent).write(gone)
    provenance.record(CONFIG, [gone], [], [], results / "provenance.json", results / "config.yaml")
    outcome = compare(CrateOfRun.read(crate), results)
    assert list(outcome.inputs) == []
    assert list(outcome.notes) == ["asset 'set5' is unavailable here and was ok in the run"]


def test_a_table_that_is_none_is_one_line(crate: Path, tmp_path: Path) -> None:
    results = write_results(
        tmp_path / "two/results/small", ["set5,baby,matlab-bicubic,2,bicubic,psnr,y-bt601,high"]
    )
    with pytest.raises(ReproductionError, match=r"scores\.csv:2: not a score: set5,.*,high$"):
        compare(CrateOfRun.read(crate), results)
    (results / "scores.csv").write_text("a,b\n")
    with pytest.raises(ReproductionError, match=r"not a table of scores: its columns are a, b$"):
        compare(CrateOfRun.read(crate), results)


def test_a_folder_in_use_is_left_alone(crate: Path, tmp_path: Path) -> None:
    read = CrateOfRun.read(crate)
    (tmp_path / "used").mkdir()
    (tmp_path / "used/mine.txt").write_text("mine")
    with pytest.raises(ReproductionError, match="used: expected an empty folder"):
        rerun(read, tmp_path / "used", cores=1, downloads=tmp_path / "downloads")
    with pytest.raises(ReproductionError, match=r"mine\.txt: expected a folder, found a file"):
        rerun(read, tmp_path / "used/mine.txt", cores=1, downloads=tmp_path / "downloads")
    assert [path.name for path in (tmp_path / "used").iterdir()] == ["mine.txt"]


def test_paths_of_the_configuration_lead_somewhere_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mirror").mkdir()
    config = {"mirror": "mirror", "user_images": {"path": "photos"}}
    assert absolute(config) == {
        "mirror": str(tmp_path / "mirror"),
        "user_images": {"path": "photos"},
    }
    assert absolute({"mirror": "https://example.org"}) == {"mirror": "https://example.org"}


def test_the_copied_code_is_what_the_comparison_reads(made: Path) -> None:
    """No file of the checkout is in one and not in the other."""
    assert source_digests(made / "code") == source_digests(registry.ROOT)
