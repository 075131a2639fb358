"""Image files of every kind, whole and spoilt; folders with things that are no images; names of files."""

from __future__ import annotations

import csv
import os
import socket
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import cv2
import fuzz_runs
import numpy as np
import test_kinds
from hypothesis import strategies as st
from sisr.base.image_files import SUFFIXES
from spoiling import CUTTING, NAMES, bytes_of
from warm import Case

GOOD = np.random.default_rng(5).integers(0, 256, (14, 22, 3), dtype=np.uint8)


@cache
def good(height: int = 14) -> bytes:
    return cv2.imencode(".png", GOOD[:height])[1].tobytes()


@cache
def kinds() -> list[Callable[[], test_kinds.Kind]]:
    """The kinds that the walk over image files has."""
    walks = (
        *(test_kinds.pngs, test_kinds.bmps, test_kinds.pnms, test_kinds.by_opencv),
        *(test_kinds.palettes_and_ycbcr, test_kinds.tiffs_that_are_refused),
    )
    ready = [kind for walk in walks for kind in walk()]
    return [*(partial(_as_it_is, kind) for kind in ready), *list(test_kinds.tiffs_by_hand())[::5]]


def _as_it_is(kind: test_kinds.Kind) -> test_kinds.Kind:
    return kind


@cache
def kind_of(number: int) -> test_kinds.Kind:
    """The same one each time."""
    test_kinds.RNG = np.random.default_rng(number)
    return kinds()[number]()


_ENDINGS = {b"\x89PNG": "png", b"BM": "bmp", b"RIFF": "webp", b"GIF8": "gif", b"\xff\xd8": "jpg", b"P": "ppm"}


def ending_of(content: bytes) -> str:
    return next((ending for head, ending in _ENDINGS.items() if content.startswith(head)), "tif")


@st.composite
def image_files(draw: st.DrawFn) -> Case:
    """One image: through ``upscale``, ``degrade`` or ``score``, beside a good one."""
    kind = kind_of(draw(st.integers(0, len(kinds()) - 1)))
    how, content = draw(bytes_of(kind.content))
    ending = draw(st.one_of(st.just(ending_of(kind.content)), st.sampled_from(sorted(SUFFIXES))))
    name = f"one.{ending.removeprefix('.')}"
    command = draw(st.sampled_from(["upscale", "degrade", "score"]))
    # A checksum finds what was changed; of other formats another pixel is another image.
    certain = how in CUTTING or ending_of(kind.content) == "png"
    expected = kind.expected if certain else None

    def build(work: Path) -> None:
        (work / "in").mkdir()
        (work / "in" / name).write_bytes(content)
        (work / "in/two.png").write_bytes(good())
        (work / "other").mkdir()
        if not isinstance(kind.expected, str):
            cv2.imwrite(
                str(work / "other/one.png"),
                kind.expected[..., ::-1] if kind.expected.ndim == 3 else kind.expected,
            )
        (work / "other/two.png").write_bytes(good())

    def judge(work: Path, said: str) -> str:
        if isinstance(expected, str):
            return f"{how}: read, expected: {expected}"
        if command == "score":
            return scored(work)
        if sorted(path.name for path in (work / "out").iterdir()) != ["one.png", "two.png"]:
            return "images are missing"
        image = cv2.imread(str(work / "out/one.png"), cv2.IMREAD_UNCHANGED)
        if image is None:
            return "what was written is no image"
        return f"{how}: {off}" if command == "upscale" and (off := difference(image[::2, ::2])) else ""

    def scored(work: Path) -> str:
        with (work / "out.csv").open(encoding="utf-8", newline="") as stream:
            found = {(row["image"], row["metric"]): row["value"] for row in csv.DictReader(stream)}
        if {image for image, _ in found} != {"one", "two"}:
            return f"images {found}"
        known = expected is not None and kind.tolerance == 0
        return f"{how}: PSNR {found['one', 'psnr']}" if known and found["one", "psnr"] != "inf" else ""

    def difference(image: np.ndarray) -> str:
        if expected is None:
            return ""
        image = image[..., ::-1] if image.ndim == 3 else image
        if image.shape != expected.shape:
            return f"{image.shape} for {expected.shape}"
        off = int(np.abs(image.astype(int) - expected).max())
        return f"off by {off}" if off > kind.tolerance else ""

    argv = {
        "upscale": ["upscale", "-m", "nearest", "-s", "2", "in", "out", "--device", "cpu"],
        "degrade": ["degrade", "-k", "matlab-bicubic", "-s", "2", "in", "out"],
        "score": ["score", "-s", "1", "in", "other", "-o", "out.csv", "--lpips", "none", "--protocol", "rgb"],
    }[command]
    return Case(f"{command} {kind.label} {how} {name}", argv, build, judge)


