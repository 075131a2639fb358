"""Take timing receipts on a machine that has no network: the program of a pack, see README.txt in it."""

# Of the standard library alone until all else was found: a copy of this file is the pack's __main__.py.
from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

#: Module -> package of what every model needs; engines need more, and say so.
NEEDED = {"numpy": "numpy", "torch": "torch", "yaml": "PyYAML", "safetensors": "safetensors", "tqdm": "tqdm"}


def main() -> int:
    parser = argparse.ArgumentParser(description="Take timing receipts on a machine that has no network.")
    parser.add_argument("--out", type=Path, default=Path("receipts"), help="folder for the receipts")
    parser.add_argument("--budget", type=float, default=600, help="seconds for all models (default: 600)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps (default: auto)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: 1)")
    parser.add_argument("--precision", action="append", default=[], help="besides fp32; may be repeated")
    parser.add_argument("--spread", type=float, help="largest spread of the reference (default: 0.03)")
    parser.add_argument("--largest", default="1280x720", help="largest output (default: 1280x720)")
    parser.add_argument("--compile", action="store_true", help="use torch.compile")
    parser.add_argument("--cuda-graphs", action="store_true", help="record and replay (CUDA)")
    given = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has the pack has not installed the project
        print(f"error: Python 3.11 or later is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    if missing := [package for module, package in NEEDED.items() if find_spec(module) is None]:
        print(f"error: this Python lacks {', '.join(missing)}", file=sys.stderr)
        return 1
    here = Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="sisr-pack-") as unpacked:
        if here.is_file():
            with ZipFile(here) as archive:
                archive.extractall(unpacked)
            here = Path(unpacked)
        sys.path.insert(0, str(here / "scripts"))
        from sisr.analysis.cost.timing_pack import run

        return run(here, vars(given))


if __name__ == "__main__":
    sys.exit(main())
