"""Crop sheets: one small region of an image, as every model made it, enlarged without interpolation.

Regions are (x, y, width, height) in pixels of the HR image, origin at the top left.  HR images are uncropped,
while LR and SR belong to the HR cropped at the bottom and right to a multiple of the scale; the origin is the
same, so a region has the same coordinates in all of them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sisr.analysis.shown_measures import heading, show
from sisr.base.atomic import replacing
from sisr.base.errors import ConfigError, ImageError
from sisr.base.images import read_image
from sisr.report.figures.crop_choice import Region, sr_pixels, truth_pixels
from sisr.scoring.metrics.protocol import Measure

#: Largest sheet: what Snakemake's report viewer shows whole.
MAX_WIDTH, MAX_HEIGHT = 1600, 900
#: Tiles are not enlarged beyond this width; more says nothing new about the same pixels.
_TILE = 300
_MARGIN, _GAP, _LEAST_OVERVIEW = 14, 12, 280
_LABEL, _VALUE, _SMALL = 17, 16, 15  # font sizes in px
_INK, _SOFT, _ACCENT = "#1b1f24", "#57606a", "#d55e00"


@dataclass(frozen=True)
class _Tile:
    """One enlarged crop with its text: each value with whether it is the best of its measure."""

    pixels: Image.Image
    label: str
    values: tuple[tuple[str, bool], ...]
    framed: bool = False


@dataclass(frozen=True)
class _Layout:
    """Grid of tiles: enlargement, width of a column, and top of each row with the bottom of the last."""

    enlarge: int
    columns: int
    cell: int
    tops: tuple[int, ...]
    overview: tuple[int, int]

    @property
    def width(self) -> int:
        return self.columns * (self.cell + _GAP) - _GAP


@dataclass(frozen=True)
class ImageFiles:
    """One image: its HR, its LR, and model -> SR image in the order of the tiles.

    ``hr`` is None where there is none: the sheet then shows the LR image with the region marked, and no HR
    tile.
    """

    hr: Path | None
    lr: Path
    srs: Mapping[str, Path]
    scale: int


@dataclass(frozen=True)
class SheetText:
    """What a sheet says.

    ``labels``: model -> text below its tile.  ``values``: model -> measure key -> value for the *whole
    image*; the best of each measure is bold with a star.  ``measures`` are printed below each tile, in their
    order.  ``missing``: model or label -> reason, for models that have no image; printed at the bottom.
    """

    title: str
    labels: Mapping[str, str]
    values: Mapping[str, Mapping[str, float]]
    measures: Sequence[Measure]
    missing: Mapping[str, str] = field(default_factory=dict)


def crop_sheet(
    image: ImageFiles, region: Sequence[int], text: SheetText, out: Path, limit: int | None = None
) -> Path:
    """Draw the HR image with the region marked, then the region from HR, LR and every model.

    Parameters
    ----------
    region : (x, y, width, height) in HR pixels, inside the HR cropped to a multiple of the scale.
    out : ``.png``, or ``.jpg`` (quality 92 or less, full-resolution colour); at most 1600 x 900 px.
    limit : bytes that a ``.jpg`` may have; its quality falls as far as that needs, to 30 at the lowest.

    Raises
    ------
    ConfigError : the region is not inside the image, or so large that the sheet cannot hold it.
    ImageError : an image cannot be read or has the wrong size.
    """
    lr, scale, measures = image.lr, image.scale, text.measures
    truth, name = truth_pixels(image.hr, lr, scale), (image.hr or lr).name
    height, width = (n - n % scale for n in truth.shape[:2])
    if len(region) != 4:
        raise ConfigError(f"{name}: region {list(region)} is not [x, y, width, height]")
    box = Region(*map(int, region))
    if box.x < 0 or box.y < 0 or box.w < 1 or box.h < 1 or box.x + box.w > width or box.y + box.h > height:
        raise ConfigError(
            f"{name}: region {list(box)} ([x, y, width, height]) is not inside the image "
            f"of {width}x{height} px"
        )
    small = read_image(lr).array
    if small.shape[:2] != (height // scale, width // scale):
        found = f"{small.shape[1]}x{small.shape[0]}"
        raise ImageError(f"{lr}: size {found}, expected {width // scale}x{height // scale} (HR / {scale})")

    headings = ((" / ".join(heading(m) for m in measures), False),)
    reduced = _image(_cut_lr(small, box, scale))
    tiles = [
        _Tile(_image(_cut(truth, box)), "HR", headings, True),
        _Tile(reduced, f"LR (pixels ×{scale})", ()),
    ]
    if image.hr is None:
        tiles = [_Tile(reduced, f"LR (pixels ×{scale})", headings, True)]
    for model, path in image.srs.items():
        numbers = values_of(model, image.srs, text)
        array = _cut(sr_pixels(path, (height, width)), box)
        tiles.append(_Tile(_image(array), text.labels.get(model, model), numbers))

    footer = ""
    if text.missing:
        names = (f"{text.labels.get(name, name)} ({_short(reason)})" for name, reason in text.missing.items())
        footer = "Not shown: " + "; ".join(names)
    layout = _lay_out(tiles, box, (width, height), footer, name)
    sheet = _draw(layout, tiles, _image(truth), box, text, footer)
    _save(sheet, out, limit)
    return out


def values_of(model: str, srs: Mapping[str, Path], text: SheetText) -> tuple[tuple[str, bool], ...]:
    """Values of a model as printed, each with whether it is the best of its measure."""
    best = _best(text.values, srs, text.measures)
    found = [(m.id, show(text.values.get(model, {}).get(m.id, math.nan), m)) for m in text.measures]
    return tuple((shown, shown == best.get(key)) for key, shown in found)


def _best(
    values: Mapping[str, Mapping[str, float]], srs: Mapping[str, Path], measures: Sequence[Measure]
) -> dict[str, str]:
    """The best value of each measure as printed, so that equal ones share the mark; none with one model."""
    best = {}
    for measure in measures:
        found = [
            values[m][measure.id] for m in srs if not math.isnan(values.get(m, {}).get(measure.id, math.nan))
        ]
        if len(found) > 1:
            closest = min(found, key=abs)
            ends = {"higher": max(found), "lower": min(found), "closer to 0": closest}
            best[measure.id] = show(ends[measure.direction], measure)
    return best


def _cut(array: np.ndarray, box: Region) -> np.ndarray:
    return array[box.y : box.y + box.h, box.x : box.x + box.w]


def _cut_lr(array: np.ndarray, box: Region, scale: int) -> np.ndarray:
    """The region of the LR image, each pixel repeated ``scale`` times to get the size of the others."""
    top, left = box.y // scale, box.x // scale
    bottom, right = -(-(box.y + box.h) // scale), -(-(box.x + box.w) // scale)
    big = array[top:bottom, left:right].repeat(scale, axis=0).repeat(scale, axis=1)
    return _cut(big, Region(box.x - left * scale, box.y - top * scale, box.w, box.h))


def _image(array: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(array)).convert("RGB")


def _short(reason: str, limit: int = 110) -> str:
    reason = " ".join(reason.split())
    return reason if len(reason) <= limit else reason[: limit - 1].rstrip() + "…"


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    # The fonts that matplotlib carries: the same on every machine.  BASIC: so is the layout.
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Lines no wider than ``width`` px; breaks at spaces, and inside a word only if it is too long alone."""
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        while font.getlength(word) > width and len(word) > 1:
            keep = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or font.getlength(word[:n]) <= width)
            lines.append(word[:keep])
            word = word[keep:]  # noqa: PLW2901
        lines.append(word)
    return lines or [""]


