"""A checkout of its own with tiny images, in which a test may run Snakemake and edit anything."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image
from skimage import data

CHECKOUT = Path(__file__).resolve().parents[2]
CONFIG_FILE = "tiny.yaml"
SCORES = "results/tiny/scores.csv"

#: The suites of the tiny run.  `odd` holds what can go wrong with a model without the run going wrong.
CONFIG: dict[str, Any] = {
    "name": "tiny",
    "seed": 0,
    "device": "cpu",
    "suites": {
        "classical": {
            "datasets": ["tiny"],
            "kernels": ["matlab-bicubic", "opencv-linear"],
            "scales": [2, 4],
            "models": ["nearest", "bicubic", "lanczos"],
        },
        "trained": {
            "datasets": ["tiny"],
            "kernels": ["matlab-bicubic"],
            "scales": [2],
            "models": ["tiny-espcn"],
        },
        "odd": {
            "datasets": ["tiny"],
            "kernels": ["matlab-bicubic"],
            "scales": [2, 4],
            "models": ["gone", "damaged"],
        },
    },
    "metrics": ["psnr@y-bt601", "ssim@y-bt601"],
    "crops": {"per_set": 1},
    "certify": "none",
}

_ESPCN = {
    "engine": "torch",
    "colour": "y",
    "params": {"arch": "espcn", "format": "safetensors"},
    "licence": "none",
}
MODELS: dict[str, Any] = {
    "tiny-espcn": {**_ESPCN, "label": "Tiny ESPCN", "weights": {2: {"recipe": "tiny"}}},
    "gone": {
        **_ESPCN,
        "label": "Gone",
        "weights": {scale: {"asset": "gone", "files": {"state": "gone.safetensors"}} for scale in (2, 4)},
    },
    # Only x4, and what it has for x4 is no checkpoint.
    "damaged": {
        **_ESPCN,
        "label": "Damaged",
        "weights": {4: {"asset": "damaged", "files": {"state": "damaged.safetensors"}}},
    },
}
RECIPE = {
    "arch": "espcn",
    "data": ["tiny-train"],
    "kernel": "matlab-bicubic",
    "patch": 8,
    "batch": 2,
    "iterations": 5,
    "learning_rate": 0.001,
    "loss": "mse",
}


@dataclass(frozen=True)
class Run:
    """A finished call of Snakemake: its exit status and everything that it printed."""

    status: int
    output: str

    @property
    def jobs(self) -> dict[str, int]:
        """Number of jobs a rule, from the table of the last DAG; empty where nothing was to be done."""
        tables = self.output.split("Job stats:\n")
        rows = re.findall(r"^(\w+) +(\d+)$", tables[-1].split("\n\n")[0], re.MULTILINE)
        return {rule: int(count) for rule, count in rows if rule != "total"} if len(tables) > 1 else {}

    @property
    def errors(self) -> set[str]:
        """Distinct messages for the user: those of jobs, and those of the configuration."""
        of_jobs = re.findall(r"^error: (.*)$", self.output, re.MULTILINE)
        of_config = re.findall(r"^WorkflowError in file .*:\n(.*)$", self.output, re.MULTILINE)
        return {*of_jobs, *of_config}


@dataclass(frozen=True)
class Project:
    """A copy of the checkout; ``root`` is where Snakemake is started."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> Project:
        """Copy what a run needs from the checkout, and register the tiny images and models."""
        copy_checkout(root)
        project = cls(root)
        save(root / "images/astronaut.png", data.astronaut()[40:88, 190:254])
        save(root / "images/chelsea.png", data.chelsea()[100:137, 150:201])
        save(root / "images/camera.png", data.camera()[60:108, 200:264])
        save(root / "files/train.png", data.coffee()[100:164, 200:264])
        (root / "files/damaged.safetensors").write_text("not a checkpoint")
        project.register("datasets", {"tiny": dataset("images")})
        project.register("models", MODELS)
        project.register(
            "assets",
            {
                "tiny-train": project.asset("train.png", "../files/train.png"),
                "damaged": project.asset("damaged.safetensors", "../files/damaged.safetensors"),
                "gone": project.asset("gone.safetensors", (root / "files/gone").as_uri(), sha256="0" * 64),
            },
        )
        (root / "config/training/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
        project.configure(CONFIG)
        return project

    def copy(self, root: Path) -> Project:
        """The whole project with its results; files keep their times, by which Snakemake goes."""
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root)

    def configure(self, config: Mapping[str, Any]) -> None:
        """Write the run's config file."""
        (self.root / CONFIG_FILE).write_text(yaml.safe_dump(dict(config), sort_keys=False))

    def register(self, registry: str, entries: Mapping[str, Any]) -> None:
        """Append entries to ``config/<registry>.yaml``."""
        with (self.root / "config" / f"{registry}.yaml").open("a") as stream:
            stream.write("\n" + yaml.safe_dump(dict(entries), sort_keys=False))

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that occurs exactly once in a file."""
        path = self.root / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file}: '{old}' occurs {text.count(old)} times"
        path.write_text(text.replace(old, new))

    def asset(self, name: str, url: str, sha256: str | None = None) -> dict[str, Any]:
        """An asset of one local file; without ``sha256`` it is that of ``files/<end of the URL>``."""
        if sha256 is None:
            sha256 = hashlib.sha256((self.root / "files" / Path(url).name).read_bytes()).hexdigest()
        return {
            "description": "test",
            "licence": "none",
            "source": "tests",
            "files": [{"name": name, "urls": [url], "sha256": sha256}],
        }

    def command(
        self, *arguments: str, cores: int | str = 2, configfile: str | None = CONFIG_FILE
    ) -> list[str]:
        chosen = ["--configfile", configfile] if configfile else []
        return [sys.executable, "-m", "snakemake", "--cores", str(cores), *chosen, *arguments]

    def environment(self) -> dict[str, str]:
        """Ours without what would change a run; using the library of the copy is up to the workflow.

        Without compiled modules on disk, a start of Snakemake takes four times as long.
        """
        changing = ("SNAKEMAKE_", "SISR_", "PYTEST_", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
        return {name: value for name, value in os.environ.items() if not name.startswith(changing)}

    def run(self, *arguments: str, cores: int | str = 2, configfile: str | None = CONFIG_FILE) -> Run:
        """Call Snakemake and wait for it."""
        return self.call(self.command(*arguments, cores=cores, configfile=configfile))

    def call(self, command: Sequence[str | Path], **environment: str) -> Run:
        """Call a program in the project, and wait for it."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self.environment() | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=300,
        )
        return Run(done.returncode, done.stdout)

    def start(self, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """Call Snakemake as the head of a process group, and do not wait for it."""
        with log.open("wb") as stream:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.root,
                env=self.environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run_until(self, moment: Callable[[], bool], *arguments: str) -> None:
        """Call Snakemake, and ``kill -9`` it with all its children at a moment."""
        log = self.root / "killed.log"
        process = self.start(log, *arguments)
        try:
            deadline = time.monotonic() + 90
            while not moment():
                assert process.poll() is None, f"ended before the moment:\n{log.read_text()}"
                assert time.monotonic() < deadline, f"the moment did not come:\n{log.read_text()}"
                time.sleep(0.02)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def snapshot(self, folder: str = "results") -> dict[str, str]:
        """Path -> sha256 of every result; not of logs, which each attempt writes anew."""
        files = (path for path in (self.root / folder).rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if "logs" not in path.relative_to(self.root).parts
        }

    def read(self, file: str) -> str:
        return (self.root / file).read_text()


def copy_checkout(root: Path) -> None:
    """Copy what a run needs from the checkout, committed or not."""
    for name in ("workflow", "scripts", "config", "envs"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))


def save(path: Path, array: Any) -> None:
    """Write pixels as an image file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def dataset(path: str) -> dict[str, str]:
    """Registry entry of a folder of images."""
    return {"label": path.capitalize(), "path": path, "citation": "none", "licence": "none"}


def rows(table: str) -> list[dict[str, str]]:
    """Rows of a CSV text."""
    return list(csv.DictReader(io.StringIO(table)))


def part_of(scores: str, **wanted: Sequence[str]) -> str:
    """The lines of a score table whose columns have one of the wanted values, header included."""
    lines = scores.splitlines(keepends=True)
    chosen = [
        line
        for line, row in zip(lines[1:], rows(scores), strict=True)
        if all(row[column] in values for column, values in wanted.items())
    ]
    return "".join(lines[:1] + chosen)