#: What may lie in a folder -> whether it may be left out in silence.
THINGS: dict[str, tuple[Callable[[Path], None], bool]] = {
    "text.txt": (lambda path: path.write_text("text") and None, True),
    ".hidden.png": (lambda path: path.write_bytes(b"") and None, True),
    "Thumbs.db": (lambda path: path.write_bytes(b"\0" * 99) and None, True),
    "noending": (lambda path: path.write_bytes(good()) and None, True),
    "folder": (Path.mkdir, True),
    "folder.png": (Path.mkdir, False),
    "pipe.png": (os.mkfifo, False),
    "zero.png": (lambda path: path.symlink_to("/dev/zero"), False),
    "null.tif": (lambda path: path.symlink_to("/dev/null"), False),
    "broken.png": (lambda path: path.symlink_to("nowhere"), False),
    "loop.png": (lambda path: path.symlink_to(path.name), False),
    "parent.png": (lambda path: path.symlink_to(".."), False),
    "socket.png": (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), False),
    "empty.png": (lambda path: path.write_bytes(b"") and None, False),
    "text.png": (lambda path: path.write_text("text") and None, False),
    "photo.heic": (lambda path: path.write_bytes(b"\0\0\0\x1cftypheic") and None, False),
    "deep.exr": (lambda path: path.write_bytes(b"v/1\x01") and None, False),
    "raw.NEF": (lambda path: path.write_bytes(b"II") and None, False),
    "pipe.txt": (os.mkfifo, True),
}


@st.composite
def folders(draw: st.DrawFn) -> Case:
    """Good images beside whatever a folder may have."""
    things = draw(st.lists(st.sampled_from(sorted(THINGS)), max_size=3, unique=True))
    images = draw(
        st.lists(
            st.sampled_from(["a.png", "b.png", "B.png", "c.PNG", "d.jpe", "a.tif"]), max_size=4, unique=True
        )
    )
    command = draw(st.sampled_from(["upscale", "degrade", "score", "plan", "bench", "audit"]))

    def build(work: Path) -> None:
        for folder in ("in", "other"):
            (work / folder).mkdir()
            for image in images:
                ending = ".jpg" if image.endswith("jpe") else Path(image).suffix.lower()
                (work / folder / image).write_bytes(cv2.imencode(ending, GOOD)[1].tobytes())
        here = Path.cwd()
        os.chdir(work / "in")  # the path of a socket has few characters
        try:
            for thing in things:
                THINGS[thing][0](Path(thing))
        finally:
            os.chdir(here)

    def judge(work: Path, said: str) -> str:
        read_later = ("empty.png", "text.png") if command == "plan" else ()
        if named := [thing for thing in things if not THINGS[thing][1] and thing not in read_later]:
            return f"nothing is said of {', '.join(named)}"
        if command in ("upscale", "degrade"):
            wanted = sorted(f"{Path(image).stem}.png" for image in images)
            found = sorted(path.name for path in (work / "out").iterdir())
            return f"{found} for {wanted}" if found != wanted else ""
        return "" if images else "nothing is said of an empty folder"

    argv = {
        "upscale": ["upscale", "-m", "nearest", "-s", "2", "in", "out", "--device", "cpu"],
        "degrade": ["degrade", "-k", "matlab-bicubic", "-s", "2", "in", "out"],
        "score": ["score", "-s", "1", "in", "other", "-o", "out.csv", "--lpips", "none"],
        "audit": ["audit", "pair", "in", "other", "-s", "2"],
        "bench": ["bench", "in", "--dataset", "set5", "-s", "4"],
        "plan": ["user_images=in"],
    }[command]
    call = (
        fuzz_runs.plan_of({"name": "a", "suites": fuzz_runs.SUITES, "metrics": ["psnr@rgb"]})
        if command == "plan"
        else None
    )
    return Case(f"{command} {images} {things}", argv, build, judge, call)


@st.composite
def names(draw: st.DrawFn) -> Case:
    """Good and bad images under names of every kind, and folders of such names."""
    stems = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    folder, out = draw(st.one_of(st.just("in"), NAMES)), draw(st.one_of(st.just("out"), NAMES))
    if folder == out:
        out = f"{out}2"
    bad = draw(st.integers(0, 3)) == 0
    command = draw(st.sampled_from(["upscale", "degrade", "score"]))
    arguments: Sequence[str] = [f"./{folder}", f"./{out}"] if draw(st.booleans()) else ["--", folder, out]

    def build(work: Path) -> None:
        for place in (folder, *([out] if command == "score" else [])):
            (work / place).mkdir()
            for stem in stems:
                (work / place / f"{stem}.png").write_bytes(b"bad" if bad else good())

    def judge(work: Path, said: str) -> str:
        if bad:
            return "what is no image was read"
        if command == "score":
            with (work / "o.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
                rows = [row["image"] for row in csv.DictReader(stream)]
            found = sorted(dict.fromkeys(rows))
            marked = any(test in stem.upper() for stem in stems for test in ("HR", "GT"))
            return "" if marked or found == sorted(stems) else f"{found} for {sorted(stems)}"
        wanted = sorted(f"{stem}.png" for stem in stems)
        made = sorted(path.name for path in (work / out).iterdir())
        marked = any(test in stem.upper() for stem in stems for test in ("HR", "GT"))
        return "" if marked or made == wanted else f"{made} for {wanted}"

    argv = {
        "upscale": ["upscale", "-m", "nearest", "-s", "2", "--device", "cpu", *arguments],
        "degrade": ["degrade", "-k", "matlab-bicubic", "-s", "2", *arguments],
        "score": ["score", "-s", "1", "-o", "o.csv", "--lpips", "none", *arguments],
    }[command]
    return Case(f"{command} {stems!a} {folder!a} {out!a}", argv, build, judge)
