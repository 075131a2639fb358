"""One warm process in which every input is a forked child: no input pays for a start of Python.

What a child says and how it ends decides what became of its input, see :func:`outcome_of`.
"""

from __future__ import annotations

import contextlib
import gc
import io
import itertools
import multiprocessing
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import typer

#: Seconds after which an input hangs; more on a machine that has more to do than it has cores.
LIMIT = 30.0
#: Bytes that an input may take beside what the warm process has.
MEMORY = 2 << 30
#: Bytes of data at which the system refuses more to a child, so that nothing else on the machine suffers.
_MOST = 8 << 30

#: What may become of an input, in the order of the table; all after the second are faults.
OUTCOMES = ("right", "refused", "traceback", "silent", "unclear", "hang", "crash", "memory")


@dataclass(frozen=True)
class Case:
    """An input: ``build`` makes its files in an empty folder, in which ``sisr`` is called with ``argv``.

    ``judge`` gets the folder and what was printed, where the exit status is 0: it returns what is wrong.
    ``call`` is called in place of ``sisr``, with ``argv``.
    """

    label: str
    argv: Sequence[str]
    build: Callable[[Path], None]
    judge: Callable[[Path, str], str]
    call: Callable[[Sequence[str]], None] | None = None


@dataclass(frozen=True)
class Ended:
    """Status of a child (negative: the signal), what it printed, seconds, bytes beside the warm process."""

    status: int
    stdout: str
    stderr: str
    seconds: float
    hung: bool
    memory: int


def outcome_of(case: Case, work: Path) -> tuple[str, str]:
    """One of :data:`OUTCOMES`, and what was said.

    ``work`` is a folder with what the case built, alone in its own folder.
    """
    ended = run(case, work)
    said = (ended.stderr or ended.stdout).strip()
    outside = sorted(path.name for path in work.parent.iterdir() if path != work)
    warned = re.search(r"^.*\w+Warning: .*$", ended.stderr, re.MULTILINE)
    faults = {
        "hang": ended.hung and f"{ended.seconds:.0f} s",
        "crash": ended.status < 0 and f"{signal.Signals(-ended.status).name}: {said[-300:]}",
        "traceback": "Traceback (most recent call last)" in ended.stderr + ended.stdout and said[-1500:],
        "memory": ended.memory > MEMORY and f"{ended.memory / 2**20:.0f} MiB",
        "silent": bool(outside) and f"written outside the folder: {', '.join(outside)}",
        "unclear": warned is not None and f"a library's warning: {warned[0]}",
    }
    if found := next((item for item in faults.items() if item[1]), None):
        return found[0], str(found[1])
    if ended.status == 0:
        wrong = case.judge(work, ended.stdout)
        return ("silent", wrong) if wrong else ("right", "")
    unclear = _unclear(ended, "--keep-going" in case.argv)
    return ("unclear", f"{unclear}: {said[-1000:]!r}") if unclear else ("refused", said.splitlines()[-1])


def _unclear(ended: Ended, several: bool) -> str:
    """What is wrong with the message of an input that was refused."""
    if ended.status == 2 and ended.stderr.startswith("Usage: "):
        return "" if "Error" in ended.stderr else "no reason"  # the parser of options says it in a box
    lines = ended.stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    if not lines or not lines[-1].startswith("error: "):
        return f"exit status {ended.status} and the last line is no error"
    if len(errors) > 1 and not several:
        return "more than one error"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lines[-1]):
        return "control characters"
    if len(lines[-1]) > 5000:
        return f"a line of {len(lines[-1])} characters"
    return ""


