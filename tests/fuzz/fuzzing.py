"""Hostile inputs over all entry points: ``make fuzz``, see docs/testing.md."""

from __future__ import annotations

import hashlib
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
# The generators of these tests make the inputs here too.
for place in ("base/images", "upscaling/foreign", "trust/provenance"):
    sys.path.append(str(TESTS / "unit" / place))
sys.path.insert(0, str(TESTS.parent / "scripts"))
sys.path.append(str(HERE))

import fuzz_images  # noqa: E402
import fuzz_runs  # noqa: E402
import test_kinds  # noqa: E402
from hypothesis import HealthCheck, Phase, given, reject, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from sisr.base.errors import ModelError  # noqa: E402
from warm import OUTCOMES, Case, app, outcome_of, warm_up  # noqa: E402

# Images that SSIM has a window for.
test_kinds.HEIGHT = 13

#: Kinds of inputs, and where they are drawn; those with networks import much.
KINDS = {
    "image files": "fuzz_images:image_files",
    "folders": "fuzz_images:folders",
    "names": "fuzz_images:names",
    "files of networks": "fuzz_networks:networks",
    "state dicts": "fuzz_networks:states",
    "graphs": "fuzz_networks:graphs",
    "configurations": "fuzz_runs:configs",
    "registries": "fuzz_runs:registries",
    "archives and assets": "fuzz_assets:assets",
    "crates and scores": "fuzz_runs:crates",
    "arguments": "fuzz_arguments:arguments",
}


def inputs_of(kind: str) -> st.SearchStrategy[Case]:
    module, _, function = KINDS[kind].partition(":")
    strategy: st.SearchStrategy[Case] = getattr(importlib.import_module(module), function)()
    return strategy


def table(found: Mapping[str, Counter[str]]) -> str:
    """What became of the inputs of each kind, as in docs/testing.md."""
    rows = [["kind", "inputs", *OUTCOMES]]
    for kind, counts in (*found.items(), ("all", sum(found.values(), Counter[str]()))):
        rows.append([kind, str(counts.total()), *(str(counts[outcome]) for outcome in OUTCOMES)])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|:--" + "|--:" * (len(rows[0]) - 1) + "|", *lines[1:]])


def start(kinds: Iterable[str]) -> None:
    """Warm this process up, with an input of each command that comes far."""
    from sisr.data.assets import fetching
    from sisr.data.assets.download import Policy
    from sisr.trust.reproduction import rerun

    rerun.rerun = fuzz_runs.without_running
    fetching.Policy = lambda: Policy(attempts=1, connect=2.0, read=2.0)  # type: ignore[assignment,misc]
    warm_up(samples(set(kinds)))
    if any(KINDS[kind].startswith(("fuzz_networks", "fuzz_arguments")) for kind in kinds):
        import fuzz_networks
        from sisr.upscaling import detection

        warm_up(samples_of_networks())
        # The shapes of every architecture: they are kept, and cost each input seconds.
        with tempfile.NamedTemporaryFile(suffix=".pth") as file, suppress(ModelError):
            file.write(fuzz_networks.unknown())
            file.flush()
            detection.identify(Path(file.name))


def samples(kinds: Set[str]) -> Iterator[Case]:
    def run(work: Path) -> None:
        for place in ("run", "other"):
            shutil.copytree(fuzz_runs.run_folder(), work / place)

    def pair(work: Path) -> None:
        for place in ("in", "other"):
            (work / place).mkdir()
            (work / place / "one.png").write_bytes(fuzz_images.good())

    images = (
        ["upscale", "-m", "nearest", "-s", "2", "in", "out", "--device", "cpu"],
        ["degrade", "-k", "matlab-bicubic", "-s", "2", "in", "out"],
        ["score", "-s", "1", "in", "other", "-o", "out.csv", "--lpips", "none"],
    )
    runs = (["verify", "run"], ["summary", "run"], ["compare", "run", "other", "--out", "page.html"])
    for argv in images if kinds & {"image files", "folders", "names", "registries", "arguments"} else ():
        yield Case(" ".join(argv), argv, pair, lambda work, said: "")
    for argv in runs if kinds & {"crates and scores", "arguments"} else ():
        yield Case(" ".join(argv), argv, run, lambda work, said: "")
    if kinds & {"folders", "configurations", "registries"}:
        plan = fuzz_runs.plan_of({"name": "a", "suites": fuzz_runs.SUITES, "metrics": ["psnr@rgb"]})
        yield Case("plan", [], lambda work: None, lambda work, said: "", plan)


