"""Scores of image pairs: one cell of the benchmark, or two folders of somebody's own images.

Both give the same numbers from the same functions.  Images are read and their PSNR and SSIM computed by a
few threads, in order, with a bounded number in flight, so memory does not grow with the number of images;
what looks at whole images, as LPIPS does, runs meanwhile in the calling thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sisr.base.atomic import write_json
from sisr.base.cells import SCORE_COLUMNS, Cell, draw_key
from sisr.base.colour import Uint8Image
from sisr.base.csv_files import write_rows
from sisr.base.errors import ScoreError
from sisr.base.images import read_image
from sisr.base.machine import Stopwatch
from sisr.base.manifest import Manifest, SrManifest
from sisr.base.ordered import map_ordered
from sisr.scoring import blocks
from sisr.scoring.metrics import Measure, parse_measures
from sisr.scoring.metrics.code import Given, Scorer, function_of, scorer_of
from sisr.scoring.metrics.fidelity import prepare
from sisr.scoring.metrics.pairs import size_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Called with the name of each image when its scores are known.
Progress = Callable[[str], object]


@dataclass(frozen=True)
class Pair:
    """An HR image and the SR image to be compared with it, by path.

    ``lr_path`` is the LR image of the SR image, for measures that ask for it, and ``key`` that from which a
    random kernel drew for it.
    """

    image: str
    hr_path: Path
    sr_path: Path
    lr_path: Path | None = None
    key: str = ""


class Score(NamedTuple):
    """The value of one measure on one image."""

    image: str
    measure: Measure
    value: float


def pairs_of(hr: Manifest, srs: Iterable[Manifest]) -> list[Pair]:
    """The SR images of a cell's shards, each with its HR image; :class:`ScoreError` for one without."""
    pairs = []
    for sr in srs:
        for name, path in sr.files.items():
            if name not in hr.files:
                raise ScoreError(f"{sr.path}: image '{name}' is not in {hr.path}")
            pairs.append(Pair(name, hr.files[name], path))
    return pairs


@dataclass(frozen=True)
class Evaluation:
    """What images are scored by.

    Parameters
    ----------
    measures : ids as ``psnr@y-bt601``, or parsed
    metric_files : key of :mod:`sisr.scoring.metrics.files` -> path, for measures that read
        more than the images
    threads : how many read images and compute PSNR and SSIM; the values do not depend on it
    device : of LPIPS and DISTS, ``cpu`` or ``cuda``
    kernel : that of the pairs' LR images, for measures that ask for them
    attempt : how often the workflow started the job, 1 the first time; for its record
    """

    measures: Sequence[str | Measure]
    metric_files: Mapping[str, Path] = field(default_factory=dict)
    threads: int = 1
    device: str = "cpu"
    kernel: str | None = None
    attempt: int = 1

    @cached_property
    def parsed(self) -> tuple[Measure, ...]:
        """The measures; :class:`ConfigError` for one that does not exist."""
        return parse_measures(self.measures)


def conform(hr: Uint8Image, sr: Uint8Image, scale: int, image: str, *, or_full: bool = False) -> Uint8Image:
    """The HR image cropped at bottom and right to multiples of the scale, which must be the SR's size.

    With ``or_full`` an SR image of exactly the HR's own size is accepted too, and the HR stays whole.
    Nothing is ever resized: :class:`ScoreError` names the image, the expected and the found size.
    """
    height, width = hr.shape[:2]
    cropped = hr[: height - height % scale, : width - width % scale]
    if sr.shape[:2] == cropped.shape[:2]:
        return cropped
    if or_full and sr.shape[:2] == (height, width):
        return hr
    note = "" if cropped.shape == hr.shape else f" (HR of {size_text(hr)} cropped to a multiple of {scale})"
    raise ScoreError(f"{image}: expected SR of {size_text(cropped)}{note}, found {size_text(sr)}")


