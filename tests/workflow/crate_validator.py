"""The validator of the RO-Crate community, in an environment of its own and without a network."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUIREMENTS = Path(__file__).with_name("crate-validator.txt")
CONTEXT = "https://w3id.org/ro/crate/1.1/context"

# Puts the context into the validator's cache, from which it is read when there is no network.
_WARM = """
import io, sys
from importlib.resources import files
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

cache, address = sys.argv[1:]
content = (files("rocrate") / "data" / "ro-crate.jsonld").read_bytes()

class Packaged(HTTPAdapter):
    def send(self, request, **options):
        kind = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(io.BytesIO(content), kind, 200, preload_content=False, request_url=request.url)
        return self.build_response(request, raw)

session = CachedSession(cache_name=cache, backend="sqlite", expire_after=-1)
session.mount("https://", Packaged())
assert session.get(address).json()["@id"] == address
"""


class CannotInstall(Exception):
    """The package index does not have it, or there is none."""


@dataclass(frozen=True)
class Validator:
    """``folder`` holds the environment and the cache."""

    folder: Path

    @classmethod
    def install(cls, folder: Path) -> Validator:
        """Make the environment; :class:`CannotInstall` with the reason where that is not possible."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        python = folder / "venv/bin/python"
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--quiet",
            "--no-compile",
            "--no-deps",
        ]
        done = subprocess.run([*pip, "-r", REQUIREMENTS], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CannotInstall(done.stderr.strip().splitlines()[-1])
        subprocess.run([python, "-c", _WARM, folder / "http", CONTEXT], check=True)
        return cls(folder)

    def issues(self, crate: Path, severity: str) -> list[dict[str, Any]]:
        """What the validator says of a crate against Workflow Run Crate 0.5, down to a severity."""
        out = self.folder / f"{severity}.json"
        out.unlink(missing_ok=True)
        command: list[Any] = [
            self.folder / "venv/bin/rocrate-validator", "--disable-color", "validate", "--offline",
            "--verbose", "--no-paging", "--cache-path", self.folder / "http", "--skip-availability-check",
            "--profile-identifier", "workflow-run-crate-0.5", "--requirement-severity", severity,
            "--output-format", "json", "--output-file", out, crate,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert out.is_file(), done.stdout + done.stderr
        report = json.loads(out.read_text())
        assert report["passed"] == (not report["issues"]) == (done.returncode == 0), done.stdout
        assert report["statistics"]["total_checks"] > 50
        return report["issues"]
