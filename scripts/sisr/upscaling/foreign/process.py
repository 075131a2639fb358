"""A stranger's network from this side: a child process that is asked to look, to load and to enlarge.

Images go to the child and come back one batch at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from sisr.base import errors
from sisr.base.digest import SCRIPTS
from sisr.base.errors import ModelError
from sisr.models import class_files
from sisr.models.model_entries import Model
from sisr.models.state_dicts import Part
from sisr.upscaling.engines.planes import Seen
from sisr.upscaling.inference.options import Options

_CHILD = "sisr.upscaling.foreign.child"
_CLASS = "sisr.upscaling.foreign.classes:ServedClass"
_PROGRAM = "sisr.upscaling.foreign.programs:ServedProgram"
#: Seconds between two looks at whether the child still lives, while an answer is awaited.
_POLL = 0.5
#: Seconds that looking at a program may take.  The child limits its processor time; it may also sleep.
_LOOK = 180.0
#: What a signal that kills a process means.
_WHY: Mapping[int, str] = {
    signal.SIGKILL: "; the system kills so where memory ends",
    signal.SIGXCPU: "; it had not enlarged a small image in the time that many of them take",
}


class _Child:
    """A process with one class or file in it; it ends with this object."""

    def __init__(self, server: str, name: str) -> None:
        self.name = name
        self._lock = Lock()
        self._pipe, theirs = Pipe()
        self._crash = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        ends = (theirs.fileno(), self._crash.fileno())
        path = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})"
        start = f"{path}; from {_CHILD} import serve; serve{(server, name, *ends)}"
        nothing = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", start], stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=ends
        )
        theirs.close()
        weakref.finalize(self, _end, self._process, self._pipe)

    def ask(self, method: str, *arguments: Any, within: float = math.inf) -> Any:
        """The child's answer; raises what it raised, and :class:`ModelError` where it died.

        Also where it has none within some seconds; then it is killed.
        """
        end = time.monotonic() + within
        with self._lock:
            try:
                self._pipe.send((method, arguments))
                while not self._pipe.poll(_POLL):
                    if time.monotonic() > end:
                        self._process.send_signal(signal.SIGXCPU)
                    if self._process.poll() is not None and not self._pipe.poll(0):
                        raise EOFError
                kind, answer = self._pipe.recv()
            except (EOFError, OSError):
                raise ModelError(self._death()) from None
        if kind == "ok":
            return answer
        raise (MemoryError if kind == "MemoryError" else getattr(errors, kind))(answer)

    def _death(self) -> str:
        """Why the process ended, in one line."""
        code = self._process.wait()
        if code >= 0:
            return f"{self.name}: its process ended itself (exit status {code})"
        self._crash.seek(0)
        frames = re.findall(r'File "(.*)", line (\d+)', self._crash.read().decode(errors="replace"))
        ours = ("site-packages", "dist-packages", str(SCRIPTS), str(Path(os.__file__).parent))
        theirs = [f for f in frames if f[0][0] != "<" and not any(part in f[0] for part in ours)]
        where = f" at {theirs[0][0]}, line {theirs[0][1]}" if theirs else ""
        return (
            f"{self.name}: its process was killed by {signal.Signals(-code).name}{where}{_WHY.get(-code, '')}"
        )


def _end(process: subprocess.Popen[bytes], pipe: Connection) -> None:
    pipe.close()
    process.kill()
    process.wait()


#: The last class or file that was looked at, for whoever loads it next.
_last: list[tuple[Any, _Child]] = []


def _child(server: str, name: str, files: Iterable[Path]) -> _Child:
    """The process of a class or a file, the same one until their files change."""
    stats = [path.stat() for path in files if path.is_file()]
    # Within a lease the visible GPU is another one.
    state = (server, name, str(Path.cwd()), os.environ.get("CUDA_VISIBLE_DEVICES"))
    key = (*state, *((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats))
    if not _last or _last[0][0] != key or _last[0][1]._process.poll() is not None:
        _last[:] = [(key, _Child(server, name))]
    return _last[0][1]


def _child_of_class(name: str, weights: Path | None) -> _Child:
    file = class_files.file_of(name)
    files = class_files.read(file).files() if file is not None else []
    return _child(_CLASS, name, [*files, *([weights] if weights else ())])


def _child_of_program(path: Path) -> _Child:
    beside = (path.with_suffix(".bin"), path.with_name(f"{path.name}.data"))  # of ncnn, of ONNX
    return _child(_PROGRAM, str(path), [path, *beside])


def look_at_class(
    name: str, arguments: Mapping[str, Any], scale: int | None, weights: Path | None
) -> tuple[int, int, Part | None, str]:
    """Channels of a class's network, how many times it enlarges, the state dict that it was given, and what
    was not plain about that.

    Raises :class:`ModelError`, one line, for whatever goes wrong.
    """
    return _child_of_class(name, weights).ask("look", arguments, scale, weights)


def look_at_program(path: Path, engine: str) -> Seen:
    """What the network in a file does; :class:`ModelError`, one line, for whatever goes wrong."""
    return _child_of_program(path).ask("look", engine, within=_LOOK)


class Remote:
    """A network in the child; see :data:`sisr.upscaling.engines.RawUpscaler`."""

    def __init__(self, child: _Child, number: int, batch: int, notes: list[str]) -> None:
        self.batch = batch
        self._child, self._number = child, number
        self._first = notes
        self._notes: list[str] = []

    @property
    def notes(self) -> list[str]:
        """What was not plain about the weights, and the runs so far."""
        return [*self._first, *self._notes]

    def __call__(self, lr: np.ndarray) -> np.ndarray:
        return self.many([lr])[0]

    def many(self, lrs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Enlarge images of one size and kind together."""
        srs, self._notes = self._child.ask("many", self._number, list(lrs))
        return srs


def load(
    model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int, options: Options
) -> Remote:
    """See :func:`sisr.upscaling.engines.load`; the model is as :mod:`sisr.upscaling.detection` found it."""
    name = model.params.get("class")
    if name is not None:
        child = _child_of_class(name, files.get("state"))
    else:
        child = _child_of_program(next(iter(files.values())))
    number, batch = child.ask("load", model, scale, dict(files), device, threads, options)
    note = model.params.get("note")
    return Remote(child, number, batch, [note] if note else [])
