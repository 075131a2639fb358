#!/usr/bin/env python3
"""What goes into the conda environments, written down for Snakemake's route by pin file.

lock.py            pip's packages: from NAME.yaml into NAME.post-deploy.sh
lock.py --conda    also conda's own: into NAME.linux-64.pin.txt, as conda resolves them now

The second form is for linux-64 and needs conda and its channel conda-forge.  Both need PyYAML.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

PIN_FILE = """\
# Python and pip with all that they need: builds of conda-forge for linux-64 that conda resolved in one go.
# The packages of pip come by {name}.post-deploy.sh. `envs/lock.py --conda` writes this anew.
"""


def write_pip_packages(environment: Path, script: Path) -> None:
    """Replace the list of a post-deploy script by that of its environment."""
    pins = yaml.safe_load(environment.read_text())["dependencies"][-1]["pip"]
    text, count = re.subn(
        r"(?<=<<'PINS'\n).*?(?=^PINS$)",
        "".join(f"{pin}\n" for pin in pins),
        script.read_text(),
        flags=re.DOTALL | re.MULTILINE,
    )
    if count != 1:
        sys.exit(f"error: {script}: expected one list between <<'PINS' and PINS, found {count}")
    script.write_text(text)


@functools.cache
def resolved(channel: str, specs: tuple[str, ...]) -> tuple[str, ...]:
    """Name, version and build of each package that conda would install, sorted, with their channel."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["conda", "create", "--dry-run", "--json", "--prefix", f"{folder}/environment"]
        command += ["--override-channels", "--channel", channel, *specs]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(command)}: {done.stdout.strip() or done.stderr.strip()}")
    packages: list[dict[str, Any]] = json.loads(done.stdout)["actions"]["LINK"]
    foreign = {package["platform"] for package in packages} - {"linux-64", "noarch"}
    if foreign:
        sys.exit(f"error: pin files are for linux-64, conda here resolves for {', '.join(foreign)}")
    return tuple(
        f"{channel}::{package['name']}={package['version']}={package['build_string']}"
        for package in sorted(packages, key=lambda package: package["name"])
    )


def write_conda_packages(environment: Path, pin_file: Path) -> None:
    """Write a pin file from what an environment asks conda for."""
    document = yaml.safe_load(environment.read_text())
    specs = tuple(spec for spec in document["dependencies"] if isinstance(spec, str))
    lines = resolved(document["channels"][0], specs)
    pin_file.write_text(PIN_FILE.format(name=environment.stem) + "".join(f"{line}\n" for line in lines))


def main(arguments: list[str]) -> None:
    if arguments not in ([], ["--conda"]):
        sys.exit(__doc__)
    if arguments and shutil.which("conda") is None:
        sys.exit("error: envs/lock.py --conda needs conda, which is not here")
    for environment in sorted(Path(__file__).parent.glob("*.yaml")):
        write_pip_packages(environment, environment.with_suffix(".post-deploy.sh"))
        if arguments:
            write_conda_packages(environment, environment.with_suffix(".linux-64.pin.txt"))


if __name__ == "__main__":
    main(sys.argv[1:])
