"""Jobs in forks of a warm process: as they would be in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sisr.base import warm
from sisr.base.digest import SCRIPTS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux")

#: A run: it starts the warm process, waits until that listens, and runs scripts as Snakemake does.
_RUN = """
import socket, subprocess, sys, time
from sisr.base import warm
import os
warm.start([sys.executable])
for _ in range(500):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
        try:
            probe.connect(warm._address(os.environ[warm.NAME]))
            break
        except OSError:
            time.sleep(0.02)
for script in sys.argv[1:]:
    done = subprocess.run([sys.executable, script])
    print("status", done.returncode, flush=True)
"""


def _script(folder: Path, body: str, name: str = "tmp1.work.py") -> Path:
    path = folder / ".snakemake/scripts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("import sisr, os, sys\n" + body)
    return path


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SCRIPTS), "MARK": "of the run"}


def _run(folder: Path, *scripts: Path) -> str:
    command = [sys.executable, "-c", _RUN, *map(str, scripts)]
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout + done.stderr


#: That the script runs in a fork, which nothing else tells: a Python of its own has it as ``sys.orig_argv``.
_WARM = "assert 'warm.py' in str(sys.orig_argv)\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print('out'); print('err', file=sys.stderr)", ["out\n", "err\n", "status 0"]),
        ("print(os.getcwd(), os.environ['MARK'])", ["{folder} of the run\n"]),
        ("print(sys.argv, sys.path[0], __name__)", ["['{script}'] {parent} __main__"]),
        ("sys.exit(3)", ["status 3"]),
        ("sys.exit('a reason')", ["status 1", "a reason"]),
        ("raise ValueError('why')", ["Traceback", "ValueError: why", "status 1"]),
        ("os.kill(os.getpid(), 9)", ["status -9"]),
        ("import atexit; atexit.register(print, 'at the end')", ["at the end\n", "status 0"]),
        ("from sisr.base import warm; print(os.environ.get(warm.NAME))", ["None\n"]),
    ],
)
def test_a_job_is_as_in_a_process_of_its_own(body: str, said: list[str], tmp_path: Path) -> None:
    script = _script(tmp_path, body)
    warm_output = _run(tmp_path, _script(tmp_path, _WARM + body))
    cold = subprocess.run(
        [sys.executable, _script(tmp_path, body)],
        cwd=tmp_path,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    for expected in said:
        text = expected.format(folder=tmp_path, script=script, parent=script.parent)
        assert text in warm_output
        assert text in cold.stdout + cold.stderr + f"status {cold.returncode}"


def test_what_two_jobs_have_imported_is_there_for_the_third(tmp_path: Path) -> None:
    script = _script(tmp_path, "print('yaml' in sys.modules); import yaml")
    assert _run(tmp_path, *[script] * 3).splitlines()[::2] == ["False", "False", "True"]


def _ends(pid: int) -> bool:
    for _ in range(250):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("killed", ["waiting", "run"])
def test_a_job_ends_with_who_waits_for_it_and_with_the_run(killed: str, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    body = "import time; print(os.getpid(), os.getppid(), file=open('pids', 'w'), flush=True); time.sleep(60)"
    script = _script(tmp_path, body)
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN, script], cwd=tmp_path, env=_environment(), start_new_session=True
    )
    try:
        for _ in range(500):
            if note.exists() and note.read_text().endswith("\n"):
                break
            time.sleep(0.02)
        job, server = map(int, note.read_text().split())
        (waiting,) = (
            int(pid)
            for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
            if int(pid) != server
        )
        os.kill({"waiting": waiting, "run": run.pid}[killed], signal.SIGKILL)
        assert _ends(job)
        if killed == "run":
            assert _ends(server)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def test_without_a_warm_process_a_job_is_its_own(tmp_path: Path) -> None:
    script = _script(tmp_path, "print(sys.orig_argv[-1])")
    done = subprocess.run(
        [sys.executable, script],
        env={**_environment(), warm.NAME: "nobody-listens"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{script}\n"
