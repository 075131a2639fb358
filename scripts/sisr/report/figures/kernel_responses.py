"""Images of every downsampling kernel, measured by feeding impulses through it.

``python -m sisr.report.figures.kernel_responses docs/images`` draws what docs/kernels.md shows.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sisr.base import registry
from sisr.lr import kernels
from sisr.report.figures import style

#: HR pixels around the s x s pixels of an LR sample that are shown; a multiple of the scale.
RADIUS = 12
_PIPELINES = ("bsrgan", "realesrgan")
#: Key of the draw of random kernels that is shown.
EXAMPLE = "9"
_CELL = 60  # HR pixels between impulses: no LR sample sees two, and all places in a JPEG block occur
_SIDE = 9 * _CELL
_HEIGHT = 60  # of an impulse, of 255


def impulse_response(
    kernel: str, scale: int, *, key: str = EXAMPLE, repeats: int = 3, config: Path = registry.CONFIG
) -> NDArray[np.float64]:
    """How much each HR pixel around an LR sample's centre moves its value.

    Parameters
    ----------
    kernel, scale : id in ``config/kernels.yaml``; 2 or 4 are usual
    key : of the random numbers: one draw of a random kernel is measured
    repeats : images; the error falls with their square root

    Returns
    -------
    float64 (2 * RADIUS + scale, 2 * RADIUS + scale): element ``[i, j]`` is the mean change of an LR sample
    per change of the HR pixel that lies ``i - (n - 1) / 2`` below and ``j - (n - 1) / 2`` right of the centre
    of the sample's ``scale`` x ``scale`` pixels, with n the number of elements a side.

    Impulses of +60 and -60 stand on a random image, so that rounding to 8 bits averages out.  For kernels
    that are no sums (noise, JPEG) it is the mean response.
    """
    side = 2 * RADIUS + scale
    total = np.zeros((side, side))
    count = np.zeros((side, side))
    cells = _CELL * np.arange(1, _SIDE // _CELL - 1)
    for repeat in range(repeats):
        base = np.random.default_rng(repeat).integers(_HEIGHT, 256 - _HEIGHT, (_SIDE, _SIDE), dtype=np.uint8)
        for down, right in np.ndindex(scale, scale):
            at = np.ix_(cells + down, cells + right)
            changed = []
            for change in (_HEIGHT, -_HEIGHT):
                image = base.copy()
                image[at] = (base[at].astype(int) + change).astype(np.uint8)
                changed.append(kernels.apply(kernel, image, scale, key, config).astype(float))
            response = (changed[0] - changed[1]) / (2 * _HEIGHT)
            for row in cells.tolist():
                for column in cells.tolist():
                    _collect(response, (row, column), (down, right), scale, total, count)
    return total / np.maximum(count, 1)


def _collect(
    response: NDArray[np.float64],
    cell: tuple[int, int],
    offset: tuple[int, int],
    scale: int,
    total: NDArray[np.float64],
    count: NDArray[np.float64],
) -> None:
    """Add what LR samples around one impulse saw; the impulse is at ``cell + offset``."""
    reach = RADIUS // scale
    block = np.arange(-reach, reach + 1)  # LR samples from that whose pixels hold the impulse
    # An impulse `offset` inside block 0 lies `offset - scale * block` from the top left of the sample's.
    rows, columns = (RADIUS + start - scale * block for start in offset)
    lr = response[np.ix_(cell[0] // scale + block, cell[1] // scale + block)]
    total[np.ix_(rows, columns)] += lr
    count[np.ix_(rows, columns)] += 1


def centre(response: NDArray[np.float64]) -> tuple[float, float]:
    """Centre of mass of a response, (down, right) from the centre of the sample's pixels."""
    axis = np.arange(len(response)) - (len(response) - 1) / 2
    mass = response.sum()
    return float(response.sum(axis=1) @ axis / mass), float(response.sum(axis=0) @ axis / mass)


def observation_table() -> str:
    """Markdown table of every kernel's parts of y = D B x + n, as the registry states them."""
    lines = ["| kernel | blur B | decimation D | n | phase at x4 |", "|---|---|---|---|---|"]
    for kernel, entry in registry.load("kernels").items():
        parts = entry["observation"]
        down, right = kernels.phase(entry, 4)
        where = f"{down:+g}, {right:+g}" if (down, right) != (0, 0) else "0"
        lines.append(f"| `{kernel}` | {parts['blur']} | {parts['decimation']} | {parts['noise']} | {where} |")
    return "\n".join(lines)


def draw_responses(out: Path, scale: int, columns: int = 6) -> None:
    """Draw the responses of all kernels at a scale as one image; random pipelines have none to show."""
    from matplotlib import pyplot as plt

    entries = {k: e for k, e in _defined(scale).items() if e["function"] not in _PIPELINES}
    figure, axes = _panels(len(entries), columns)
    for axis, (kernel, entry) in zip(axes, entries.items(), strict=True):
        response = impulse_response(kernel, scale)
        edge = len(response) / 2
        peak = np.abs(response).max()
        axis.imshow(response, cmap="RdBu_r", vmin=-peak, vmax=peak, extent=(-edge, edge, edge, -edge))
        half = scale / 2
        axis.add_patch(plt.Rectangle((-half, -half), scale, scale, fill=False, linewidth=0.7, color="black"))
        if entry["function"] != "bicubic-jpeg":  # whose response is too uneven to have a centre
            down, right = centre(response)
            axis.plot(right, down, "+", color="black", markersize=5, markeredgewidth=0.8)
        axis.text(0.03, 0.03, f"{peak:.2g}", transform=axis.transAxes, fontsize=7, color=style.SOFT)
        _title(axis, entry)
    _save(figure, out)


def draw_examples(out: Path, scale: int, image: NDArray[np.uint8], columns: int = 6) -> None:
    """Draw one image's LR images by all kernels as one image."""
    entries = _defined(scale)
    figure, axes = _panels(len(entries), columns)
    for axis, (kernel, entry) in zip(axes, entries.items(), strict=True):
        axis.imshow(kernels.apply(kernel, image, scale, EXAMPLE), interpolation="nearest")
        _title(axis, entry)
    _save(figure, out)


def _defined(scale: int) -> dict[str, Mapping[str, Any]]:
    return {
        kernel: entry
        for kernel, entry in registry.load("kernels").items()
        if str(scale) in entry.get("per_scale", str(scale))
    }


def _panels(count: int, columns: int) -> tuple[Any, Sequence[Any]]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = -(-count // columns)
    size = style.WIDTH / columns
    figure, axes = plt.subplots(rows, columns, figsize=(style.WIDTH, rows * (size + 0.25)), squeeze=False)
    flat = list(axes.ravel())
    for axis in flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for axis in flat[count:]:
        axis.set_visible(False)
    return figure, flat[:count]


def _title(axis: Any, entry: Mapping[str, Any]) -> None:
    axis.set_title(
        textwrap.fill(entry["label"], 22, break_on_hyphens=False), fontsize=7, fontweight="normal", pad=3
    )


def _save(figure: Any, out: Path) -> None:
    from matplotlib import pyplot as plt

    figure.tight_layout(pad=0.4, h_pad=0.7, w_pad=0.5)
    style.save(figure, out)
    plt.close(figure)


def main(folder: Path) -> None:
    """Write ``kernels_x4.png`` and ``kernels_examples_x4.png``."""
    from skimage.data import astronaut

    with style.applied():
        draw_responses(folder / "kernels_x4.png", 4)
        draw_examples(folder / "kernels_examples_x4.png", 4, astronaut()[0:240, 100:340])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
