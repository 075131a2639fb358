"""What a run reads and what it leaves: configurations, registries, crates, provenance, manifests, scores."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import test_reproduction
import yaml
from hypothesis import strategies as st
from sisr.base import registry
from sisr.base.digest import file_digest
from sisr.base.errors import ReproductionError, SisrError
from sisr.base.manifest import HrImage, HrManifest
from spoiling import as_json, as_yaml, bytes_of, document_of
from warm import Case, app

SUITES = {
    "one": {
        "datasets": ["set5"],
        "kernels": ["matlab-bicubic"],
        "scales": [2, 4],
        "models": ["bicubic", "span"],
    }
}


def plan_of(config: Mapping[str, Any] | None = None) -> Callable[[Sequence[str]], None]:
    """What the workflow does with its configuration: ``config.yaml`` of the folder, or the one that is given,
    and the values of ``--config``.
    """

    def plan(values: Sequence[str]) -> None:
        from sisr.run.config import read
        from snakemake.cli import parse_config

        try:
            document = config if config is not None else registry.read_yaml(Path("config.yaml"))
            try:
                given = parse_config(list(values))
            except ValueError as error:  # Snakemake's own, of what is no NAME=VALUE
                raise SisrError(str(error).splitlines()[0]) from None
            run = read({**document, **given} if isinstance(document, dict) else document)
            if run.user_images:
                run.user_images.require()
        except SisrError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        print(run.summary)

    return plan


@cache
def configurations() -> list[dict[str, Any]]:
    documents = [
        registry.read_yaml(registry.CONFIG / f"{name}.yaml") for name in ("demo", "config", "efficient")
    ]
    return [json.loads(json.dumps(document)) for document in documents]


VALUES = st.one_of(
    st.sampled_from(
        [
            "suite=papers",
            "scales=2,4",
            "scales=x4",
            "scales=-1",
            "scales=",
            "scales=2:4",
            "datasets=set5",
            "datasets=sett5",
            "models=span+",
            "models=bicubic,bicubic",
            "kernels=[matlab-bicubic]",
            "metrics=psnr@rgb",
            "metrics=psnr",
            "metrics=@",
            "name=a/b",
            "name=..",
            "name=",
            "name=1",
            "name=1e3",
            "seed=-1",
            "seed=1.5",
            "seed=nan",
            "device=gpu",
            "extras=all",
            "extras=none",
            "extras=x",
            "registries=none.yaml",
            "user_images=nowhere",
            "user_images={}",
            "baselines=all",
            "baselines=x",
            "inference=x",
            "crops=1",
            "cost={}",
            "nothing=1",
            "=",
            "a",
            "mirror=http://[::1/x",
            "seed=9999999999999999999999999999999",
        ]
    ),
    st.sampled_from(
        ["inference={tile: 5}", "datasets={a: 1}", "scales=[2, [4]]", "pools={a: b}", "site={quality: 1000}"]
    ),
    st.builds(
        "{}={}".format,
        st.sampled_from(["name", "scales", "datasets", "metrics", "seed"]),
        st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12),
    ),
)


@st.composite
def configs(draw: st.DrawFn) -> Case:
    """A configuration with a place or two changed, or spoilt as text; and values of ``--config``."""
    document = draw(st.sampled_from(configurations()))
    values: list[str] = []
    how = "values"
    if draw(st.integers(0, 3)):
        changed = draw(document_of(document))
        content = as_yaml(changed)
        how = "changed"
        if draw(st.integers(0, 3)) == 0:
            how, content = draw(bytes_of(content))
    else:
        changed, content = document, as_yaml(document)
        values = draw(st.lists(VALUES, min_size=1, max_size=3))

    def judge(work: Path, said: str) -> str:
        if "cell" not in said:
            return "no cells are named"
        keys = registry.schema("config")["properties"]
        if how == "changed" and (unknown := [key for key in changed if key not in keys]):
            return f"unknown keys {unknown} were taken"
        return ""

    return Case(
        f"config {how} {values} {content[-300:]!r}", values, writing("config.yaml", content), judge, plan_of()
    )


def writing(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda work: work.joinpath(name).write_bytes(content) and None


#: An entry of each registry, as a user's own would be.
ENTRIES: dict[str, dict[str, Any]] = {
    name: {f"own-{key}": registry.load(name)[key]}
    for name, key in (
        ("assets", "set5"), ("datasets", "set5"), ("kernels", "matlab-bicubic"), ("metrics", "psnr"),
        ("models", "span"), ("protocols", "y-bt601"),
    )
}  # fmt: skip


@st.composite
def registries(draw: st.DrawFn) -> Case:
    """A user's registry, changed or spoilt, in a file of its own or in one with sections."""
    name = draw(st.sampled_from(sorted(ENTRIES)))
    entries = json.loads(json.dumps(ENTRIES[name]))
    changed = draw(document_of(entries, 3))
    sections = draw(st.booleans())
    how, content = draw(
        bytes_of(
            as_yaml({name: changed} if sections else changed), ("whole", "whole", "whole", "cut", "flip")
        )
    )
    command = draw(st.sampled_from(["list", "plan", "use"]))
    key = next(iter(ENTRIES[name]))
    place = "own.yaml" if sections else f"own/{name}.yaml"

    def build(work: Path) -> None:
        (work / "own").mkdir()
        (work / place).write_bytes(content)
        (work / "in").mkdir()
        (work / "in/one.png").write_bytes(test_good())

    def call(argv: Sequence[str]) -> None:
        try:
            registry.use([place.split("/", maxsplit=1)[0]])
        except SisrError as error:
            print(f"error: {error}", file=sys.stderr)
            raise SystemExit(1) from None
        if command == "plan":
            axis = {"datasets": "datasets", "kernels": "kernels", "models": "models"}.get(name)
            suites = {"one": {**SUITES["one"], **({axis: [key]} if axis else {})}}
            plan_of({"name": "a", "suites": suites, "metrics": ["psnr@y-bt601"]})(())
        else:
            app(argv)

    used = {
        "kernels": ["degrade", "-k", key, "-s", "2", "in", "out"],
        "metrics": ["score", "in", "in2", "-s", "2", "--lpips", "none", "--measure", f"{key}@rgb"],
        "protocols": ["score", "in", "in2", "-s", "2", "--lpips", "none", "--protocol", key],
        "models": ["upscale", "-m", key, "-s", "4", "in", "out", "--resources", "res", "--device", "cpu"],
        "assets": ["fetch", key, "--resources", "res"],
        "datasets": ["list", "datasets"],
    }
    argv = ["list", name] if command == "list" else used[name]

    def judge(work: Path, said: str) -> str:
        if command == "list" and how == "whole" and isinstance(changed, dict):
            missing = [str(one) for one in changed if f"{one}" not in said]
            return f"{missing} are not listed" if missing else ""
        return "" if said.strip() else "nothing was said"

    return Case(f"{command} {name} {how} {content!r}", argv, build, judge, call)