def score_pairs(
    pairs: Iterable[Pair],
    scale: int,
    evaluation: Evaluation,
    *,
    progress: Progress | None = None,
    or_full: bool = False,
    parts: list[NDArray[np.float64]] | None = None,
) -> Iterator[Score]:
    """Score pairs lazily, in the order of ``pairs`` and, within an image, of the measures.

    ``or_full``: see :func:`conform`.  ``parts`` gets the first LPIPS measure of each image by block, in the
    order of ``pairs``.  Measures and files are checked before the first image is read.  Raises
    :class:`ConfigError` for a measure that does not exist or lacks its file, :class:`ScoreError` for pairs
    that cannot be compared, ``ImageError`` for files that cannot be read.
    """
    # torch is imported where a measure needs it.
    wanted = [measure for measure in evaluation.parsed if not measure.on_planes]
    files, device, kernel = evaluation.metric_files, evaluation.device, evaluation.kernel
    scorers = {measure: scorer_of(measure, files, scale, device, kernel) for measure in wanted}
    local = localised(evaluation.parsed)
    if parts is not None and local is not None:
        scorers[local] = _noting(scorers[local], parts)
    return _stream(pairs, scale, evaluation, scorers, progress, or_full)


class _Computed(NamedTuple):
    pair: Pair
    hr: Uint8Image
    sr: Uint8Image
    values: dict[Measure, float]


def _stream(
    pairs: Iterable[Pair],
    scale: int,
    evaluation: Evaluation,
    scorers: Mapping[Measure, Scorer],
    progress: Progress | None,
    or_full: bool,
) -> Iterator[Score]:
    measures = evaluation.parsed

    def compute(pair: Pair) -> _Computed:
        sr = read_image(pair.sr_path).array
        hr = conform(read_image(pair.hr_path).array, sr, scale, pair.image, or_full=or_full)
        with _naming(pair.image):
            return _Computed(pair, hr, sr, _fidelity(hr, sr, scale, measures))

    # One pair in work beyond `threads`: it is taken up while the caller's thread runs LPIPS.
    for pair, hr, sr, values in map_ordered(compute, pairs, max(1, evaluation.threads) + 1):
        for measure in measures:
            if measure in scorers:
                with _naming(pair.image):
                    values[measure] = scorers[measure](hr, sr, *_given(pair, measure))
            yield Score(pair.image, measure, values[measure])
        if progress is not None:
            progress(pair.image)


def _given(pair: Pair, measure: Measure) -> list[Given]:
    """What a measure's scorer is called with beside HR and SR."""
    if not measure.asks:
        return []
    if pair.lr_path is None:
        raise ScoreError(f"no LR image, which {measure.id} asks for")
    return [Given(read_image(pair.lr_path).array, pair.key)]


@contextmanager
def _naming(image: str) -> Iterator[None]:
    """Put the image's name before the message of a :class:`ScoreError`."""
    try:
        yield
    except ScoreError as error:
        raise ScoreError(f"{image}: {error}") from None


def _fidelity(
    hr: Uint8Image, sr: Uint8Image, scale: int, measures: Iterable[Measure]
) -> dict[Measure, float]:
    """Values of the fidelity measures; the planes are prepared once per protocol."""
    by_protocol: dict[str, list[Measure]] = {}
    for measure in measures:
        if measure.on_planes:
            by_protocol.setdefault(measure.protocol, []).append(measure)
    values = {}
    for key, group in by_protocol.items():
        prepared = prepare(hr, sr, key, scale)
        values.update({measure: function_of(measure)(prepared) for measure in group})
    return values


def localised(measures: Iterable[Measure]) -> Measure | None:
    """The measure that is also kept by block: the first LPIPS, if there is one."""
    return next((measure for measure in measures if measure.metric == "lpips"), None)


def _noting(scorer: Scorer, into: list[NDArray[np.float64]]) -> Scorer:
    """The scorer, which also appends its value by block.  It is called image by image, in order."""

    def score(hr: Uint8Image, sr: Uint8Image) -> float:
        value, by_block = scorer.by_block(hr, sr)  # type: ignore[attr-defined]
        into.append(by_block)
        return value

    return score


