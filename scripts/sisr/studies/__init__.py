"""Small studies of how super-resolution works, each a rule of the workflow and a page in ``docs/studies``.

A study is a module of this package: mathematics as plain functions, ``measure()`` that applies them to
images, and ``findings()`` that says in sentences what came out, with its numbers.  What is drawn lies in
:mod:`sisr.studies`, so that neither needs the other to be read or tested.
"""

import json
import re
from pathlib import Path

#: Studies by id, with the title that a reader sees.
STUDIES = {
    "interpolation": "Interpolation",
    "deconvolution": "Deconvolution",
    "misr": "Several frames",
    "upscaling_layers": "Upscaling layers",
    "tiling": "Why fully convolutional",
    "evaluation": "What metrics see",
    "pixel_art": "Pixel art",
    "alignment": "Self-ensemble and alignment",
}


def findings_text(path: Path) -> str:
    """Findings that a study wrote, as text of a caption (reStructuredText); empty before it has run."""
    if not path.is_file():
        return ""
    text = " ".join(" ".join(json.loads(path.read_text(encoding="utf-8"))["findings"]).split())
    return re.sub(r"([^\w\s]|_)", r"\\\1", text)  # names of images and models are no markup
