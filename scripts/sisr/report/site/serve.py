"""Showing a run's folder in a browser: the standard library's server, for this machine only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from sisr.base.errors import ConfigError


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


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
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(folder)))
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