def samples_of_networks() -> Iterator[Case]:
    import fuzz_networks as networks

    looks_at_all = networks.build_with({"net.pth": networks.unknown()})
    yield Case("unknown", [*networks.ARGV, "net.pth"], looks_at_all, lambda work, said: "", _refused)
    for name, contents in networks.files().items():
        if name in ("net.pth", "net.pt", "float.onnx", "net.param"):
            call = None if name == "net.pth" else _in_process(name)
            yield Case(
                name, [*networks.ARGV, name], networks.build_with(contents), lambda work, said: "", call
            )


def _refused(argv: Sequence[str]) -> None:
    with suppress(SystemExit):
        app(argv)


def _in_process(name: str) -> Callable[[object], None]:
    """What the child of a program imports."""

    def look(_argv: object) -> None:
        from sisr.upscaling.foreign.programs import ServedProgram

        engine = {"onnx": "onnx", "param": "ncnn"}.get(name.rpartition(".")[2], "torch")
        ServedProgram(name)._look(engine)

    return look


def fuzz(kind: str, count: int, number: int, kept: Path) -> Counter[str]:
    """What became of so many inputs of a kind; those with a fault are printed, and kept below ``kept``."""
    seen: set[bytes] = set()
    found: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs_of(kind))
    def each(case: Case) -> None:
        folder = Path(tempfile.mkdtemp(prefix="sisr-fuzz-"))
        outside = folder / "case"
        work = outside / "work"
        work.mkdir(parents=True)
        case.build(work)
        key = content_of(work, case.argv)
        if key in seen:  # hypothesis likes to vary what was there
            shutil.rmtree(folder)
            reject()
        seen.add(key)
        outcome, why = outcome_of(case, work)
        found[outcome] += 1
        if outcome in OUTCOMES[2:]:
            place = kept / f"{kind} {found.total()}"
            said = f"{place}: {outcome}: {case.label}\n    {why}"
            print(said.encode("ascii", "backslashreplace").decode(), flush=True)
            shutil.move(outside, place)
        shutil.rmtree(folder, ignore_errors=True)

    each()
    return found


def content_of(work: Path, argv: Sequence[str]) -> bytes:
    """Digest of all that an input is."""
    total = hashlib.sha256(repr(argv).encode())
    for path in sorted(work.rglob("*")):
        total.update(repr((path.relative_to(work), path.lstat().st_mode)).encode())
        if path.is_file() and not path.is_symlink():
            total.update(path.read_bytes())
        elif path.is_symlink():
            total.update(os.fsencode(path.readlink()))
    return total.digest()


def main() -> int:
    import argparse

    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=2200, help="inputs of all kinds together (2200)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (0)")
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="of these kinds only")
    parser.add_argument("--keep", type=Path, default=Path(".cache/fuzz"), help="where what fails is kept")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    asked = parser.parse_args()
    began = time.monotonic()
    shutil.rmtree(asked.keep, ignore_errors=True)
    asked.keep.mkdir(parents=True)
    kinds = asked.kind or list(KINDS)
    start(kinds)
    each = -(-asked.count // len(kinds))
    with get_context("fork").Pool(asked.workers) as pool:  # the workers are warm too
        jobs = {kind: pool.apply_async(fuzz, (kind, each, asked.seed, asked.keep)) for kind in kinds}
        found = {kind: job.get() for kind, job in jobs.items()}
    print(table(found))
    print(f"seed {asked.seed}, {time.monotonic() - began:.0f} s")
    return int(any(counts[outcome] for counts in found.values() for outcome in OUTCOMES[2:]))


if __name__ == "__main__":
    sys.exit(main())
