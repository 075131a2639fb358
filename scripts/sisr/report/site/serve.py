"""Showing a run's folder in a browser: the standard library's server, for this machine only.

Only what lies in the folder is served, and only to those who ask for this machine by its own name: a page of
the internet whose name was made to mean this machine (DNS rebinding) is refused.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

from sisr.base.errors import ConfigError

_NAMES = ("127.0.0.1", "localhost")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def send_head(self) -> io.BytesIO | Any:
        """What answers GET and HEAD."""
        if (status := self._refusal()) is not None:
            self.send_error(status)
            return None
        return super().send_head()

    def _refusal(self) -> HTTPStatus | None:
        address: Any = self.server.server_address
        port = address[1]
        hosts = {f"{name}:{port}" for name in _NAMES} | (set(_NAMES) if port == 80 else set())
        if self.headers.get("Host", "").lower() not in hosts:
            return HTTPStatus.FORBIDDEN
        if "\0" in unquote(self.path):
            return HTTPStatus.BAD_REQUEST
        try:
            asked, root = Path(self.translate_path(self.path)).resolve(), Path(self.directory).resolve()
            # A pipe would be waited for.
            served = asked.is_relative_to(root) and (asked.is_file() or asked.is_dir())
            if served and asked.is_dir() and (first := asked / "index.html").exists():
                served = first.resolve().is_relative_to(root)
        except (OSError, RuntimeError, ValueError):  # too long a name, links in a circle, half a character
            served = False
        return None if served else HTTPStatus.NOT_FOUND


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is nothing to show."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def page_of(run: Path) -> str:
    """Address of a run's first page, relative to its folder: the site, or the report where there is none."""
    for page in ("site/index.html", "report.html"):
        if (run / page).is_file():
            return page
    raise ConfigError(f"{run}: expected a results folder with site/index.html or report.html, found neither")


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[str]:
    """Serve a folder on the loopback address while the block runs; yields ``http://127.0.0.1:PORT``.

    Port 0 takes any free one.  :class:`ConfigError` if the port is taken.
    """
    try:
        server = _Server(("127.0.0.1", port), partial(_Quiet, directory=str(folder)))
    except OSError as error:
        raise ConfigError(f"port {port}: cannot serve there: {error.strerror}") from None
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