# --- a cell of the benchmark ----------------------------------------------------------------------------


@dataclass(frozen=True)
class LrSet:
    """The LR images of a cell, by their manifest, and the seed of the run that made them."""

    manifest: Path
    seed: int = 0

    @cached_property
    def _files(self) -> Mapping[str, Path]:
        return Manifest.read(self.manifest).files

    def beside(self, pair: Pair, cell: Cell) -> Pair:
        """The pair with its LR image."""
        key = draw_key(self.seed, cell.dataset, pair.image, cell.kernel, cell.scale)
        return replace(pair, lr_path=self._files.get(pair.image), key=key)


def score_cell(
    cell: Cell,
    hr_manifest: Path,
    sr_status: Path,
    evaluation: Evaluation,
    out_csv: Path,
    *,
    parts: Path | None = None,
    lr: LrSet | None = None,
) -> None:
    """Score the images that an upscaling job lists, and write them as a tidy table.

    ``hr_manifest`` and ``sr_status`` are manifests (:mod:`sisr.base.manifest`); an SR whose ``status`` is not
    ``ok`` gives a table of the header alone.  The HR is cropped at bottom and right to the scale; an SR of
    another size raises :class:`ScoreError`.  The table appears whole or not at all, and the same values give
    the same bytes.

    ``lr`` is for measures that ask for LR images.

    ``parts`` is JSON that gets LPIPS by block (:mod:`sisr.scoring.blocks`): ``measure``, None where the run
    has no LPIPS, and ``images``, name -> values; and ``job``, what the job took
    (:meth:`sisr.base.machine.Stopwatch.read`), ``compute_seconds`` of it for scoring alone, without imports.
    """
    watch = Stopwatch()
    done = SrManifest.read(sr_status)
    pairs = pairs_of(Manifest.read(hr_manifest), [done]) if done.status == "ok" else []
    # A failed cell needs no network, so its weights need not be there.
    scores: Iterable[Score] = ()
    by_block: list[NDArray[np.float64]] = []
    if pairs:
        if lr is not None:
            pairs = [lr.beside(pair, cell) for pair in pairs]
            evaluation = replace(evaluation, kernel=cell.kernel)
        scores = score_pairs(pairs, cell.scale, evaluation, parts=by_block)
    begin = time.perf_counter()
    write_scores(out_csv, scores, **cell._asdict())
    compute_seconds = round(time.perf_counter() - begin, 6)
    if parts is not None:
        local = localised(evaluation.parsed)
        found = zip((pair.image for pair in pairs), by_block, strict=False)
        write_json(
            parts,
            {
                "measure": None if local is None else local.id,
                "images": {image: blocks.encode(values) for image, values in found},
                "job": {
                    **watch.read(evaluation.device, evaluation.attempt),
                    "images": len(pairs),
                    "compute_seconds": compute_seconds,
                    "device": evaluation.device,
                    "threads": evaluation.threads,
                },
            },
        )


def write_scores(
    path: Path, scores: Iterable[Score], *, dataset: str, kernel: str, scale: int, model: str
) -> None:
    """Write a tidy table atomically: UTF-8, one row per image and measure, a fixed number of decimals.

    ``inf`` is written as such.  Raises :class:`ScoreError` if the file cannot be written.
    """
    write_models(path, {model: scores}, dataset=dataset, kernel=kernel, scale=scale)


def write_models(
    path: Path, scores: Mapping[str, Iterable[Score]], *, dataset: str, kernel: str, scale: int
) -> None:
    """Like :func:`write_scores`, for several models (id -> scores), one after the other."""
    rows = [
        (dataset, image, kernel, scale, model, measure.metric, measure.protocol, measure.format(value))
        for model, found in scores.items()
        for image, measure, value in found
    ]
    try:
        write_rows(path, SCORE_COLUMNS, rows)
    except OSError as error:
        raise ScoreError(f"{path}: cannot write the scores: {error.strerror or error}") from None
