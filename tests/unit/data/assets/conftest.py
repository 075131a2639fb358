"""A registry in a temporary folder and an HTTP server on the loopback, both filled by the test."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from sisr.base import registry as sisr_registry
from sisr.data.assets import Policy, load

#: Impatient, so that failures are quick; two attempts.
QUICK = Policy(attempts=2, backoff=0.01, connect=0.5, read=0.25)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Server:
    """``pages``: what a path answers. Bytes: 200 with them; int: that status; function: gets the handler."""

    address: str
    pages: dict[str, bytes | int | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"{self.address}{path}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests.append(self.path)
            page = state.pages.get(self.path, 404)
            if callable(page):
                page(self)
            elif isinstance(page, int):
                self.send_error(page)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    state = Server(f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SISR_MIRROR", raising=False)


@pytest.fixture
def registry(tmp_path: Path) -> Callable[..., Path]:
    """``registry(name={...keys of an asset...}) -> config folder``; required texts are filled in."""

    def make(**entries: dict[str, Any]) -> Path:
        config = tmp_path / "config"
        (config / "assets").mkdir(parents=True, exist_ok=True)
        texts = {"description": "A test", "licence": "CC0", "source": "https://example.org"}
        document = {key.replace("_", "-"): texts | entry for key, entry in entries.items()}
        (config / "assets.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        sisr_registry.load.cache_clear()
        load.cache_clear()
        return config

    return make


def make_zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def tools() -> SimpleNamespace:
    """What the tests of this folder share (a conftest cannot be imported)."""
    return SimpleNamespace(quick=QUICK, sha256=sha256, zip=make_zip, tar=make_tar)
