"""Jobs of the workflow in forks of a process that has imported what such jobs need, see docs/decisions/0008.

Run as a program in each environment of a run.  It imports nothing of ours, so that a job finds the library as
it would in a process of its own.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import os
import runpy
import secrets
import selectors
import signal
import socket
import struct
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from zlib import crc32

#: Variable with the name of the run's warm processes.
NAME = "SISR_WARM"

#: Packages that take long to import, that start no threads, and that a job may find imported.
_SLOW = {
    "numpy", "PIL.Image", "yaml", "jsonschema", "snakemake.logging", "snakemake.iocontainers", "cv2", "torch",
    "scipy.ndimage", "scipy.signal", "scipy.stats", "scipy.optimize", "skimage.metrics", "matplotlib.figure",
    "matplotlib.pyplot", "pandas", "seaborn", "jinja2", "pyarrow", "tqdm",
}  # fmt: skip
_LARGEST_REQUEST = 1 << 20
_PR_SET_PDEATHSIG = 1


def start(pythons: Iterable[str]) -> None:
    """Start a warm process for each Python, for the jobs that this process is going to start.

    They end with this process.  Only on Linux; elsewhere each job stays a process of its own.
    """
    if sys.platform != "linux":
        return
    os.environ[NAME] = secrets.token_hex(8)
    # A pool of threads would not live through a fork.  Jobs set the number of theirs themselves.
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    for python in pythons:
        # -s and -P: no packages of the user's, and none of this folder.
        subprocess.Popen([python, "-sP", __file__, os.environ[NAME]], env={**os.environ, **alone})


def hand_over() -> None:
    """Let the warm process of this environment run this process's script, and end as it ends.

    Returns where there is no such process.
    """
    name = os.environ.get(NAME)
    if name is None:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        request = {"script": sys.argv[0], "directory": str(Path.cwd()), "environment": dict(os.environ)}
        try:
            connection.connect(_address(name))
            socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
        except OSError:
            return
        # An interrupt reaches all processes of a run; this one only waits.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        answer = connection.recv(16)
    if not answer:
        print("error: the process in which the job ran was killed", file=sys.stderr, flush=True)
        os._exit(1)
    status = int(answer)
    if status < 0:
        os.kill(os.getpid(), -status)
    os._exit(status)


def _address(name: str) -> str:
    """A socket's name outside the file system: it ends with its process."""
    return f"\0sisr-{name}-{crc32(sys.prefix.encode()):08x}"


class _Server:
    def __init__(self, name: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(_address(name))
        self._listener.listen(128)
        self._ready = selectors.DefaultSelector()
        self._ready.register(self._listener, selectors.EVENT_READ, self._accept)
        #: How many jobs have imported each slow package.
        self._needed: Counter[str] = Counter()

    def serve(self) -> None:
        while True:
            for key, _ in self._ready.select():
                key.data()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", credentials)[1] != os.getuid():
            connection.close()
            return
        request, descriptors, *_ = socket.recv_fds(connection, _LARGEST_REQUEST, 3)
        if len(descriptors) == 3:
            self._run(connection, json.loads(request), descriptors)
        else:
            connection.close()

    def _run(self, connection: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
        for package, jobs in self._needed.items():
            # What two jobs needed, more will.  Jobs also find what is beside Snakemake: that stays theirs.
            if jobs > 1 and package not in sys.modules:
                with suppress(ImportError):
                    importlib.import_module(package)
        told, tells = os.pipe()
        child = os.fork()
        if child == 0:
            self._listener.close()
            _be_job(request, descriptors, tells)
        for descriptor in (tells, *descriptors):
            os.close(descriptor)
        ended = os.pidfd_open(child)

        def finish() -> None:
            self._ready.unregister(ended)
            os.close(ended)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            with os.fdopen(told, "rb") as stream:
                self._needed.update(stream.read().decode().split())
            if connection.fileno() != -1:
                self._ready.unregister(connection)
                with suppress(OSError):
                    connection.send(str(status).encode())
                connection.close()

        def kill() -> None:
            # Whoever waited for the job is gone: what would have killed the job there, kills it here.
            self._ready.unregister(connection)
            connection.close()
            os.kill(child, signal.SIGKILL)

        self._ready.register(ended, selectors.EVENT_READ, finish)
        self._ready.register(connection, selectors.EVENT_READ, kill)


def _be_job(request: dict[str, Any], descriptors: list[int], tells: int) -> NoReturn:
    """Run a script in this fork as a Python started for it would, and say which slow packages it imported."""
    status = 1
    try:
        _end_with_parent()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["environment"])
        del os.environ[NAME]
        os.chdir(request["directory"])
        script = request["script"]
        sys.argv[:] = [script]
        sys.path.insert(0, str(Path(script).parent))
        runpy.run_path(script, run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        os.write(tells, " ".join(_SLOW & sys.modules.keys()).encode())
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


def _end_with_parent() -> None:
    """Be killed when the process that started this one ends, however it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Server(sys.argv[1]).serve()