def _pieces(tile: _Tile) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    """The line of values as runs of text, the best in bold with a star."""
    runs: list[tuple[str, ImageFont.FreeTypeFont]] = []
    for text, best in tile.values:
        if runs:
            runs.append((" / ", _font(_VALUE)))
        runs.append((f"{text} ★" if best else text, _font(_VALUE, bold=best)))
    return runs


def _label(tile: _Tile, cell: int) -> list[str]:
    """The label in at most two lines."""
    font = _font(_LABEL, tile.framed)
    lines = _wrap(tile.label, font, cell)
    return lines if len(lines) <= 2 else [lines[0], _clip(lines[1] + "…", font, cell)]


def _tops(tiles: Sequence[_Tile], columns: int, cell: int, tile_height: int) -> tuple[int, ...]:
    """Top of each row of tiles below that of the first, then the bottom of the last."""
    tops = [0]
    for start in range(0, len(tiles), columns):
        lines = max(len(_label(tile, cell)) for tile in tiles[start : start + columns])
        tops.append(tops[-1] + tile_height + 6 + lines * (_LABEL + 3) + _VALUE + 5 + _GAP)
    tops[-1] -= _GAP
    return tuple(tops)


_HEADER = 56


def _footer_height(footer: str) -> int:
    # Wrapped for a narrow sheet, so that it fits a wider one too.
    return len(_wrap(footer, _font(_SMALL), 900)) * (_SMALL + 5) + _GAP if footer else 0


