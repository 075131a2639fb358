"""The methods of a run in words: a paragraph for a paper, its bibliography, versions and machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr import __version__
from sisr.base import registry
from sisr.base.cells import GIVEN
from sisr.lr.kernels import described
from sisr.scoring.metrics.protocol import FidelityProtocol, protocol

if TYPE_CHECKING:
    from sisr.report.shown_run import Names

#: Works that every run cites.
_ALWAYS = ("tool:snakemake",)

_LUMA = {
    "bt601": "the luma of ITU-R BT.601 (Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, not rounded)",
    "bt601-uint8": "the luma of ITU-R BT.601 rounded to 8 bits",
    "yiq": "full-range luma (YIQ)",
    "yiq-uint8": "full-range luma (YIQ) rounded to 8 bits",
    "none": "RGB",
}
_CROP = {"none": "without cutting the border", "scale": "after cutting a border of s pixels",
         "scale+6": "after cutting a border of s + 6 pixels"}  # fmt: skip


def paragraph(
    shown: Names, scales: Sequence[int], images: Mapping[str, int], provenance: Mapping[str, Any]
) -> str:
    """One paragraph that says how the numbers were made, to be pasted into a paper."""
    sets = _listed(f"{shown.datasets[name]} ({count} images)" for name, count in images.items())
    given = GIVEN in shown.kernels
    factors = _listed(f"×{scale}" for scale in scales)
    made = {kernel: label for kernel, label in shown.kernels.items() if kernel != GIVEN}
    how = _listed(f"{label} ({described(kernel)['source']})" for kernel, label in made.items())
    models = _listed(shown.models.values())
    sentences = [
        f"We compare {models} on {sets} at {factors}.",
        *(
            [
                "LR images were made from HR images, cropped at the bottom and right to a multiple of the "
                f"factor, by {how}."
            ]
            if made
            else []
        ),
        *(["LR images that a dataset gives beside its HR images are taken as they are."] if given else []),
        *(one.remarks(shown.datasets[one.dataset])[0] for one in shown.given),
        *(_measure_sentence(f"{m.label}", m.metric, m.protocol) for m in shown.measures),
        "Means are over the images of a dataset.",
        _software(provenance),
    ]
    return " ".join(sentences)


def _measure_sentence(label: str, metric: str, protocol_id: str) -> str:
    rules = protocol(protocol_id)
    if not isinstance(rules, FidelityProtocol):
        described = " ".join(str(registry.load("protocols")[protocol_id].get("description", "")).split())
        return f"{label} ({metric}@{protocol_id}): {described}"
    gray = (
        "gray images are compared as they are" if rules.gray == "raw" else "gray images are replicated to RGB"
    )
    window = {
        "gaussian-valid": ", with an 11x11 Gaussian window (σ = 1.5) where it fits",
        "matlab-downsampled": ", with the automatic downsampling of ssim.m",
        "skimage-default": ", with a uniform 7x7 window",
    }
    detail = window[rules.ssim] if metric == "ssim" else f", peak {rules.peak:g}" if metric == "psnr" else ""
    planes = f"{_LUMA[rules.luma]} {_CROP[rules.crop]}"
    return f"{label} ({metric}@{protocol_id}) is computed on {planes}{detail}; {gray}."


def _software(provenance: Mapping[str, Any]) -> str:
    machine = provenance.get("machine", {})
    packages = provenance.get("packages", {})
    versions = _listed(
        f"{name} {packages[name]}"
        for name in ("torch", "opencv-contrib-python-headless", "numpy")
        if packages.get(name)
    )
    commit = provenance.get("commit")
    state = f", commit {commit[:12]}" if commit else ""
    if provenance.get("uncommitted_changes"):
        state += " with uncommitted changes"
    device = _listed(machine.get("gpus") or [machine.get("processor", "an unknown processor")])
    return (
        f"All numbers were made in one run of the sisr benchmark {__version__}{state} "
        f"(Python {provenance.get('python', '?')}, {versions}) on {device}."
    )


def _listed(items: Iterable[str]) -> str:
    """a, b and c"""
    names = list(items)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def bibliography(shown: Names, path: Path | None = None) -> str:
    """BibTeX entries of the datasets, models, kernels and metrics of a run, in the order of the file.

    An entry of ``config/citations.bib`` says in its field ``sisr`` what it is cited for, for example
    ``sisr = {model:imdn dataset:set5}``; BibTeX ignores a field that it does not know.
    """
    wanted = {
        *_ALWAYS,
        *(f"model:{name}" for name in shown.models),
        *(f"dataset:{name}" for name in shown.datasets),
        *(f"kernel:{name}" for name in shown.kernels),
        *(f"metric:{measure.metric}" for measure in shown.measures),
    }
    return "\n\n".join(text for cited, text in entries(path) if wanted & cited)


def entries(path: Path | None = None) -> list[tuple[set[str], str]]:
    """What each entry of the bibliography is cited for, and its text without that field."""
    found = []
    path = path or registry.find("citations.bib")
    for text in re.findall(r"^@\w+\{.*?^\}", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        field = re.search(r"^\s*sisr\s*=\s*\{([^}]*)\},?\n", text, re.MULTILINE)
        cited = set(field.group(1).split()) if field else set()
        found.append((cited, text.replace(field.group(0), "") if field else text))
    return found
