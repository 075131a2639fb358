"""A pack: models with their weights and this library in one file, which runs where there is no network.

::

    __main__.py             sisr.analysis.cost.pack_program, so that `python pack.pyz` runs
    pack.json               models, scales, and by role the files of their weights
    weights/<sha256>/       each file once, under its name
    scripts/ config/ workflow/schemas/
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from sisr.analysis.cost import pack_program
from sisr.analysis.cost.receipt_run import WantedReceipt, closing, take_all
from sisr.analysis.cost.receipts import ALLOWED
from sisr.analysis.cost.taking import Taking
from sisr.base import registry
from sisr.base.atomic import replacing
from sisr.base.digest import file_digest
from sisr.base.errors import SisrError
from sisr.models import model_digests, model_entries
from sisr.upscaling.inference.options import Options

#: What the library reads of the checkout while models run.
_PARTS = ("scripts/sisr/**/*", "config/*.yaml", "config/training/*.yaml", "workflow/schemas/*.yaml")

_README = """{count} models for timing receipts, made by `sisr time --pack`.

    python {name} --out receipts

with any Python from 3.11 that has {needed} (--help has the options). It needs no network and writes nothing
but the folder of the receipts and a temporary one. Models whose engine needs another package that is not
there are listed as unavailable: opencv-contrib-python, ncnn, onnxruntime, Pillow, spandrel, basicsr.
Copy the receipts into config/receipts of the checkout: tables of later runs then show them.
"""


def pack(candidates: Sequence[WantedReceipt], out: Path) -> int:
    """Write a pack; returns its bytes.  The same models give the same bytes."""
    for one in candidates:
        if registry.origin("models", one.model.id) or one.model.own is not None:
            raise SisrError(f"time --pack: {one.model.id} is none of the benchmark's own models")
        # What the pack reads of the registries is found valid here, so that it need not be checked there.
        model_digests.weights_of(one.model, one.scale)
    kept: dict[str, Path] = {}
    models = []
    for one in candidates:
        names = {role: f"weights/{file_digest(path)}/{path.name}" for role, path in one.files.items()}
        kept |= {name: one.files[role] for role, name in names.items()}
        models.append({"model": one.model.id, "scale": one.scale, "files": names})
    document = {"models": models, "valid": os.environ.get(registry.VALID, "")}
    readme = _README.format(count=len(models), name=out.name, needed=", ".join(pack_program.NEEDED.values()))
    for pattern in _PARTS:
        for path in sorted(registry.ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                kept[path.relative_to(registry.ROOT).as_posix()] = path
    kept["__main__.py"] = Path(pack_program.__file__)
    with replacing(out) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme)
        archive.writestr("pack.json", json.dumps(document, indent=1))
        for name, path in sorted(kept.items()):
            archive.write(path, name)
    return out.stat().st_size


def run(folder: Path, given: Mapping[str, Any]) -> int:
    """Take the receipts of an unpacked pack; ``given`` are the options of its program."""
    document = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
    os.environ[registry.VALID] = document["valid"]
    try:
        how = Taking(
            given["device"],
            given["threads"],
            Options(compile=given["compile"], cuda_graphs=given["cuda_graphs"]),
            tuple(given["precision"]),
            ALLOWED if given["spread"] is None else given["spread"],
            Taking.size_of(given["largest"]),
        )
        candidates = [
            WantedReceipt(
                model_entries.get(one["model"]),
                one["scale"],
                {role: folder / name for role, name in one["files"].items()},
            )
            for one in document["models"]
        ]
        outcomes = take_all(candidates, how, given["budget"], given["out"], lambda s: print(s, flush=True))
    except SisrError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    lines, good = closing(outcomes, given["out"])
    print("\n".join(lines))
    return 0 if good else 1
