"""One folder of assets for several users and machines: fetched at once, read only, without a network."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_project import CHECKOUT, CONFIG, SCORES, Project, Run, rows

pytestmark = pytest.mark.workflow

# Everything is imported as root, since other users may not be able to read this Python's folder; then one
# process a user fetches the same asset, and one of them is killed on the way.
_USERS = """
import os, signal, sys, time
from pathlib import Path
import jsonschema, pooch, requests, yaml  # which the users may not be allowed to read
from sisr.data.assets import fetch
from sisr.data.assets import archives, download
resources, config, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
children = []
for index in range(count):
    child = os.fork()
    if child == 0:
        os.umask(0o002)
        os.setgid(5000)
        os.setuid(5001 + index)
        manifest = fetch("shared", resources, config=config, progress=False)
        os._exit(0 if manifest.status == "ok" else 1)
    children.append(child)
time.sleep(float(sys.argv[4]))
os.kill(children[0], signal.SIGKILL)
print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for several users")
@pytest.mark.parametrize("delay", [0.0, 0.02])
def test_several_users_fill_one_cache_at_once(tmp_path: Path, config_copy: Path, delay: float) -> None:
    content = random.Random(8).randbytes(20_000_000)
    source = tmp_path / "source.bin"
    source.write_bytes(content)
    entry = (
        "\nshared:\n  description: test\n  licence: none\n  source: tests\n  files:\n    - name: large.bin\n"
        f"      urls: ['{source.as_uri()}']\n      sha256: '{hashlib.sha256(content).hexdigest()}'\n"
    )
    with (config_copy / "assets.yaml").open("a") as stream:
        stream.write(entry)
    resources = tmp_path / "resources"
    resources.mkdir()
    # What an administrator does: a folder for the group, in which what is made belongs to the group.
    os.chown(resources, 0, 5000)
    resources.chmod(0o2775)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)  # pytest's own folders are for root alone

    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "scripts"), "SISR_MIRROR": ""}
    command = [sys.executable, "-c", _USERS, resources, config_copy, "5", str(delay)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    killed, *others = map(int, done.stdout.split())
    assert killed in (-9, 0)
    assert others == [0, 0, 0, 0], done.stderr
    files = {path.name for path in (resources / "assets").rglob("*") if path.is_file()}
    assert files == {"shared.json", "large.bin"}, "something half-written is left"
    assert (resources / "assets/shared/large.bin").read_bytes() == content
    assert json.loads((resources / "assets/shared.json").read_text())["status"] == "ok"


def _without_network(project: Project, *arguments: str) -> Run:
    """A run in a namespace of its own, which has no device that is up, not even the loopback."""
    return project.call(["unshare", "--net", *project.command(*arguments)])


def test_login_node_fetches_and_a_run_works_from_a_read_only_folder(small: Project, tmp_path: Path) -> None:
    """``fetch`` first; then there is no network at all, and the folder of assets cannot be written."""
    suite = {
        "datasets": ["tiny"],
        "kernels": ["matlab-bicubic"],
        "scales": [2],
        "models": ["bicubic", "tiny-espcn"],
    }
    small.configure({**CONFIG, "suites": {"trained": suite}})
    fetched = small.run("--", "fetch")
    assert fetched.status == 0, fetched.output
    assert set(fetched.jobs) == {"fetch_asset", "fetch"}

    shared = tmp_path / "shared"
    (small.root / "resources/assets").rename(shared)
    for file in (small.root / "files").iterdir():
        file.unlink()
    compute = small.copy(tmp_path / "compute")
    (compute.root / "resources/assets").symlink_to(shared)
    mount = subprocess.run(["mount", "--bind", shared, shared], capture_output=True, text=True, check=False)
    if mount.returncode != 0:
        pytest.skip(f"a folder cannot be made read-only for root: {mount.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", shared], check=True)
        with pytest.raises(OSError, match="Read-only"):
            (shared / "probe").touch()
        run = _without_network(compute, "--", SCORES)
    finally:
        subprocess.run(["umount", shared], check=True)
    assert run.status == 0, run.output
    assert "fetch_asset" not in run.jobs
    assert run.jobs["train_model"] == 1
    assert {row["model"] for row in rows(compute.read(SCORES))} == {"bicubic", "tiny-espcn"}