def _lay_out(tiles: Sequence[_Tile], box: Region, full: tuple[int, int], footer: str, name: str) -> _Layout:
    """The largest enlargement with which all tiles fit; of those grids, the one that leaves least empty."""
    least = math.ceil(max(sum(f.getlength(t) for t, f in _pieces(tile)) for tile in tiles)) + 2
    height = MAX_HEIGHT - _HEADER - 2 * _MARGIN - _footer_height(footer)
    for enlarge in range(max(1, _TILE // box.w), 0, -1):
        cell = max(least, box.w * enlarge)
        found: list[tuple[float, _Layout]] = []
        for columns in range(1, len(tiles) + 1):
            tops = _tops(tiles, columns, cell, box.h * enlarge)
            room = MAX_WIDTH - 2 * _MARGIN - 2 * _GAP - (columns * (cell + _GAP) - _GAP)
            if tops[-1] > height or room < _LEAST_OVERVIEW:
                continue
            # A small overview beside a low grid may be as high as the grid, but not less than 360 px.
            overview = _fit(full, room, min(height, max(tops[-1], 360)))
            layout = _Layout(enlarge, columns, cell, tops, overview)
            used = overview[0] * overview[1] + len(tiles) * cell * (tops[-1] / (len(tops) - 1))
            body = (overview[0] + 2 * _GAP + layout.width) * max(tops[-1], overview[1])
            found.append((used / body, layout))
        if found:
            return max(found, key=lambda pair: (pair[0], -pair[1].columns))[1]
    raise ConfigError(
        f"{name}: region of {box.w}x{box.h} px is too large for a sheet of {len(tiles)} tiles; "
        f"choose a smaller region or fewer models"
    )


def _fit(full: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """Size of the overview in a given room: reduced to fit, or enlarged by a whole factor."""
    factor = min(width / full[0], height / full[1])
    if factor >= 1:
        factor = math.floor(factor)
    return max(1, round(full[0] * factor)), max(1, round(full[1] * factor))


def _draw(
    layout: _Layout,
    tiles: Sequence[_Tile],
    full: Image.Image,
    box: Region,
    says: SheetText,
    footer: str,
) -> Image.Image:
    tile_size = (box.w * layout.enlarge, box.h * layout.enlarge)
    note = (
        f"Crop {box.w}×{box.h} px at ({box.x}, {box.y}), enlarged ×{layout.enlarge} without interpolation. "
        f"Numbers: {' / '.join(m.label for m in says.measures)} of the whole image, ★ best."
    )
    need = max(_font(20, bold=True).getlength(says.title), _font(_SMALL).getlength(note))
    content = layout.overview[0] + 2 * _GAP + layout.width
    width = min(MAX_WIDTH, math.ceil(max(content, need)) + 2 * _MARGIN)
    body = max(layout.tops[-1], layout.overview[1])
    foot = _wrap(footer, _font(_SMALL), width - 2 * _MARGIN) if footer else []
    height = _HEADER + 2 * _MARGIN + body + (len(foot) * (_SMALL + 5) + _GAP if foot else 0)

    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    _write_head(pen, says.title, note, width)
    top = _MARGIN + _HEADER
    enlarged = layout.overview[0] > full.width
    overview = full.resize(
        layout.overview, Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    )
    sheet.paste(overview, (_MARGIN, top))
    ratio = layout.overview[0] / full.width
    mark = [round(v * ratio) for v in (box.x, box.y, box.x + box.w, box.y + box.h)]
    left, upper, right, lower = (v + (_MARGIN, top)[i % 2] for i, v in enumerate(mark))
    # A light line inside a coloured one stands out on any image.
    pen.rectangle((left - 3, upper - 3, right + 2, lower + 2), outline=_ACCENT, width=3)
    pen.rectangle((left, upper, right - 1, lower - 1), outline="white", width=1)

    for index, tile in enumerate(tiles):
        x = _MARGIN + layout.overview[0] + 2 * _GAP + (index % layout.columns) * (layout.cell + _GAP)
        y = top + layout.tops[index // layout.columns]
        inset = (layout.cell - tile_size[0]) // 2
        sheet.paste(tile.pixels.resize(tile_size, Image.Resampling.NEAREST), (x + inset, y))
        if tile.framed:
            frame = (x + inset - 3, y - 3, x + inset + tile_size[0] + 2, y + tile_size[1] + 2)
            pen.rectangle(frame, outline=_ACCENT, width=3)
        _write_below(pen, tile, x, y + tile_size[1] + 6, layout.cell)

    line = top + body + _GAP
    for text in foot:
        pen.text((_MARGIN, line), text, _SOFT, _font(_SMALL))
        line += _SMALL + 5
    return sheet


def lr_sheet(
    hr: Path,
    lrs: Mapping[str, Path],
    region: Region,
    scale: int,
    title: str,
    captions: Mapping[str, tuple[str, str]],
    out: Path,
) -> Path:
    """Draw a region of the HR image and of the LR image that each kernel made, enlarged by whole pixels.

    Parameters
    ----------
    lrs : kernel -> LR image, in the order of the tiles
    region : in HR pixels, with sides and corner that are multiples of ``scale``
    captions : kernel -> name below its tile, and what stands below the name
    """
    truth = read_image(hr).array
    enlarge = max(1, _TILE // region.w)
    cell, tile_height = region.w * enlarge, region.h * enlarge
    tiles = [_Tile(_image(_cut(truth, region)), "HR", (), True)]
    for kernel, path in lrs.items():
        pixels = _image(_cut_lr(read_image(path).array, region, scale))
        label, below = captions[kernel]
        tiles.append(_Tile(pixels, label, ((below, False),)))
    columns = min(len(tiles), (MAX_WIDTH - 2 * _MARGIN + _GAP) // (cell + _GAP))
    tops = _tops(tiles, columns, cell, tile_height)
    width = max(2 * _MARGIN + columns * (cell + _GAP) - _GAP, 700)
    sheet = Image.new("RGB", (width, _HEADER + 2 * _MARGIN + tops[-1]), "white")
    pen = ImageDraw.Draw(sheet)
    note = (
        f"{region.w}×{region.h} HR px at ({region.x}, {region.y}), enlarged without interpolation: "
        f"HR pixels ×{enlarge}, LR pixels ×{scale * enlarge}"
    )
    _write_head(pen, title, note, width)
    for index, tile in enumerate(tiles):
        x = _MARGIN + index % columns * (cell + _GAP)
        y = _MARGIN + _HEADER + tops[index // columns]
        sheet.paste(tile.pixels.resize((cell, tile_height), Image.Resampling.NEAREST), (x, y))
        if tile.framed:
            pen.rectangle((x - 3, y - 3, x + cell + 2, y + tile_height + 2), outline=_ACCENT, width=3)
        _write_below(pen, tile, x, y + tile_height + 6, cell)
    _save(sheet, out)
    return out


def _write_head(pen: ImageDraw.ImageDraw, title: str, note: str, width: int) -> None:
    for text, top, colour, font in (
        (title, -4, _INK, _font(20, bold=True)),
        (note, 26, _SOFT, _font(_SMALL)),
    ):
        pen.text((_MARGIN, _MARGIN + top), _clip(text, font, width - 2 * _MARGIN), colour, font)


def _write_below(pen: ImageDraw.ImageDraw, tile: _Tile, x: int, line: int, cell: int) -> None:
    """The label and the values of a tile, centred below it."""
    font = _font(_LABEL, tile.framed)
    for text in _label(tile, cell):
        pen.text((x + (cell - font.getlength(text)) / 2, line), text, _INK, font)
        line += _LABEL + 3
    runs = _pieces(tile)
    at = x + (cell - sum(f.getlength(t) for t, f in runs)) / 2
    for text, run_font in runs:
        pen.text((at, line), text, _SOFT if tile.framed else _INK, run_font)
        at += run_font.getlength(text)


def _clip(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """As much of a line as is no wider than ``width`` px, with an ellipsis where some is missing."""
    if font.getlength(text) <= width:
        return text
    text = text.removesuffix("…")
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


#: Qualities of JPEG, of which the first is taken that keeps a sheet within its limit.
_QUALITIES = (92, 88, 84, 80, 75, 70, 62, 54, 46, 38, 30)


def _save(sheet: Image.Image, out: Path, limit: int | None = None) -> None:
    options: dict[str, Any]
    if out.suffix.lower() in (".jpg", ".jpeg"):
        # 4:4:4: the usual halved colour resolution would blur the edges that the sheet is there to show.
        options = {"format": "JPEG", "subsampling": 0, "optimize": True}
        options["quality"] = _quality(sheet, options, limit)
    elif out.suffix.lower() == ".png":
        options = {"format": "PNG"}
    else:
        raise ConfigError(f"{out.name}: a crop sheet is .png or .jpg, not '{out.suffix}'")
    with replacing(out) as temporary:
        sheet.save(temporary, **options)


def _quality(sheet: Image.Image, options: Mapping[str, Any], limit: int | None) -> int:
    """The best quality with which the sheet has no more bytes than the limit."""
    for quality in _QUALITIES:
        trial = io.BytesIO()
        sheet.save(trial, quality=quality, **options)
        if limit is None or trial.tell() <= limit:
            return quality
    return _QUALITIES[-1]