def test_good() -> bytes:
    import fuzz_images

    return fuzz_images.good()


test_good.__test__ = False  # type: ignore[attr-defined]


@cache
def run_folder() -> Path:
    """A finished run with its crate."""
    folder = test_reproduction.write_results(
        Path(tempfile.mkdtemp(prefix="sisr-fuzz-run-")) / "results/small"
    )
    names = ("scores.csv", "status.csv", "timings.csv", "provenance.json", "config.yaml")
    image = HrImage(name="baby", file="set5/baby.png", height=8, width=8, channels=3, sha256="1" * 64)
    (folder / "hr").mkdir()
    HrManifest(path=folder / "hr/set5.json", dataset="set5", images=[image]).write()
    asset = folder.parents[1] / "resources/assets/set5.json"
    test_reproduction.write_crate(folder, [folder / name for name in names], [asset])
    shutil.rmtree(folder / "code", ignore_errors=True)
    return folder


SPOILT = (
    "ro-crate-metadata.json",
    "provenance.json",
    "config.yaml",
    "scores.csv",
    "status.csv",
    "hr/set5.json",
    "sha256sums.txt",
)
COMMANDS = {
    "verify": ["verify", "run"],
    "summary": ["summary", "run"],
    "compare": ["compare", "run", "other", "--out", "page.html"],
    "reproduce": ["reproduce", "run", "--out", "again", "--cores", "1"],
}


@st.composite
def crates(draw: st.DrawFn) -> Case:
    """A finished run of which a file is changed, spoilt, missing or something else."""
    here = [name for name in SPOILT if (run_folder() / name).is_file()]
    name = draw(st.sampled_from(here))
    before = (run_folder() / name).read_bytes()
    if draw(st.booleans()) and not name.endswith((".csv", ".txt")):
        document = yaml.safe_load(before) if name.endswith("yaml") else json.loads(before)
        changed = draw(document_of(document, 3))
        how = "changed"
        try:
            content = as_yaml(changed) if name.endswith("yaml") else as_json(changed)
        except (ValueError, yaml.YAMLError):
            content = b"{"
    elif name.endswith(".csv") and draw(st.booleans()):
        text = before.decode()
        cells = draw(st.sampled_from(text.replace("\n", ",").split(",")[:-1]))
        odd = draw(
            st.sampled_from(
                ["", "nan", "inf", "-1", "x", '"', "1e999", "2.5", "é", "\0", "a,b", "\n", "=1+1", "../.."]
            )
        )
        how, content = (
            f"{cells} -> {odd!r}",
            text.replace(cells, odd, draw(st.sampled_from([1, -1]))).encode(),
        )
    else:
        how, content = draw(bytes_of(before))
    known = draw(st.booleans())  # whether the checksums that the run keeps are made again
    command = draw(st.sampled_from(sorted(COMMANDS)))

    def build(work: Path) -> None:
        for place in ("run", "other"):
            shutil.copytree(run_folder(), work / place)
        (work / "run" / name).write_bytes(content)
        for told in ("ro-crate-metadata.json", "sha256sums.txt", "sha256sums"):
            path = work / "run" / told
            if known and path.is_file() and told != name:
                digests = (file_digest(run_folder() / name), file_digest(work / "run" / name))
                path.write_text(path.read_text().replace(*digests))

    def judge(work: Path, said: str) -> str:
        if command == "verify" and content != before and not known and name in stated(run_folder()):
            return f"{name} {how}: not told"
        if command == "compare" and not (work / "page.html").is_file():
            return "no page"
        return "" if said.strip() else "nothing was said"

    return Case(f"{command} {name} {how} {known} {content[:300]!r}", COMMANDS[command], build, judge)


def stated(folder: Path) -> set[str]:
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    return {one["@id"] for one in graph if "sha256" in one}


def without_running(*_arguments: object, **_options: object) -> Path:
    """In place of what runs a crate again."""
    raise ReproductionError("the crate was read, and is not run here")
