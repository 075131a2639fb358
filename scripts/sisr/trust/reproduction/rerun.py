"""Running a described run again, in a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sisr.base import registry
from sisr.base.atomic import write_text
from sisr.base.errors import ReproductionError
from sisr.run.config import read as read_config
from sisr.run.workspace import outer_environment
from sisr.trust.reproduction.described import CrateOfRun

#: Folders that runs write into.
_MADE = ("results", "resources")


def rerun(
    crate: CrateOfRun,
    out: Path,
    *,
    cores: int,
    downloads: Path,
    arguments: Sequence[str] = (),
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Path:
    """Run the crate's configuration in ``out`` as far as its scores; returns the folder of the new results.

    An interrupted one is finished by the same call.

    Parameters
    ----------
    downloads : folder of fetched assets, shared with other runs
    arguments : more of Snakemake's
    progress : called with the number of finished jobs and of all

    Raises
    ------
    ReproductionError
        ``out`` holds something else, or Snakemake failed.
    ConfigError
        The registries of this checkout do not have what the configuration names.
    """
    config = absolute(crate.config)
    read_config(config, str(crate.folder / "config.yaml"))
    _prepare(crate, out, config, downloads)
    target = f"results/{crate.name}"
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(registry.ROOT / "workflow" / "Snakefile"),
        "--directory", str(out), "--configfile", str((out / "config.yaml").absolute()),
        "--cores", str(cores), *arguments, "--", f"{target}/provenance.json",
    ]  # fmt: skip
    log = out / "reproduce.log"
    last = ""
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(),
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            stream.write(line)
            if counted := re.match(r"(\d+) of (\d+) steps", line):
                progress(int(counted[1]), int(counted[2]))
            if said := re.match(r"error: (.*)", line):
                last = f": {said[1]}"
    if process.returncode != 0:
        raise ReproductionError(f"{log}: Snakemake ended with status {process.returncode}{last}")
    return out / target


def _environment() -> dict[str, str]:
    """Ours, with a mirror that is found from another folder."""
    environment = outer_environment()
    mirror = environment.get("SISR_MIRROR")
    return {**environment, "SISR_MIRROR": _from_here(mirror)} if mirror else environment


def _from_here(path: str) -> str:
    """A path as an absolute one if it is of something in the current folder; addresses stay."""
    return str(Path(path).absolute()) if Path(path).exists() else path


def absolute(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with paths that also lead somewhere from another folder."""
    out = dict(config)
    if out.get("mirror"):
        out["mirror"] = _from_here(out["mirror"])
    if out.get("registries"):
        out["registries"] = [_from_here(place) for place in out["registries"]]
    if isinstance(out.get("user_images"), Mapping):
        out["user_images"] = {**out["user_images"], "path": _from_here(out["user_images"]["path"])}
    return out


def _prepare(crate: CrateOfRun, out: Path, config: Mapping[str, Any], downloads: Path) -> None:
    """The folder of the new run: its configuration, and links to what is not made anew."""
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    there = out / "config.yaml"
    if out.exists() and not out.is_dir():
        raise ReproductionError(f"{out}: expected a folder, found a file")
    if there.is_file() and there.read_text(encoding="utf-8") != text:
        raise ReproductionError(f"{out}: holds another run's reproduction; give another folder with --out")
    if not there.is_file() and out.exists() and any(out.iterdir()):
        raise ReproductionError(f"{out}: expected an empty folder; give another one with --out")
    write_text(there, text)
    downloads.mkdir(parents=True, exist_ok=True)
    # Relative paths of the user's own, of images and of networks, start where Snakemake is started: what
    # lies there is seen in the new folder too, but for what a run makes.
    links = {
        out / entry.name: entry
        for entry in Path.cwd().iterdir()
        if entry.name not in _MADE
        and not entry.name.startswith(".")
        and entry not in (out.absolute(), *out.absolute().parents)
    }
    for link, target in {**links, out / "resources" / "assets": downloads}.items():
        if not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target.absolute())
