"""The declared use: a Snakemake installed alone plans and runs the workflow, from wherever that comes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from deployments import GITHUB, TAG, Bare, Hosted, deploy
from packaging.requirements import Requirement
from tiny_project import CHECKOUT

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

DEMO = ("--configfile", "config/demo.yaml")


def test_what_is_imported_to_plan_comes_with_snakemake() -> None:
    """Every module of the library that a plan reads, followed through its imports at the top level."""
    needed, installed = ["snakemake"], set()
    while needed:
        name = re.sub(r"[-_.]+", "-", needed.pop()).lower()
        if name not in installed:
            installed.add(name)
            required = map(Requirement, metadata.requires(name) or [])
            needed += [one.name for one in required if not one.marker or one.marker.evaluate({"extra": ""})]
    allowed = {
        module
        for module, owners in metadata.packages_distributions().items()
        if {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & installed
    }
    start = list((CHECKOUT / "workflow").rglob("*.smk"))
    foreign, seen, waiting = {}, set[Path](), start
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for module in _imported(path):
            if module.partition(".")[0] == "sisr":
                waiting += _files(module)
            elif module.partition(".")[0] not in {*sys.stdlib_module_names, *allowed}:
                foreign[module] = path.name
    assert foreign == {}
    assert CHECKOUT / "scripts/sisr/base/registry.py" in seen


def _imported(path: Path) -> Iterator[str]:
    """Names that a file imports when it is imported itself; also of a Snakefile, by its lines."""
    text = path.read_text()
    if path.suffix == ".smk":
        text = "\n".join(re.findall(r"^(?:from|import) .*$", text, re.MULTILINE))
    remaining: list[ast.AST] = list(ast.parse(text).body)
    while remaining:
        node = remaining.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            remaining += node.orelse
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (
                f"{node.module}.{alias.name}" for alias in node.names if str(node.module).startswith("sisr")
            )
        elif not isinstance(node, ast.FunctionDef):
            remaining += ast.iter_child_nodes(node)


def _files(module: str) -> list[Path]:
    """The file of a module of the library and those of the packages around it; a name of a class has none."""
    parts = module.split(".")
    bases = [CHECKOUT.joinpath("scripts", *parts[:count]) for count in range(1, len(parts) + 1)]
    found = [file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py")]
    return [file for file in found if file.is_file()]


def test_snakemake_is_alone(bare: Bare) -> None:
    listed = subprocess.run([bare.bin / "pip", "list"], capture_output=True, text=True, check=True).stdout
    print(listed)
    names = {line.split()[0].lower() for line in listed.splitlines()[2:]}
    assert "snakemake" in names
    assert names & {"numpy", "pillow", "filelock", "tqdm", "torch", "pandas", "sisr-benchmark"} == set()


@pytest.fixture(scope="session")
def planned(bare: Bare, hosted: Hosted) -> dict[str, int]:
    """Jobs of the demo as the bare Snakemake plans them in a clone."""
    run = bare.snakemake(hosted.clone, "-n", *DEMO)
    assert run.status == 0, run.output
    assert run.jobs["upscale"] == run.jobs["score"] == 21
    return run.jobs


def test_full_configuration_in_a_clone(bare: Bare, hosted: Hosted) -> None:
    """The same plan as in the environment that has everything."""
    run = bare.snakemake(hosted.clone, "-n")
    assert run.status == 0, run.output
    everything = [sys.executable, "-m", "snakemake", "-n"]
    done = subprocess.run(everything, cwd=hosted.clone, capture_output=True, text=True, check=True)
    assert run.jobs == {
        rule: int(count)
        for rule, count in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)
        if rule != "total"
    }
    assert run.jobs["upscale"] > 700


def _in_another_folder(folder: Path, hosted: Hosted) -> tuple[str, ...]:
    return (
        "--snakefile",
        str(hosted.clone / "workflow/Snakefile"),
        "--configfile",
        str(hosted.clone / "config/demo.yaml"),
    )


def _as_module(snakefile: str, prefix: str = "") -> Callable[[Path, Hosted], tuple[str, ...]]:
    def arguments(folder: Path, hosted: Hosted) -> tuple[str, ...]:
        deploy(folder, snakefile.format(hosted=hosted), prefix)
        return ()

    return arguments


WAYS: dict[str, Callable[[Path, Hosted], tuple[str, ...]]] = {
    "another working directory": _in_another_folder,
    "local module": _as_module('"{hosted.clone}/workflow/Snakefile"'),
    "hosted module of a tag": _as_module(GITHUB),
    # Of a bare repository Snakemake 9.27 asks for the top level of its work tree, which there is not (`git
    # rev-parse --show-toplevel`): git+file: takes a clone; behind github(...) above there is a bare copy.
    "module of a tag in a local repository": _as_module(
        f'"git+file://{{hosted.clone}}/workflow/Snakefile@{TAG}"'
    ),
    "module with a prefix": _as_module(GITHUB, prefix="sr"),
}


@pytest.mark.parametrize("way", WAYS)
def test_plan_is_that_of_the_clone(
    way: str, bare: Bare, hosted: Hosted, planned: dict[str, int], tmp_path: Path
) -> None:
    arguments = WAYS[way](tmp_path, hosted)
    run = bare.snakemake(tmp_path, "-n", *arguments, **hosted.environment)
    assert run.status == 0, run.output
    assert run.jobs == planned
    assert ("sr/results/demo/scores.csv" in run.output) == ("prefix" in way)


def test_registries_of_a_deployment_take_the_place_of_the_workflow_s(
    bare: Bare, hosted: Hosted, planned: dict[str, int], tmp_path: Path
) -> None:
    """As `snakedeploy deploy-workflow` leaves it: a Snakefile, and a copy of config/ to edit."""
    deploy(tmp_path)
    config = yaml.safe_load((CHECKOUT / "config/demo.yaml").read_text())
    for suite in config["suites"].values():
        suite["models"] = ["mine"]
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(config))
    mine = {
        "label": "Mine",
        "engine": "interpolation",
        "params": {"method": "matlab-bicubic"},
        "licence": "none",
    }
    with (tmp_path / "config/models.yaml").open("a") as stream:
        stream.write("\n" + yaml.safe_dump({"mine": mine}))
    run = bare.snakemake(tmp_path, "-n", **hosted.environment)
    assert run.status == 0, run.output
    assert "Upscaling photos (matlab-bicubic x2) with mine" in run.output
    assert run.jobs["upscale"] == 3

    (tmp_path / "config/models.yaml").write_text("mine: {labell: Mine}\n")
    run = bare.snakemake(tmp_path, "-n", **hosted.environment)
    assert run.errors == {"config/models.yaml: mine: unknown key 'labell'; did you mean 'label'?"}


@pytest.mark.parametrize(
    "way",
    [
        "another working directory",
        "hosted module of a tag",
        pytest.param("local module", marks=pytest.mark.release),
        pytest.param("module with a prefix", marks=pytest.mark.release),
    ],
)
def test_registries_of_the_users_own_lie_where_the_workflow_is_used(
    way: str, bare: Bare, hosted: Hosted, tmp_path: Path
) -> None:
    """`registries=` beside the workflow's own; a hosted module of a tag is what snakedeploy writes."""
    arguments = WAYS[way](tmp_path, hosted)
    mine = {"label": "Mine", "engine": "interpolation", "params": {"method": "bicubic"}, "licence": "none"}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"models": {"mine": mine}}))
    chosen = ("registries=own.yaml", "datasets=photos", "scales=2", "models=mine,bicubic")
    run = bare.snakemake(tmp_path, "-n", *arguments, "--config", *chosen, **hosted.environment)
    assert run.status == 0, run.output
    assert "= 2 cells (photos; matlab-bicubic; x2; mine, bicubic); mine of own.yaml: models" in run.output
    assert run.jobs["upscale"] == 2


