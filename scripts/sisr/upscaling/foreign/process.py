"""Somebody's class from this side: a child process that is asked to look, to load and to enlarge.

Images go to the child and come back one batch at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
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
from sisr.upscaling.inference.options import Options

_CHILD = "sisr.upscaling.foreign.child"
#: Seconds between two looks at whether the child still lives, while an answer is awaited.
_POLL = 0.5


class _Child:
    """A process with one class in it; it ends with this object."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = Lock()
        self._pipe, theirs = Pipe()
        self._crash = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        ends = (theirs.fileno(), self._crash.fileno())
        path = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r})"
        start = f"{path}; from {_CHILD} import serve; serve{(name, *ends)}"
        nothing = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", start], stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=ends
        )
        theirs.close()
        weakref.finalize(self, _end, self._process, self._pipe)

    def ask(self, method: str, *arguments: Any) -> Any:
        """The child's answer; raises what it raised, and :class:`ModelError` where it died."""
        with self._lock:
            try:
                self._pipe.send((method, arguments))
                while not self._pipe.poll(_POLL):
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
        theirs = [frame for frame in frames if not any(part in frame[0] for part in ours)]
        where = f" at {theirs[0][0]}, line {theirs[0][1]}" if theirs else ""
        memory = "; the system kills so where memory ends" if -code == signal.SIGKILL else ""
        return f"{self.name}: its process was killed by {signal.Signals(-code).name}{where}{memory}"


def _end(process: subprocess.Popen[bytes], pipe: Connection) -> None:
    pipe.close()
    process.kill()
    process.wait()


#: The last class that was looked at, for whoever loads it next.
_last: list[tuple[Any, _Child]] = []


def _child(name: str, weights: Path | None) -> _Child:
    """The process of a class with its weights, the same one until their files change."""
    file = class_files.file_of(name)
    files = class_files.read(file).files() if file is not None else []
    stats = [path.stat() for path in (*files, *([weights] if weights else ())) if path.is_file()]
    # Within a lease the visible GPU is another one.
    state = (name, str(Path.cwd()), os.environ.get("CUDA_VISIBLE_DEVICES"))
    key = (*state, *((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats))
    if not _last or _last[0][0] != key or _last[0][1]._process.poll() is not None:
        _last[:] = [(key, _Child(name))]
    return _last[0][1]


def look(
    name: str, arguments: Mapping[str, Any], scale: int | None, weights: Path | None
) -> tuple[int, int, Part | None, str]:
    """Channels of a class's network, how many times it enlarges, the state dict that it was given, and what
    was not plain about that.

    Raises :class:`ModelError`, one line, for whatever goes wrong.
    """
    return _child(name, weights).ask("look", arguments, scale, weights)


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
    child = _child(model.params["class"], files.get("state"))
    number, batch = child.ask("load", model, scale, files.get("state"), device, threads, options)
    note = model.params.get("note")
    return Remote(child, number, batch, [note] if note else [])
