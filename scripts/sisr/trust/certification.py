"""Certification: every number from outside that can be computed again here, computed again.

The numbers are data, ``config/anchors.yaml``; this module has one function for each kind of them.  An anchor
passes, fails, or is not run, with the reason: an asset that cannot be had, or a model that is not registered.

    rows = certify(chosen("full"), get_asset)
    write(rows, Path("certification.csv"))
    print(summary(rows))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sisr.base import registry
from sisr.base.colour import Float64Plane, Uint8Image
from sisr.base.errors import ConfigError, ScoreError, SisrError
from sisr.base.images import modcrop, read_image
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.models import model_entries
from sisr.scoring.metrics import Measure, files, parse_measure
from sisr.trust.anchors import DIFFERING, Certified, assets_of, measures_of

#: Asset id -> what was fetched of it, or why nothing was; or raises.
GetAsset = Callable[[str], FetchedAsset]
#: Name, HR and SR of one image.
Images = tuple[str, Uint8Image, Uint8Image]
#: (measure, image) -> value; the image is empty for a mean over all.
Found = Mapping[tuple[str, str], float]


def certify(
    anchors: Mapping[str, Mapping[str, Any]],
    get_asset: GetAsset,
    *,
    threads: int = 1,
    progress: Callable[[str], object] | None = None,
) -> list[Certified]:
    """Compute anchors, as of :func:`sisr.trust.anchors.chosen`.

    A user's error within one makes it fail or not run, never the rest.
    """
    rows: list[Certified] = []
    for name, anchor in anchors.items():
        rows += _certify_one(name, anchor, get_asset, threads)
        if progress is not None:
            progress(name)
    return rows


def _certify_one(name: str, anchor: Mapping[str, Any], get_asset: GetAsset, threads: int) -> list[Certified]:
    reason, status, found = "", "fail", {}
    try:
        fetched = {asset: get_asset(asset) for asset in assets_of(anchor)}
        missing = next((a for a in fetched.values() if a.status != "ok"), None)
        if "model" in anchor and anchor["model"] not in registry.load("models"):
            status, reason = "not run", f"no model '{anchor['model']}' in config/models.yaml"
        elif missing is not None:
            status, reason = "not run", f"asset {missing.asset} is unavailable: {missing.reason}"
        else:
            found = dict(KINDS[anchor["kind"]](anchor, fetched, threads))
    except SisrError as error:
        reason = str(error)
    rows = []
    for value in anchor["values"]:
        key = (value["measure"], value.get("image", ""))
        have = found.get(key, math.nan)
        verdict: Any = status
        if key in found:
            verdict = "pass" if abs(have - value["expected"]) <= value["tolerance"] + 1e-13 else "fail"
        rows.append(
            Certified(
                anchor=name,
                label=anchor["label"],
                measure=key[0],
                image=key[1],
                expected=float(value["expected"]),
                source=anchor["source"],
                found=have,
                tolerance=float(value["tolerance"]),
                status=verdict,
                given_by=value.get("given_by", anchor["given_by"]),
                reason=reason or ("" if key in found else f"'{' '.join(key).strip()}' was not computed"),
            )
        )
    return rows


# --- the kinds of anchors --------------------------------------------------------------------------------


def _edited(anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset], threads: int) -> Found:
    hr = read_image(fetched[anchor["asset"]].path(anchor["file"])).array
    edits: dict[str, Callable[[Uint8Image], Uint8Image]] = {
        "none": lambda image: image,
        "16-levels": lambda image: image // 16 * 16 + np.uint8(8),
        "flip-last-bit": lambda image: image ^ np.uint8(1),
    }
    return _means([("", hr, edits[anchor["edit"]](hr))], anchor, fetched)


def _lr_set(anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset], threads: int) -> Found:
    from sisr.lr.degrade import degrade

    scale, gold = anchor["scale"], fetched[anchor["gold"]]
    differing = 0
    for name, hr in _images(fetched[anchor["hr"]], scale):
        expected = read_image(gold.path(f"{anchor['folder']}{name}x{scale}.png")).array
        lr = degrade(hr, anchor["kernel"], scale, name)
        if lr.shape != expected.shape:
            raise ScoreError(f"{name}: expected LR of shape {expected.shape}, found {lr.shape}")
        differing += int(np.count_nonzero(lr != expected))
    return {(DIFFERING, ""): float(differing)}


def _pair(anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset], threads: int) -> Found:
    hr, sr = (read_image(fetched[anchor["asset"]].path(anchor[key])).array for key in ("hr", "sr"))
    return _means([("", hr, sr)], anchor, fetched)


def _outputs(anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset], threads: int) -> Found:
    pairs = outputs(fetched[anchor["hr"]], fetched[anchor["sr"]], anchor["folder"], anchor["scale"])
    return _means(pairs, anchor, fetched)


def outputs(hr: FetchedAsset, sr: FetchedAsset, folder: str, scale: int) -> Iterable[Images]:
    """Name, HR and SR of published files, named ``<folder><name>_...``."""
    for name, image in _images(hr, scale):
        start = f"{folder}{name}_"
        file = next((file for file in sr.files if file.startswith(start)), start)
        yield name, image, read_image(sr.path(file)).array


def _cell(anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset], threads: int) -> Found:
    from sisr.lr.degrade import degrade
    from sisr.upscaling import engines

    scale = anchor["scale"]
    upscaler = engines.load(
        model_entries.get(anchor["model"]), scale, _weights(anchor, fetched), "cpu", threads=threads
    )
    pairs = (
        (name, hr, upscaler(degrade(hr, anchor["kernel"], scale, name)))
        for name, hr in _images(fetched[anchor["hr"]], scale, anchor.get("image"))
    )
    return _means(pairs, anchor, fetched)


def _planes(anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset], threads: int) -> Found:
    """Means on luma alone: LR is never rounded, HR and SR only where the protocol rounds luma."""
    from sisr.base.colour import LUMAS
    from sisr.lr.kernels.matlab import imresize
    from sisr.scoring.metrics.code import function_of
    from sisr.scoring.metrics.fidelity import PreparedPair, fidelity_protocol

    scale = anchor["scale"]
    enlarge = _on_planes(anchor, fetched, threads)
    measures = [parse_measure(text) for text in measures_of(anchor)]
    values: dict[Measure, list[float]] = {measure: [] for measure in measures}
    for _, hr in _images(fetched[anchor["hr"]], scale):
        pairs = {}
        for rules in map(fidelity_protocol, dict.fromkeys(measure.protocol for measure in measures)):
            luma = LUMAS[rules.luma]
            y = (luma.full_range() if hr.ndim == 2 and rules.gray == "raw" else luma).of(hr)
            sr = enlarge(imresize(y, 1 / scale))
            if luma.rounded:
                sr = np.clip(np.floor(sr + 0.5), 0, 255)
            border = rules.border(scale)
            inner = np.s_[None, border : -border or None, border : -border or None]
            pairs[rules.id] = PreparedPair(y[inner], sr[inner], rules)
        for measure in measures:
            values[measure].append(function_of(measure)(pairs[measure.protocol]))
    return {(measure.id, ""): math.fsum(of) / len(of) for measure, of in values.items()}


def _on_planes(
    anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset], threads: int
) -> Callable[[Float64Plane], Float64Plane]:
    """What enlarges a plane on the 8-bit scale: MATLAB's bicubic, or a network for luma."""
    from sisr.lr.kernels.matlab import imresize
    from sisr.upscaling.engines.pytorch import load_network

    scale, model = anchor["scale"], model_entries.get(anchor["model"])
    if model.params.get("method") == "matlab-bicubic":
        return lambda lr: imresize(lr, scale)
    network = load_network(model, scale, _weights(anchor, fetched), threads=threads)
    return lambda lr: np.float64(255) * network((lr / 255)[None].astype(np.float32))[0]


