"""Every profile parses, explains each key, plans with its plugin and says what to install without."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sisr.base import registry
from sisr.base.device import gpu_ids
from sisr.models.model_entries import get
from tiny_project import CHECKOUT, CONFIG, CONFIG_FILE, Project, Run

pytestmark = pytest.mark.workflow

PROFILES = sorted((CHECKOUT / "workflow/profiles").glob("*/config.yaml"))
NAMES = [path.parent.name for path in PROFILES]
PLUGIN = {"slurm": "slurm", "kubernetes": "kubernetes", "cluster-generic": "cluster-generic"}


def _plan(python: str | Path, project: Project, profile: str, *arguments: str) -> Run:
    command = [python, "-m", "snakemake", "--dry-run", "--configfile", CONFIG_FILE]
    return project.call([*command, "--workflow-profile", f"workflow/profiles/{profile}", *arguments])


def test_there_is_a_profile_for_each_way_to_run() -> None:
    assert set(NAMES) == {"default", *PLUGIN}


@pytest.mark.parametrize("path", PROFILES, ids=NAMES)
def test_every_key_has_a_comment(path: Path) -> None:
    lines = path.read_text().splitlines()
    keys = [key for key in yaml.safe_load(path.read_text()) if not key.startswith("__")]
    assert keys
    for key in keys:
        (line,) = [number for number, text in enumerate(lines) if text.startswith(f"{key}:")]
        above = lines[line - 1]
        # The commands of the generic profile are explained together; groups and their sizes are one subject.
        assert above.startswith("#") or key == "group-components", f"{path}: '{key}' has no comment above it"


@pytest.mark.parametrize("profile", sorted(PLUGIN))
def test_a_missing_plugin_is_named(small: Project, profile: str) -> None:
    """The environment of the other tests has no plugins."""
    run = _plan(sys.executable, small, profile)
    assert run.status == 1
    package = f"snakemake-executor-plugin-{PLUGIN[profile]}"
    assert run.output.splitlines()[-1] == (
        f"error: profile {profile} needs the package {package}: pip install -r requirements-cluster.txt"
    )
    assert f"{package}==" in (CHECKOUT / "requirements-cluster.txt").read_text()


@pytest.mark.parametrize("profile", ["default", "slurm", "cluster-generic"])
def test_the_plan_is_the_same_with_every_profile(plugins: Path, small: Project, profile: str) -> None:
    run = _plan(plugins, small, profile, *(["--cores", "2"] if profile == "default" else []))
    assert run.status == 0, run.output
    assert (run.jobs["upscale"], run.jobs["score"], run.jobs["render_report"]) == (2, 2, 1)


def test_a_login_node_does_not_say_on_how_many_cores_models_are_timed(plugins: Path, small: Project) -> None:
    """Its own number would wait for ever on smaller nodes.  Threads of another rule drop the profile's."""
    for profile in PLUGIN:
        text = (CHECKOUT / "workflow/profiles" / profile / "config.yaml").read_text()
        assert yaml.safe_load(text)["set-threads"] == {"time_model": 2}
    timing = "results/tiny/cost/x2/bicubic/timing.json"
    run = _plan(plugins, small, "slurm", "--set-threads", "gather=2", "--", timing)
    assert run.status == 1
    assert "on how many cores of a node are models timed? Say --set-threads time_model=2" in run.output


def test_kubernetes_says_that_it_needs_a_bucket(plugins: Path, small: Project) -> None:
    """Its options are understood; a plan needs a bucket's address, see test_object_storage."""
    run = _plan(plugins, small, "kubernetes")
    assert "a default storage provider (--default-storage-provider)" in run.output


def test_every_rule_says_what_it_needs_and_gets_more_when_it_is_retried() -> None:
    text = "".join(path.read_text() for path in (CHECKOUT / "workflow/rules").rglob("*.smk"))
    for rule in re.split(r"(?m)^rule ", text)[1:]:
        name = rule.split(":")[0]
        if "localrule: True" not in rule:
            assert re.search(r"mem_mb=growing\(\d+\)", rule), f"rule {name} says nothing of its memory"
            assert re.search(r"runtime=growing\(\d+\)", rule), f"rule {name} says nothing of its time"


def test_the_table_of_needs_is_what_its_script_prints() -> None:
    """Run for one model; the other rows of docs/cluster.md name models and engines as it would."""
    script = CHECKOUT / "tests/benchmarks/cell_needs.py"
    command = [sys.executable, script, "--models", "bicubic", "--sides", "128"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    header, rule, row = printed.splitlines()
    guide = (CHECKOUT / "docs/cluster.md").read_text().splitlines()
    assert f"{header} LR 256x256 | LR 512x512 |" in guide
    assert f"{rule}---:|---:|" in guide
    *named, need = row.strip("| ").split(" | ")
    mebibytes, seconds = (int(number) for number in re.fullmatch(r"(\d+) MiB, (\d+) s", need).groups())
    assert 0 < mebibytes < 1000 and seconds < 100

    first = guide.index(f"{rule}---:|---:|") + 1
    table = [line.strip("| ").split(" | ") for line in guide[first : guide.index("", first)]]
    assert named in [cells[:2] for cells in table]
    names = runpy.run_path(str(script))["ENGINE"]
    engines = {model.label: names[model.engine] for model in map(get, registry.load("models"))}
    for label, engine, *needs in table:
        assert engines[label] == engine
        assert all(re.fullmatch(r"[\d,]+ MiB, \d+ s|not measured", cell) for cell in needs)


def test_a_login_node_without_a_gpu_plans_for_nodes_with_one(plugins: Path, small: Project) -> None:
    """A run on this machine alone is refused."""
    suite = {"datasets": ["tiny"], "kernels": ["matlab-bicubic"], "scales": [2], "models": ["tiny-espcn"]}
    small.configure({**CONFIG, "device": "cuda", "suites": {"trained": suite}})
    run = _plan(plugins, small, "slurm")
    assert run.status == 0, run.output
    assert (run.jobs["train_model"], run.jobs["upscale"]) == (1, 1)
    if not gpu_ids():
        local = _plan(plugins, small, "default", "--cores", "2")
        assert "device: 'cuda' was asked for, but this machine has no NVIDIA GPU" in local.output
