"""Fetching over HTTP, from local paths and from mirrors: order of sources, failures, resuming."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from sisr.base import registry as sisr_registry
from sisr.base.errors import AssetError, ChecksumError, ConfigError, SisrError
from sisr.data.assets import FetchedAsset, Policy, download, fetch, fetch_or_unavailable, verify

Registry = Callable[..., Path]
DATA = b"pixels" * 1000


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_bundle(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    bodies = {f"x2/{i}.png": bytes([i]) * 5000 for i in range(20)}
    server.pages.update({f"/up/{name}": body for name, body in bodies.items()})
    files = [{"name": name, "sha256": tools.sha256(body), "bytes": 5000} for name, body in bodies.items()]
    config = registry(bundle={"base": [server.url("/up/")], "files": files})
    manifest = fetch("bundle", tmp_path / "res", config=config)

    assert manifest.status == "ok"
    assert {name: path.read_bytes() for name, path in manifest.paths().items()} == bodies
    assert manifest.path("x2/3.png") == tmp_path / "res/assets/bundle/x2/3.png"
    assert manifest.files["x2/3.png"].url == server.url("/up/x2/3.png")
    assert FetchedAsset.read(tmp_path / "res/assets/bundle.json") == manifest
    assert not any(name.endswith(".part") for name in files_below(tmp_path / "res"))


def test_name_below_base_may_differ(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/up/img_001_SRF_4_HR.png"] = DATA
    config = registry(u={"base": [server.url("/up/")], "table": "u.tsv"})
    (config / "assets/u.tsv").write_text(
        f"name\tupstream\tsha256\tbytes\nimg_001.png\timg_001_SRF_4_HR.png\t{tools.sha256(DATA)}\t{len(DATA)}\n",
        encoding="utf-8",
    )
    assert fetch("u", tmp_path, config=config).path("img_001.png").read_bytes() == DATA


def one_file(registry: Registry, urls: list[str], tools: Any, data: bytes = DATA) -> Path:
    return registry(one={"files": [{"name": "a.bin", "urls": urls, "sha256": tools.sha256(data)}]})


def test_second_url_after_404(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/there"] = DATA
    config = one_file(registry, [server.url("/gone"), server.url("/there")], tools)
    manifest = fetch("one", tmp_path, config=config, policy=tools.quick)
    assert manifest.files["a.bin"].url == server.url("/there")
    assert server.requests == ["/gone", "/there"]  # a 404 is final and not tried again


def test_wrong_content(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/a"] = b"<html>not found</html>"
    config = one_file(registry, [server.url("/a"), server.url("/gone")], tools)
    with pytest.raises(ChecksumError) as caught:
        fetch("one", tmp_path, config=config, policy=tools.quick)
    message = str(caught.value)
    assert "\n" not in message
    for part in (
        "one/a.bin",
        server.url("/a"),
        tools.sha256(DATA),
        tools.sha256(server.pages["/a"]),
        "(22 bytes)",
        "HTTP 404",
    ):
        assert part in message
    assert files_below(tmp_path / "assets") == []


def test_wrong_content_then_right(
    server: Any, registry: Registry, tmp_path: Path, tools: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.pages |= {"/bad": b"bad", "/good": DATA}
    config = one_file(registry, [server.url("/bad"), server.url("/good")], tools)
    with caplog.at_level(logging.WARNING, "sisr"):
        fetch("one", tmp_path, config=config)
    assert "wrong content from " + server.url("/bad") in caplog.text


def test_truncated_body_is_tried_again(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    def truncated(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[:1000])
        server.pages["/a"] = DATA

    server.pages["/a"] = truncated
    manifest = fetch(
        "one", tmp_path, config=one_file(registry, [server.url("/a")], tools), policy=tools.quick
    )
    assert manifest.path("a.bin").read_bytes() == DATA
    assert len(server.requests) == 2


def test_always_truncated(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    def truncated(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        handler.wfile.write(DATA[:1000])

    server.pages["/a"] = truncated
    with pytest.raises(AssetError, match="connection closed before the end"):
        fetch("one", tmp_path, config=one_file(registry, [server.url("/a")], tools), policy=tools.quick)
    assert files_below(tmp_path / "assets") == []


def test_server_error_is_tried_again(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/a"] = 503
    with pytest.raises(AssetError, match="HTTP 503"):
        fetch("one", tmp_path, config=one_file(registry, [server.url("/a")], tools), policy=tools.quick)
    assert len(server.requests) == tools.quick.attempts


def test_silent_server(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/a"] = lambda handler: time.sleep(0.5)
    with pytest.raises(AssetError, match="no answer in time"):
        fetch("one", tmp_path, config=one_file(registry, [server.url("/a")], tools), policy=tools.quick)


def test_refused_network_fails_in_seconds(
    registry: Registry, tmp_path: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Default patience, a bundle of 60 files with two addresses each: the host is given up once."""
    asked: list[str] = []
    real = requests.get

    def counted(url: str, **keys: Any) -> requests.Response:
        asked.append(url)
        return real(url, **keys)

    monkeypatch.setattr(requests, "get", counted)
    files = [{"name": f"{i}.png", "sha256": tools.sha256(b"")} for i in range(60)]
    config = registry(bundle={"base": ["http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"], "files": files})
    start = time.monotonic()
    with pytest.raises(AssetError) as caught:
        fetch("bundle", tmp_path, config=config)
    assert time.monotonic() - start < 5
    assert asked.count("http://127.0.0.1:9/a/0.png") <= Policy().attempts
    assert not any("/b/" in url for url in asked)
    assert str(caught.value) == (
        "bundle/0.png: no source delivers it: http://127.0.0.1:9/a/0.png: Connection refused; "
        "http://127.0.0.1:9/b/0.png: Connection refused"
    )