KINDS: dict[str, Callable[[Mapping[str, Any], Mapping[str, FetchedAsset], int], Found]] = {
    "edited": _edited,
    "lr-set": _lr_set,
    "pair": _pair,
    "outputs": _outputs,
    "cell": _cell,
    "planes": _planes,
}


def _images(asset: FetchedAsset, scale: int, only: str | None = None) -> Iterable[tuple[str, Uint8Image]]:
    for name, path in sorted(asset.paths().items()):
        if only in (None, Path(name).stem):
            yield Path(name).stem, modcrop(read_image(path).array, scale)


def _weights(anchor: Mapping[str, Any], fetched: Mapping[str, FetchedAsset]) -> Mapping[str, Path]:
    weights = model_entries.get(anchor["model"]).weights_for(anchor["scale"])
    if weights is None:
        return {}
    if weights.asset is None:
        raise ConfigError(f"model '{anchor['model']}' is trained here; an anchor needs weights of an asset")
    return {role: fetched[weights.asset].path(name) for role, name in weights.files.items()}


def _means(
    pairs: Iterable[Images],
    anchor: Mapping[str, Any],
    fetched: Mapping[str, FetchedAsset],
) -> Found:
    """Values of each image and their means, for the measures of an anchor; planes are prepared once."""
    # Here and not above: every job of the workflow reads this module, and few compute a measure.
    from sisr.scoring.metrics.code import function_of, scorer_of
    from sisr.scoring.metrics.fidelity import prepare

    measures = [parse_measure(text) for text in measures_of(anchor)]
    scale = anchor.get("scale", 1)
    paths = files.paths_of(fetched.values())
    learned = {m: scorer_of(m, paths, scale) for m in measures if not m.on_planes}
    values: dict[Measure, dict[str, float]] = {measure: {} for measure in measures}
    for name, hr, sr in pairs:
        prepared: dict[str, Any] = {}
        for measure in measures:
            if measure in learned:
                values[measure][name] = learned[measure](hr, sr)
                continue
            if measure.protocol not in prepared:
                prepared[measure.protocol] = prepare(hr, sr, measure.protocol, scale)
            values[measure][name] = function_of(measure)(prepared[measure.protocol])
    found = {(m.id, name): value for m, of in values.items() for name, value in of.items() if name}
    found |= {(m.id, ""): math.fsum(of.values()) / len(of) for m, of in values.items()}
    return found
