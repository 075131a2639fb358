"""A few hostile inputs over all entry points, and what the suite itself would find."""

from __future__ import annotations

import faulthandler
import mmap
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import warm
from warm import Case, outcome_of


def fuzzed(count: int, seed: int, keep: Path, *kinds: str) -> str:
    """The table of so many inputs; in a process of its own, which is changed."""
    program = Path(__file__).with_name("fuzzing.py")
    chosen = [text for kind in kinds for text in ("--kind", kind)]
    done = subprocess.run(
        [sys.executable, program, "--count", str(count), "--seed", str(seed), "--keep", keep, *chosen],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_few_inputs(tmp_path: Path) -> None:
    """Of kinds that import no network."""
    found = fuzzed(20, 0, tmp_path, "names", "archives and assets")
    assert re.search(r"^\| all \| 20 \| \d+ \| \d+ \| 0 \| 0 \| 0 \| 0 \| 0 \| 0 \|$", found, re.MULTILINE)


@pytest.mark.release
def test_many_inputs_of_each_kind(tmp_path: Path) -> None:
    assert "\n| all | 2002 |" in fuzzed(2000, int(time.time()), tmp_path)


def _prints(text: str, status: int) -> Callable[[Sequence[str]], None]:
    def call(_argv: Sequence[str]) -> None:
        print(text, file=sys.stderr)
        raise SystemExit(status)

    return call


def _raises(_argv: Sequence[str]) -> None:
    raise KeyError("a fault")


def _takes(_argv: Sequence[str]) -> None:
    # Not by malloc, which gives what this process had before and keeps.
    memory = mmap.mmap(-1, 600 << 20, flags=mmap.MAP_PRIVATE)
    memory[::4096] = b"x" * 153600


def _crashes(argv: Sequence[str]) -> None:
    faulthandler.disable()  # pytest's would print stacks
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        (lambda argv: print("done"), "right"),
        (_prints("error: a.png: no image", 1), "refused"),
        (_raises, "traceback"),
        (lambda argv: Path("../escaped").touch(), "silent"),
        (lambda argv: None, "silent"),
        (_prints("a.png: no image", 1), "unclear"),
        (_prints("error: one\nerror: two", 1), "unclear"),
        (_prints("error: \x1b[31m", 1), "unclear"),
        (_prints("UserWarning: a library\nerror: a.png", 1), "unclear"),
        (lambda argv: time.sleep(60), "hang"),
        (_crashes, "crash"),
        (_takes, "memory"),
    ],
)
def test_what_becomes_of_an_input(
    call: Callable[[Sequence[str]], None], outcome: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if outcome == "hang":
        monkeypatch.setattr(warm, "LIMIT", 0.5)
    monkeypatch.setattr(warm, "MEMORY", 400 << 20)
    work = tmp_path / "case/work"
    work.mkdir(parents=True)
    here = Path.cwd()
    case = Case("", [], lambda _: None, lambda _, said: "" if said else "nothing was said", call)
    assert outcome_of(case, work)[0] == outcome
    assert Path.cwd() == here