def test_gzip_transfer_encoding_is_not_asked_for(
    server: Any, registry: Registry, tmp_path: Path, tools: Any
) -> None:
    seen: list[str | None] = []

    def page(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Accept-Encoding"])
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(DATA)

    server.pages["/a"] = page
    fetch("one", tmp_path, config=one_file(registry, [server.url("/a")], tools))
    assert seen == ["identity"]


def test_endless_body_is_given_up(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(bytes(1 << 20))

    server.pages["/a"] = endless
    file = {"name": "a", "urls": [server.url("/a")], "sha256": tools.sha256(b"1"), "bytes": 1}
    with pytest.raises(AssetError, match="more than 16777217 bytes"):
        fetch("one", tmp_path, config=registry(one={"files": [file]}), policy=tools.quick)
    assert files_below(tmp_path / "assets") == []


@pytest.mark.parametrize("form", ["{path}", "file://{path}", "../{name}"])
def test_local_file(registry: Registry, tmp_path: Path, tools: Any, form: str) -> None:
    source = tmp_path / "own image.bin"
    source.write_bytes(DATA)
    path = str(source).replace(" ", "%20") if form.startswith("file") else str(source)
    config = one_file(registry, [form.format(path=path, name=source.name)], tools)
    manifest = fetch("one", tmp_path / "res", config=config)
    assert manifest.path("a.bin").read_bytes() == DATA


def test_local_file_missing_or_no_file(registry: Registry, tmp_path: Path, tools: Any) -> None:
    config = one_file(registry, [str(tmp_path / "none"), str(tmp_path)], tools)
    with pytest.raises(AssetError, match=r"No such file or directory.*not a regular file"):
        fetch("one", tmp_path / "res", config=config)


def mirrored(tmp_path: Path, data: bytes = DATA) -> Path:
    copy = tmp_path / "mirror/127.0.0.1:9/owner/repo/a b.bin"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(data)
    return tmp_path / "mirror"


#: Nobody listens on the discard port.
URL = "http://127.0.0.1:9/owner/repo/a%20b.bin"


def test_mirror_folder_by_variable(
    registry: Registry, tmp_path: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SISR_MIRROR", str(mirrored(tmp_path)))
    manifest = fetch("one", tmp_path / "res", config=one_file(registry, [URL], tools))
    assert manifest.path("a.bin").read_bytes() == DATA
    assert manifest.files["a.bin"].url == URL  # not the mirror's path: the same on every machine


def test_mirror_url(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/m/127.0.0.1:9/owner/repo/a%20b.bin"] = DATA
    config = one_file(registry, [URL], tools)
    assert fetch("one", tmp_path, server.url("/m/"), config=config).files["a.bin"].url == URL


def test_mirror_is_asked_first_for_all_addresses(
    server: Any, registry: Registry, tmp_path: Path, tools: Any
) -> None:
    server.pages["/live"] = DATA
    config = one_file(registry, [server.url("/live"), URL], tools)
    fetch("one", tmp_path / "res", mirrored(tmp_path), config=config)
    assert server.requests == []


def test_wrong_mirror_file(
    server: Any, registry: Registry, tmp_path: Path, tools: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mirror = mirrored(tmp_path, b"rotten")
    bad = str(mirror / "127.0.0.1:9/owner/repo/a b.bin")
    with pytest.raises(ChecksumError) as caught:
        fetch(
            "one",
            tmp_path / "res",
            mirror,
            config=one_file(registry, [URL], tools),
            policy=tools.quick,
        )
    assert f"one/a.bin: wrong content from mirror {bad}: expected" in str(caught.value)

    server.pages["/live"] = DATA
    config = one_file(registry, [URL, server.url("/live")], tools)
    with caplog.at_level(logging.WARNING, "sisr"):
        fetch("one", tmp_path / "res", mirror, config=config, policy=tools.quick)
    assert bad in caplog.text


def test_mirror_that_is_not_there(registry: Registry, tmp_path: Path, tools: Any) -> None:
    with pytest.raises(ConfigError, match="is not a folder"):
        fetch("one", tmp_path, tmp_path / "none", config=one_file(registry, [URL], tools))


def test_verified_files_are_kept(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages |= {"/up/a": b"aa", "/up/b": b"bb"}
    files = [{"name": name, "sha256": tools.sha256(name.encode() * 2)} for name in "ab"]
    config = registry(two={"base": [server.url("/none/"), server.url("/up/")], "files": files})
    first = fetch("two", tmp_path, config=config)
    record = tmp_path / "assets/two.json"
    before = record.read_bytes(), record.stat().st_mtime_ns, first.path("a").stat().st_mtime_ns
    server.requests.clear()

    again = fetch("two", tmp_path, config=config)
    assert server.requests == []
    assert again == first  # with the addresses the files really came from
    assert (record.read_bytes(), record.stat().st_mtime_ns, again.path("a").stat().st_mtime_ns) == before

    first.path("b").write_bytes(b"damaged")
    fetch("two", tmp_path, config=config)
    assert server.requests == ["/none/b", "/up/b"]
    assert first.path("b").read_bytes() == b"bb"


def test_partial_files_are_never_trusted(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/a"] = DATA
    part = tmp_path / "assets/one/.a.bin.77-dead.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA[:10])
    fetch("one", tmp_path, config=one_file(registry, [server.url("/a")], tools))
    assert files_below(tmp_path / "assets") == ["one.json", "one/a.bin"]


def test_damaged_file_and_no_source(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    """Neither the damaged file nor a manifest that vouches for it may stay."""
    server.pages["/a"] = DATA
    config = one_file(registry, [server.url("/a")], tools)
    fetch("one", tmp_path, config=config).path("a.bin").write_bytes(b"damaged")
    server.pages.clear()
    with pytest.raises(AssetError):
        fetch("one", tmp_path, config=config)
    assert files_below(tmp_path / "assets") == []


def test_unavailable(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    config = one_file(registry, [server.url("/a")], tools)
    manifest = fetch_or_unavailable("one", tmp_path, config=config)
    assert (manifest.status, dict(manifest.files)) == ("unavailable", {})
    assert manifest.reason == "a.bin could not be fetched (127.0.0.1: HTTP 404)"
    assert FetchedAsset.read(tmp_path / "assets/one.json") == manifest
    with pytest.raises(AssetError, match=r"unavailable.*HTTP 404"):
        manifest.path("a.bin")
    with pytest.raises(AssetError, match="unavailable"):
        verify(manifest)

    server.pages["/a"] = b"wrong"
    with pytest.raises(ChecksumError):
        fetch_or_unavailable("one", tmp_path, config=config)
    server.pages["/a"] = DATA
    assert fetch_or_unavailable("one", tmp_path, config=config).status == "ok"


def test_unwritable_resources(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/a"] = DATA
    (tmp_path / "res").write_bytes(b"a file, not a folder")
    with pytest.raises(SisrError, match="cannot write") as caught:
        fetch_or_unavailable("one", tmp_path / "res", config=one_file(registry, [server.url("/a")], tools))
    assert not isinstance(caught.value, AssetError)


def test_full_disk_is_not_unavailable(
    server: Any, registry: Registry, tmp_path: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self.suffix == ".part" and "w" in mode:
            raise OSError(28, "No space left on device")
        return real(self, mode, *args, **kwargs)

    real = Path.open
    monkeypatch.setattr(Path, "open", full)
    server.pages["/a"] = DATA
    config = one_file(registry, [server.url("/a")], tools)
    with pytest.raises(SisrError, match="No space left on device") as caught:
        fetch_or_unavailable("one", tmp_path / "res", config=config)
    assert not isinstance(caught.value, AssetError)


def test_verify(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    server.pages["/a"] = DATA
    manifest = fetch("one", tmp_path, config=one_file(registry, [server.url("/a")], tools))
    verify(manifest)
    manifest.path("a.bin").write_bytes(DATA + b"!")
    with pytest.raises(ChecksumError, match="changed since"):
        verify(manifest)
    manifest.path("a.bin").unlink()
    with pytest.raises(AssetError, match="fetch asset 'one' again"):
        verify(manifest)
    with pytest.raises(AssetError, match=r"did you mean 'a\.bin'"):
        manifest.path("a.bim")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"asset": "a", "status": "fine", "reason": "", "files": {}}']
)
def test_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(AssetError, match=r"a\.json: not the record of a fetched asset"):
        FetchedAsset.read(tmp_path / "a.json")
    with pytest.raises(AssetError, match="cannot read"):
        FetchedAsset.read(tmp_path / "b.json")


def test_unknown_asset(registry: Registry, tmp_path: Path, tools: Any) -> None:
    with pytest.raises(ConfigError, match="unknown asset 'onne'; did you mean 'one'"):
        fetch("onne", tmp_path, config=one_file(registry, [URL], tools))


FETCH = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sisr.data.assets import fetch
print(fetch("bundle", Path(sys.argv[2]), config=Path(sys.argv[3])).status)
"""


def start(resources: Path, config: Path) -> subprocess.Popen[str]:
    scripts = str(sisr_registry.ROOT / "scripts")
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, scripts, str(resources), str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def slow_bundle(server: Any, registry: Registry, tools: Any, pause: float) -> Path:
    def page(body: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[:100])
            handler.wfile.flush()
            time.sleep(pause)
            with suppress(OSError):  # the client was killed
                handler.wfile.write(body[100:])

        return answer

    bodies = {f"{i}.png": bytes([i]) * 5000 for i in range(4)}
    server.pages.update({f"/{name}": page(body) for name, body in bodies.items()})
    files = [{"name": name, "sha256": tools.sha256(body)} for name, body in bodies.items()]
    return registry(bundle={"base": [server.url("/")], "files": files})


def test_two_processes_fetch_once(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    config = slow_bundle(server, registry, tools, pause=0.2)
    jobs = [start(tmp_path / "res", config) for _ in range(2)]
    for job in jobs:
        out, err = job.communicate(timeout=30)
        assert out == "ok\n", err
    assert sorted(server.requests) == ["/0.png", "/1.png", "/2.png", "/3.png"]


def test_kill_leaves_nothing_unverified(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    config = slow_bundle(server, registry, tools, pause=5)
    job = start(tmp_path / "res", config)
    home = tmp_path / "res/assets/bundle"
    deadline = time.monotonic() + 20
    while len(list(home.glob(".*.part"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    job.kill()
    job.communicate()
    left = files_below(home)
    assert len(left) == 4
    assert all(name.endswith(".part") for name in left)
    assert not (tmp_path / "res/assets/bundle.json").exists()

    slow_bundle(server, registry, tools, pause=0)
    manifest = fetch("bundle", tmp_path / "res", config=config)
    verify(manifest)
    assert files_below(home) == ["0.png", "1.png", "2.png", "3.png"]
    assert json.loads((tmp_path / "res/assets/bundle.json").read_text())["status"] == "ok"


def test_a_trickle_is_given_up(server: Any, registry: Registry, tmp_path: Path, tools: Any) -> None:
    """A byte in time, for ever, of a file whose size nobody states."""

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(b"x")
                time.sleep(0.05)

    server.pages["/a"] = trickle
    config = one_file(registry, [server.url("/a")], tools)
    with pytest.raises(AssetError, match=r"too slow: less than 64 KiB in 0\.3 s"):
        fetch("one", tmp_path, config=config, policy=replace(tools.quick, block=0.3))
    assert files_below(tmp_path / "assets") == []


def test_a_body_of_no_stated_size_has_a_bound(
    server: Any, registry: Registry, tmp_path: Path, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_LARGEST", len(DATA) - 1)
    server.pages["/a"] = DATA
    with pytest.raises(AssetError, match=f"more than {len(DATA) - 1} bytes; state its 'bytes'"):
        fetch("one", tmp_path, config=one_file(registry, [server.url("/a")], tools), policy=tools.quick)
