"""Images of the viewer: one folder per cell, and one for the HR and LR images of an LR set.

A file's name is the number of its image in the HR manifest, so that names of images never meet a file
system.  Of each SR image there are three files:

* ``N.webp``, the image;
* ``N.error.webp``, its error in luma, |SR - HR| on the 8-bit scale, coloured from 0 to :data:`ERROR_TOP`;
* ``N.js``, which holds sums over blocks of :data:`sisr.scoring.blocks.BLOCK` HR pixels a side.  PSNR and
SSIM of any
  crop on that grid follow from them exactly, and those of the whole image are the ones of the score table.
  So does LPIPS, where the run has it: of a crop, it is the mean of what the network sees there, with the
  rest of the image around it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sisr.base.atomic import write_json
from sisr.base.cells import Cell
from sisr.base.images import modcrop, read_image
from sisr.base.manifest import Manifest
from sisr.base.ordered import map_ordered
from sisr.report.site.originals import save
from sisr.report.site.script import script
from sisr.scoring import blocks
from sisr.scoring.metrics import structural
from sisr.scoring.metrics.fidelity import prepare

#: Error in luma that has the last colour of the map; larger ones share it.
ERROR_TOP = 64
#: The protocol whose PSNR and SSIM the blocks hold.
PROTOCOL = "y-bt601"


def write_cell(
    hr_manifest: Path,
    statuses: Sequence[Path],
    cell: Cell,
    out_dir: Path,
    manifest: Path,
    quality: int | None,
    parts: Sequence[Path] = (),
) -> None:
    """Write the files of one cell, and a manifest: the numbers of the images that there are, and for each the
    middle of its :func:`worst_window`.

    Parameters
    ----------
    statuses : JSON of :func:`sisr.upscaling.upscale.upscale_cell`, one a shard; a cell that did not run has
        no images
    parts : LPIPS by block, of :func:`sisr.scoring.score.score_cell`, one a shard
    """
    originals = Manifest.read(hr_manifest).files
    numbers = {name: number for number, name in enumerate(originals)}
    scale, key = cell.scale, f"{cell.dataset}/{cell.kernel}/x{cell.scale}/{cell.model}"
    lpips: dict[str, str] = {}
    for path in parts:
        lpips |= _read(path)["images"]
    out_dir.mkdir(parents=True, exist_ok=True)
    jobs = [job for path in statuses for job in Manifest.read(path).files.items()]

    def work(job: tuple[str, Path]) -> tuple[int, list[int]]:
        name, path = job
        number = numbers[name]
        reference, sr = modcrop(read_image(originals[name]).array, scale), read_image(path).array
        save(sr, out_dir / f"{number}.webp", quality)
        found = block_sums(reference, sr, scale)
        worst = worst_window(found["error"])
        save(error_image(found.pop("error")), out_dir / f"{number}.error.webp", 60)
        if name in lpips:
            found["lpips"] = lpips[name]
        (out_dir / f"{number}.js").write_text(script(f"blocks/{key}/{number}", found), encoding="utf-8")
        return number, worst

    found = dict(sorted(map_ordered(work, jobs, threads=2)))
    write_json(manifest, {"images": list(found), "worst": list(found.values())})


def block_sums(hr: NDArray[np.uint8], sr: NDArray[np.uint8], scale: int) -> dict[str, Any]:
    """Sums over blocks, and the error in luma.

    Returns
    -------
    ``width``, ``height`` of the image and ``columns`` of blocks; ``sse`` (squared error), ``pixels``,
    ``ssim`` (sum of the SSIM map, a value counted where its window's centre is) and ``windows``: float32, row
    by row, in base64; ``histogram``: pixels by error in luma 0 to 255; ``error``: uint8 (H, W), |SR - HR|.
    Pixels that the protocol cuts off are in no sum.
    """
    pair = prepare(hr, sr, PROTOCOL, scale)
    height, width = hr.shape[:2]
    border = pair.protocol.border(scale)
    difference = np.abs(pair.hr[0] - pair.sr[0])
    similarity = structural.ssim_map(
        pair.hr[0], pair.sr[0], structural.WINDOWS[pair.protocol.ssim], pair.protocol.peak
    )
    margin = border + structural.WINDOWS[pair.protocol.ssim].radius
    levels = np.rint(difference).astype(np.uint8)
    error = np.zeros((height, width), np.uint8)
    error[border : height - border, border : width - border] = levels
    return {
        "width": width,
        "height": height,
        "columns": blocks.count(width),
        "sse": blocks.encode(blocks.sums(difference**2, border, height, width)),
        "pixels": blocks.encode(blocks.sums(np.ones_like(difference), border, height, width)),
        "ssim": blocks.encode(blocks.sums(similarity, margin, height, width)),
        "windows": blocks.encode(blocks.sums(np.ones_like(similarity), margin, height, width)),
        "histogram": np.bincount(levels.ravel(), minlength=256).tolist(),
        "error": error,
    }


def worst_window(error: NDArray[np.uint8], side: int = 96) -> list[int]:
    """Middle ``[x, y]`` of the window of ``side`` pixels that holds the largest squared error."""
    height, width = error.shape
    box = (min(side, width), min(side, height))
    sums = cv2.boxFilter(
        error.astype(np.float32) ** 2, -1, box, normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    inner = sums[box[1] // 2 : height - (box[1] - 1) // 2, box[0] // 2 : width - (box[0] - 1) // 2]
    row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    return [int(column) + box[0] // 2, int(row) + box[1] // 2]


def error_image(error: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W) error -> RGB (H, W, 3): black is none, light yellow is :data:`ERROR_TOP` or more."""
    scaled = np.minimum(error.astype(np.uint16) * 255 // ERROR_TOP, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(scaled, cv2.COLORMAP_INFERNO)[..., ::-1], np.uint8)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
