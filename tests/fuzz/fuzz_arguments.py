"""Arguments of every command of ``sisr``, drawn from what its parser says that they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fuzz_images
import typer
from hypothesis import strategies as st
from sisr.cli import app
from warm import Case

#: Values for any argument or option: what some command takes, and what none does.
VALUES = st.one_of(
    st.sampled_from(
        [
            "in",
            "in",
            "sr",
            "sr",
            "out",
            "in/one.png",
            "file.txt",
            "file.csv",
            "nowhere",
            "/dev/null",
            "/dev/zero",
            "/",
            ".",
            "..",
            "../x",
            "a/b",
            "-",
            "--",
            "--help",
            "*",
            "~",
            "~nobody",
            "-1",
            "0",
            "1",
            "2",
            "2",
            "4",
            "8",
            "16",
            "17",
            "99999999999999999999",
            "1.5",
            "nan",
            "x",
            "é",
            "{x}",
            "%s",
            "http://[::1/x",
            "@",
            "a=b",
            "=",
            "width=[",
            "bicubic",
            "nearest",
            "nearest+",
            "span",
            "espcn",
            "bicubik",
            "matlab-bicubic",
            "matlab-box",
            "noise",
            "psnr@rgb",
            "psnr",
            "y-bt601",
            "rgb",
            "niqe@y-bt601-uint8",
            "set5",
            "kernels",
            "models",
            "self-ensemble",
            "chain",
            "back-projection",
            "cpu",
            "cuda",
            "cuda:9",
            "gpu",
            "fp32",
            "bf16",
            "file.py:Class",
            "file.txt:X",
            "os:path",
        ]
    ),
    st.sampled_from(["", " ", "a\nb", "\x1b[31m", "\udcff"]),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8),
)
#: What serves until it is stopped, and options that would take minutes: numbers of processes, all there is.
_LEFT_OUT = {"serve": set(), "certify": {"--heavy"}, "fetch": {"--all"}}


def commands() -> dict[tuple[str, ...], Any]:
    group: Any = typer.main.get_command(app)
    found: dict[tuple[str, ...], Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= {(name, sub): one for sub, one in inner.items()} if inner else {(name,): command}
    return found


COMMANDS = commands()


@st.composite
def arguments(draw: st.DrawFn) -> Case:
    """A command with some of its options and arguments, most of them as they are meant, others not."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    argv = list(name)
    for one in COMMANDS[name].params:
        wanted = one.required or draw(st.integers(0, 4)) == 0
        if draw(st.integers(0, 12)) == 0:
            wanted = not wanted
        option = next((text for text in one.opts if text.startswith("--")), "")
        if not wanted or option in {"--help", "--resources", *_LEFT_OUT.get(name[0], ())}:
            continue
        if option:
            argv.append(draw(st.sampled_from([*one.opts, *one.secondary_opts])))
            if getattr(one, "is_flag", False):
                continue
        fitting = list(getattr(one.type_descriptor.annotation, "__members__", {}).values())
        for _ in range(max(1, one.nargs)):
            if one.name in ("hr", "source"):
                argv.append(draw(st.one_of(st.just("in"), VALUES)))
            elif one.name in ("sr", "other", "target"):
                argv.append(draw(st.one_of(st.just("sr" if one.name != "target" else "out"), VALUES)))
            elif one.name == "scale":
                argv.append(draw(st.one_of(st.just("2"), VALUES)))
            else:
                argv.append(
                    draw(
                        st.one_of(st.sampled_from([one.value for one in fitting]), VALUES)
                        if fitting
                        else VALUES
                    )
                )
    if draw(st.integers(0, 9)) == 0:
        argv.insert(draw(st.integers(0, len(argv))), draw(VALUES))
    if name[0] in ("degrade", "upscale", "score", "bench", "export", "time"):
        # Where one of these is at the end of all options, nothing is downloaded.
        argv += [] if name[0] == "degrade" else ["--mirror", "in"]
    argv += (
        ["--resources", "res"]
        if name[0] in ("upscale", "score", "fetch", "train", "certify", "reproduce", "export", "time")
        else []
    )
    # As little as it can be, and not into the project.
    argv += ["--budget", "1", "--out", "receipts"] if name[0] == "time" else []

    def build(work: Path) -> None:
        for folder in ("in", "sr"):
            (work / folder).mkdir()
            (work / folder / "one.png").write_bytes(fuzz_images.good())
        (work / "file.txt").write_text("text")
        (work / "file.csv").write_text("a,b\n1,2\n")
        (work / "file.py").write_text("import torch\nclass Class(torch.nn.Module):\n    pass\n")

    def judge(work: Path, said: str) -> str:
        if (work / "file.txt").read_text() != "text" and "--force" not in argv:
            return "file.txt was overwritten"
        for folder in ("in", "sr"):
            if (work / folder / "one.png").read_bytes() != fuzz_images.good():
                return f"{folder}/one.png was overwritten"
        return "" if said.strip() else "nothing was said"

    return Case(f"{argv!a}", argv, build, judge)