def test_a_name_of_the_workflow_s_own_is_refused(bare: Bare, hosted: Hosted, tmp_path: Path) -> None:
    arguments = WAYS["hosted module of a tag"](tmp_path, hosted)
    (tmp_path / "own.yaml").write_text(
        yaml.safe_dump({"models": {"bicubic": {"label": "Mine", "path": "net.pth"}}})
    )
    run = bare.snakemake(tmp_path, "-n", *arguments, "--config", "registries=own.yaml", **hosted.environment)
    assert "model 'bicubic' twice: in " in run.output
    assert "and in own.yaml: models" in run.output


def test_no_conda_is_told_in_a_line(bare: Bare, hosted: Hosted) -> None:
    """Snakemake says so itself; what it needs stands in the README."""
    run = bare.snakemake(hosted.clone, "--cores", "1", "--use-conda", *DEMO)
    assert run.status == 1
    assert "Traceback" not in run.output
    assert "Is conda installed and accessible?" in run.output.splitlines()[-1]


def test_rules_without_their_packages_are_told_in_a_line(bare: Bare, hosted: Hosted) -> None:
    """Planning needs no packages; running in Snakemake's own environment does."""
    run = bare.snakemake(hosted.clone, "--cores", "1", *DEMO)
    assert run.status == 1
    assert "Traceback" not in run.output
    assert "add --use-conda (or --sdm apptainer), or use the .venv" in run.output
    assert not (hosted.clone / "resources").exists()


def test_a_snakemake_that_is_too_old_says_which_is_needed(hosted: Hosted, tmp_path: Path) -> None:
    """An older Snakemake must be able to parse up to the line that asks for the version."""
    snakefile = (hosted.clone / "workflow/Snakefile").read_text()
    before = snakefile[: snakefile.index("min_version(")]
    assert [line for line in before.splitlines() if line and not line.startswith("#")] == [
        "from snakemake.utils import min_version"
    ]
    newer = ("pathvars:", "storage:", "inputflags:", "outputflags:", "resourcescopes:")
    assert not [line for line in snakefile.splitlines() if line.startswith(newer)]
    # It also looks for its profile under no other name than this.
    profiles = {path.parent.name for path in (hosted.clone / "workflow/profiles").glob("*/config.yaml")}
    assert profiles == {path.name for path in (hosted.clone / "workflow/profiles").iterdir()}