def run(case: Case, work: Path, limit: float | None = None) -> Ended:
    """Call the command in a child of this process; within :data:`LIMIT` seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _child(case, work, out.fileno(), err.fileno())
        limit = limit or LIMIT * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        used = _wait(pid, start + limit)
        seconds = time.monotonic() - start
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode(errors="backslashreplace"))
        status, usage = used
        return Ended(status, *texts, seconds, seconds >= limit, usage.ru_maxrss * 1024 - _warm_size())


def _wait(pid: int, end: float) -> tuple[int, resource.struct_rusage]:
    handle = os.pidfd_open(pid)
    try:
        select.select([handle], [], [], max(0.0, end - time.monotonic()))
    finally:
        os.close(handle)
    if time.monotonic() >= end:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    with contextlib.suppress(ProcessLookupError):  # what it left running ends with it
        os.killpg(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status), usage


def _warm_size() -> int:
    """Bytes that a child has from the first: those of no file."""
    resident, shared = Path("/proc/self/statm").read_text(encoding="ascii").split()[1:3]
    return (int(resident) - int(shared)) * resource.getpagesize()


def _child(case: Case, work: Path, out: int, err: int) -> NoReturn:
    """Never returns, whatever happens: what called this function is the parent's."""
    status = 1
    try:
        os.setsid()
        # A worker of a pool, which this process was, may have no children.
        multiprocessing.current_process()._config["daemon"] = False
        os.chdir(work)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, place in ((nothing, 0), (out, 1), (err, 2)):
            os.dup2(number, place)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", "surrogateescape")
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace")
        sys.stdout.reconfigure(line_buffering=True)
        sys.stderr.reconfigure(line_buffering=True)
        resource.setrlimit(resource.RLIMIT_DATA, (_MOST, _MOST))
        os.environ.update(HOME=str(work), TMPDIR=str(work.parent.parent))
        sys.argv = ["sisr", *case.argv]
        status = _call(case)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(status & 0xFF)


def _call(case: Case) -> int:
    try:
        (case.call or app)(case.argv)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    return 0


class _Forked:
    """Stands for :class:`subprocess.Popen` of a Python that is told its program by ``-c``."""

    def __init__(self, command: Sequence[str], *, pass_fds: Sequence[int], **_streams: Any) -> None:
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid:
            return
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for place in range(3):
                os.dup2(nothing, place)
            kept = [2, *sorted(pass_fds), 1 << 12]
            for before, after in itertools.pairwise(kept):
                os.closerange(before + 1, after)
            exec(command[-1], {})
        finally:
            os._exit(1)

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def warm_up(samples: Iterable[Case]) -> None:
    """Import what the samples import, and read the registries; change what would reach out or take long.

    Nothing computes in this process: a child imports and says what it did.
    """
    os.environ.update(OMP_NUM_THREADS="1", SISR_GPU_LOCKS=tempfile.gettempdir())
    for name in ("SISR_MIRROR", "SISR_REGISTRIES", "SISR_CONFIG", "SISR_ABSENT"):
        os.environ.pop(name, None)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = "http://127.0.0.1:9"  # nobody answers there
    from sisr.base import registry
    from sisr.upscaling.foreign import process

    process.subprocess = SimpleNamespace(Popen=_Forked, DEVNULL=subprocess.DEVNULL)  # type: ignore[assignment]
    folder = Path(tempfile.mkdtemp(prefix="sisr-fuzz-"))
    for number, sample in enumerate(samples):
        for name in _modules_of(sample, folder / str(number)):
            if name not in sys.modules and not name.startswith("__"):
                with contextlib.suppress(Exception):  # a package that makes its modules as it goes
                    __import__(name)
    shutil.rmtree(folder)
    for name in registry.EXTENSIBLE:
        registry.load(name)
        registry.load(name, registry.CONFIG)
    command()
    gc.collect()
    gc.freeze()  # else each child would copy what it collects


def _modules_of(sample: Case, folder: Path) -> list[str]:
    """Modules that a child has after a call."""
    work, told = folder / "work", folder / "modules.txt"
    work.mkdir(parents=True)
    sample.build(work)

    def call(argv: Sequence[str]) -> None:
        try:
            (sample.call or app)(argv)
        finally:
            told.write_text("\n".join(sys.modules))

    ended = run(replace(sample, call=call), work, 600)
    assert ended.status == 0, f"{sample.label}: {ended.stderr}{ended.stdout}"
    return told.read_text().splitlines()


def app(argv: Sequence[str]) -> None:
    """``sisr``."""
    command()(args=list(argv), prog_name="sisr")


@cache
def command() -> Any:
    """What typer makes of the program; that takes longer than most calls."""
    from sisr.cli import app as program

    return typer.main.get_command(program)
