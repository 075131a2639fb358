"""A Snakemake installed alone, the current tree as a tagged repository, and use of it from elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tiny_project import CHECKOUT, Project, Run, copy_checkout

TAG = "v1.2.3"
ADDRESS = "https://github.com/lab/sisr-benchmark"
GITHUB = f'github("lab/sisr-benchmark", path="workflow/Snakefile", tag="{TAG}")'


@dataclass(frozen=True)
class Bare:
    """An environment whose ``pip`` was given Snakemake and nothing else."""

    bin: Path

    def snakemake(self, folder: Path, *arguments: str | Path, **environment: str) -> Run:
        """Call its Snakemake in a folder, on a machine that has git and the system's programs."""
        git = shutil.which("git")
        assert git is not None
        path = os.pathsep.join(
            filter(None, [environment.pop("PATH", ""), str(Path(git).parent), "/usr/bin:/bin"])
        )
        done = subprocess.run(
            [self.bin / "snakemake", *arguments],
            cwd=folder,
            env=Project.environment(Project(folder)) | {"PATH": path, "HOME": str(folder)} | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=1500,
        )
        return Run(done.returncode, done.stdout)


@dataclass(frozen=True)
class Hosted:
    """The current tree as a repository with one tag: ``clone`` has files, ``bare`` is as on a host."""

    clone: Path
    bare: Path

    @classmethod
    def create(cls, root: Path, at_the_end_of_jobs: str = "") -> Hosted:
        """Commit and tag what the checkout has now, with code that every job runs."""
        clone, bare = root / "clone", root / "host/sisr-benchmark.git"
        copy_checkout(clone)
        with (clone / "scripts/sisr/base/joblog.py").open("a") as stream:
            stream.write(at_the_end_of_jobs)
        git(clone, "init", "--quiet")
        git(clone, "add", "--all")
        git(clone, "commit", "--quiet", "--message", "All")
        git(clone, "tag", TAG)
        bare.parent.mkdir()
        git(root, "clone", "--quiet", "--bare", clone, bare)
        return cls(clone, bare)

    @property
    def environment(self) -> dict[str, str]:
        """Variables with which git takes the bare copy for the host's, and a cache of sources of its own."""
        return {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{self.bare}.insteadOf",
            "GIT_CONFIG_VALUE_0": ADDRESS,
            "XDG_CACHE_HOME": str(self.bare.parents[1] / "cache"),
        }


def git(folder: Path, *arguments: str | Path) -> None:
    """Call git as somebody, without the settings of this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def using(snakefile: str, prefix: str = "") -> str:
    """A Snakefile that uses the workflow as a module."""
    more = f'\n    prefix: "{prefix}"' if prefix else ""
    return f"""configfile: "config/config.yaml"

module sisr:
    snakefile: {snakefile}
    config: config{more}

use rule * from sisr
"""


def deploy(folder: Path, snakefile: str = GITHUB, prefix: str = "") -> None:
    """A folder as `snakedeploy deploy-workflow` leaves it, with the demo's configuration."""
    (folder / "workflow").mkdir(parents=True)
    (folder / "workflow/Snakefile").write_text(using(snakefile, prefix))
    shutil.copytree(CHECKOUT / "config", folder / "config")
    shutil.copy(CHECKOUT / "config/demo.yaml", folder / "config/config.yaml")
