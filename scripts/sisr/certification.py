"""Certification: every number from outside that can be computed again here, computed again.

The numbers are data, ``config/anchors.yaml``; this module has one function for each kind of them.  An anchor
passes, fails, or is not run, with the reason: an asset that cannot be had, or a model that is not registered.

>>> rows = certify("full", get_asset)          # doctest: +SKIP
>>> write(rows, Path("certification.csv"))     # doctest: +SKIP
>>> print(summary(rows))                       # doctest: +SKIP
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sisr import models, registry
from sisr.assets.manifest import Manifest
from sisr.atomic import write_text
from sisr.colour import Uint8Image
from sisr.errors import ConfigError, ScoreError, SisrError, unknown
from sisr.images import modcrop, read_image
from sisr.metrics import Measure, files, parse_measure

TIERS = ("quick", "full", "heavy")
#: The one thing that is certified and is no measure: LR values that differ from MATLAB's.
DIFFERING = "differing values"

Status = Literal["pass", "fail", "not run"]
#: Asset id -> manifest; an asset that cannot be had has a manifest that says why, or raises.
GetAsset = Callable[[str], Manifest]
#: Name, HR and SR of one image.
Images = tuple[str, Uint8Image, Uint8Image]
#: (measure, image) -> value; the image is empty for a mean over all.
Found = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Certified:
    """One expected number and what was found; ``found`` is NaN where the anchor was not run."""

    anchor: str
    label: str
    measure: str
    image: str
    expected: float
    source: str
    found: float
    tolerance: float
    status: Status
    reason: str = ""

    @property
    def difference(self) -> float:
        """Found minus expected; NaN where the anchor was not run."""
        return self.found - self.expected

    def show(self, value: float, sign: str = "") -> str:
        """``value`` with one digit more than the expected number and its tolerance have, at most eight."""
        digits = max(len(_text(number).partition(".")[2]) for number in (self.expected, self.tolerance))
        return f"{value:{sign}.{min(digits + bool(digits), 8)}f}"


COLUMNS = (
    "anchor", "label", "measure", "image", "expected", "source", "found", "difference", "tolerance", "status",
    "reason",
)  # fmt: skip


def chosen(tier: str, only: Iterable[str] = (), config: Path = registry.CONFIG) -> dict[str, dict[str, Any]]:
    """Anchors of a tier and of those below it, or those named by ``only``, in the registry's order.

    Raises :class:`ConfigError` for an unknown tier or anchor.
    """
    if tier not in TIERS:
        raise ConfigError(unknown("tier", tier, TIERS))
    anchors = registry.load("anchors", config)
    only = list(only)
    for name in only:
        if name not in anchors:
            raise ConfigError(unknown("anchor", name, anchors))
    below = TIERS[: TIERS.index(tier) + 1]
    return {
        name: entry for name, entry in anchors.items() if (name in only if only else entry["tier"] in below)
    }


def assets_of(anchor: Mapping[str, Any]) -> list[str]:
    """Assets that an anchor reads, each once: pictures, weights, and files of its measures."""
    names = [anchor[key] for key in ("asset", "gold") if key in anchor]
    if anchor["kind"] != "pair":
        names += [anchor[key] for key in ("hr", "sr") if key in anchor]
    if "model" in anchor and anchor["model"] in registry.load("models"):
        weights = models.get(anchor["model"]).weights.get(anchor["scale"])
        names += [weights.asset] if weights and weights.asset else []
    names += files.assets_of(m for m in _measures(anchor) if m != DIFFERING)
    return list(dict.fromkeys(names))


def measures_of(anchors: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Measures of anchors that are metrics under a protocol, each once."""
    every = dict.fromkeys(measure for anchor in anchors.values() for measure in _measures(anchor))
    return [measure for measure in every if measure != DIFFERING]


def certify(
    tier: str,
    get_asset: GetAsset,
    only: Iterable[str] = (),
    *,
    threads: int = 1,
    progress: Callable[[str], object] | None = None,
) -> list[Certified]:
    """Compute the anchors of a tier.  A user's error within one makes it fail or not run, never the rest."""
    rows: list[Certified] = []
    for name, anchor in chosen(tier, only).items():
        rows += _certify_one(name, anchor, get_asset, threads)
        if progress is not None:
            progress(name)
    return rows


def _certify_one(name: str, anchor: Mapping[str, Any], get_asset: GetAsset, threads: int) -> list[Certified]:
    reason, status, found = "", "fail", {}
    try:
        manifests = {asset: get_asset(asset) for asset in assets_of(anchor)}
        missing = next((m for m in manifests.values() if m.status != "ok"), None)
        if "model" in anchor and anchor["model"] not in registry.load("models"):
            status, reason = "not run", f"no model '{anchor['model']}' in config/models.yaml"
        elif missing is not None:
            status, reason = "not run", f"asset {missing.asset} is unavailable: {missing.reason}"
        else:
            found = dict(KINDS[anchor["kind"]](anchor, manifests, threads))
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
                reason=reason or ("" if key in found else f"'{' '.join(key).strip()}' was not computed"),
            )
        )
    return rows


def _measures(anchor: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(value["measure"] for value in anchor["values"]))


# --- the kinds of anchors --------------------------------------------------------------------------------


def _edited(anchor: Mapping[str, Any], manifests: Mapping[str, Manifest], threads: int) -> Found:
    hr = read_image(manifests[anchor["asset"]].path(anchor["file"])).array
    edits: dict[str, Callable[[Uint8Image], Uint8Image]] = {
        "none": lambda image: image,
        "16-levels": lambda image: image // 16 * 16 + np.uint8(8),
        "flip-last-bit": lambda image: image ^ np.uint8(1),
    }
    return _means([("", hr, edits[anchor["edit"]](hr))], anchor, manifests)


def _lr_set(anchor: Mapping[str, Any], manifests: Mapping[str, Manifest], threads: int) -> Found:
    from sisr.degrade import degrade

    scale, gold = anchor["scale"], manifests[anchor["gold"]]
    differing = 0
    for name, hr in _pictures(manifests[anchor["hr"]], scale):
        expected = read_image(gold.path(f"{anchor['folder']}{name}x{scale}.png")).array
        lr = degrade(hr, anchor["kernel"], scale, name)
        if lr.shape != expected.shape:
            raise ScoreError(f"{name}: expected LR of shape {expected.shape}, found {lr.shape}")
        differing += int(np.count_nonzero(lr != expected))
    return {(DIFFERING, ""): float(differing)}


def _pair(anchor: Mapping[str, Any], manifests: Mapping[str, Manifest], threads: int) -> Found:
    hr, sr = (read_image(manifests[anchor["asset"]].path(anchor[key])).array for key in ("hr", "sr"))
    return _means([("", hr, sr)], anchor, manifests)


def _outputs(anchor: Mapping[str, Any], manifests: Mapping[str, Manifest], threads: int) -> Found:
    pairs = outputs(manifests[anchor["hr"]], manifests[anchor["sr"]], anchor["folder"], anchor["scale"])
    return _means(pairs, anchor, manifests)


def outputs(hr: Manifest, sr: Manifest, folder: str, scale: int) -> Iterable[Images]:
    """Name, HR and SR of published files, named ``<folder><name>_...``."""
    for name, picture in _pictures(hr, scale):
        start = f"{folder}{name}_"
        file = next((file for file in sr.files if file.startswith(start)), start)
        yield name, picture, read_image(sr.path(file)).array


def _cell(anchor: Mapping[str, Any], manifests: Mapping[str, Manifest], threads: int) -> Found:
    from sisr import engines
    from sisr.degrade import degrade

    scale = anchor["scale"]
    upscaler = engines.load(
        models.get(anchor["model"]), scale, _weights(anchor, manifests), "cpu", threads=threads
    )
    pairs = (
        (name, hr, upscaler(degrade(hr, anchor["kernel"], scale, name)))
        for name, hr in _pictures(manifests[anchor["hr"]], scale)
    )
    return _means(pairs, anchor, manifests)


def _planes(anchor: Mapping[str, Any], manifests: Mapping[str, Manifest], threads: int) -> Found:
    """PSNR on luma of a network that refines or enlarges a plane, without rounding to 8 bits anywhere."""
    from sisr.colour import rgb_to_y
    from sisr.engines.pytorch import load_network
    from sisr.kernels.matlab import imresize

    scale = anchor["scale"]
    network = load_network(models.get(anchor["model"]), scale, _weights(anchor, manifests), threads=threads)
    values = []
    for _, hr in _pictures(manifests[anchor["hr"]], scale):
        y = rgb_to_y(hr)
        lr = imresize(y, 1 / scale) / 255
        sr = 255.0 * network(lr[None].astype(np.float32))[0]
        inner = np.s_[scale:-scale, scale:-scale]
        values.append(10 * math.log10(255**2 / float(np.mean((y[inner] - sr[inner]) ** 2))))
    return {("psnr@y-bt601", ""): math.fsum(values) / len(values)}


KINDS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Manifest], int], Found]] = {
    "edited": _edited,
    "lr-set": _lr_set,
    "pair": _pair,
    "outputs": _outputs,
    "cell": _cell,
    "planes": _planes,
}


def _pictures(manifest: Manifest, scale: int) -> Iterable[tuple[str, Uint8Image]]:
    for name, path in sorted(manifest.paths().items()):
        yield Path(name).stem, modcrop(read_image(path).array, scale)


def _weights(anchor: Mapping[str, Any], manifests: Mapping[str, Manifest]) -> Mapping[str, Path]:
    weights = models.get(anchor["model"]).weights_for(anchor["scale"])
    if weights is None:
        return {}
    if weights.asset is None:
        raise ConfigError(f"model '{anchor['model']}' is trained here; an anchor needs weights of an asset")
    return {role: manifests[weights.asset].path(name) for role, name in weights.files.items()}


def _means(
    pairs: Iterable[Images],
    anchor: Mapping[str, Any],
    manifests: Mapping[str, Manifest],
) -> Found:
    """Values of each image and their means, for the measures of an anchor; planes are prepared once."""
    # Here and not above: every job of the workflow reads this module, and few compute a measure.
    from sisr.metrics.fidelity import FIDELITY, prepare

    measures = [parse_measure(text) for text in _measures(anchor)]
    scale = anchor.get("scale", 1)
    paths = files.by_key({n: m.path(n) for m in manifests.values() for n in m.files})
    learned = {m: _learned(m, paths) for m in measures if m.family != "fidelity"}
    values: dict[Measure, dict[str, float]] = {measure: {} for measure in measures}
    for name, hr, sr in pairs:
        prepared: dict[str, Any] = {}
        for measure in measures:
            if measure in learned:
                values[measure][name] = learned[measure](hr, sr)
                continue
            if measure.protocol not in prepared:
                prepared[measure.protocol] = prepare(hr, sr, measure.protocol, scale)
            values[measure][name] = FIDELITY[measure.metric](prepared[measure.protocol])
    found = {(m.id, name): value for m, of in values.items() for name, value in of.items() if name}
    found |= {(m.id, ""): math.fsum(of.values()) / len(of) for m, of in values.items()}
    return found


def _learned(measure: Measure, paths: Mapping[str, Path]) -> Callable[[Uint8Image, Uint8Image], float]:
    from sisr.metrics.perceptual import LpipsScorer

    if measure.family != "lpips":
        raise ConfigError(f"anchor: measure '{measure.id}' is not certified")
    [net] = files.keys_of(measure)
    [backbone] = files.require(measure, paths)
    return LpipsScorer(net, backbone)


# --- results ---------------------------------------------------------------------------------------------


def write(rows: Sequence[Certified], path: Path) -> None:
    """Write the CSV, one row a number; the same values give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_text(getattr(row, column)) for column in COLUMNS])
    write_text(path, text.getvalue())


def _text(value: object) -> str:
    """Numbers in at most eight digits after the point, nothing for NaN."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    shown = f"{value:.8f}".rstrip("0").rstrip(".") if abs(value) >= 1e-8 or value == 0 else f"{value:.0e}"
    return "0" if shown in ("-0", "") else shown


def read(path: Path) -> list[Certified]:
    """Rows of a CSV that :func:`write` made."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = []
            for entry in csv.DictReader(stream):
                entry.pop("difference")
                for key in ("expected", "found", "tolerance"):
                    entry[key] = float(entry[key] or "nan")
                rows.append(Certified(**entry))  # type: ignore[arg-type]
            return rows
    except OSError as error:
        raise ScoreError(f"{path}: cannot read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ScoreError(f"{path}: not a table of certification: {error}") from None


def summary(rows: Sequence[Certified]) -> str:
    """One line: how many numbers pass, fail and were not run, by anchors and values."""
    counts = {status: [r for r in rows if r.status == status] for status in ("pass", "fail", "not run")}

    def anchors(of: Sequence[Certified]) -> int:
        return len({row.anchor for row in of})

    text = (
        f"{len(counts['pass'])} of {len(rows)} outside numbers ({anchors(rows)} anchors) "
        f"were computed again within their tolerance"
    )
    if counts["fail"]:
        names = ", ".join(dict.fromkeys(row.anchor for row in counts["fail"]))
        text += f"; {len(counts['fail'])} FAILED: {names}"
    if counts["not run"]:
        text += f"; {len(counts['not run'])} of {anchors(counts['not run'])} anchors were not run"
    return text + "."


def judge(rows: Sequence[Certified]) -> None:
    """Raise :class:`ScoreError`, naming each failed number, if any failed."""
    failed = [row for row in rows if row.status == "fail"]
    if not failed:
        return
    parts = []
    for row in failed:
        what = f"{row.anchor} ({' '.join(filter(None, (row.measure, row.image)))}"
        if math.isnan(row.found):
            parts.append(f"{what}: {row.reason})")
        else:
            parts.append(
                f"{what}: expected {_text(row.expected)} within {_text(row.tolerance)}, "
                f"found {_text(row.found)})"
            )
    raise ScoreError(f"certification failed: {'; '.join(parts)}")


_GROUPS = {
    "lr-set": "LR images against MATLAB's, value for value",
    "outputs": "Published pixels, scored here",
    "cell": "Models, from HR to score, against print",
    "planes": "Models in floating point, against print",
    "pair": "LPIPS on its authors' images",
    "edited": "Definitions and other programs",
}


def page(rows: Sequence[Certified], path: Path, config: Path = registry.CONFIG) -> None:
    """Write the page: summary first, failures before the rest, then a table for each kind of anchor."""
    from sisr.listing import Block, Entry, Page, write_page

    columns = (
        ("Anchor", ""), ("Measure", ""), ("Expected", ""), ("Found", ""), ("Difference", ""),
        ("Tolerance", ""), ("", ""), ("Source", ""),
    )  # fmt: skip
    kinds = {"pass": "pass", "fail": "fail", "not run": "none"}

    def line(row: Certified) -> list[Entry]:
        if math.isnan(row.found):
            shown = [Entry("—", "none")] * 2
        else:
            shown = [Entry(row.show(row.found)), Entry(row.show(row.difference, sign="+"))]
        detail = f"{row.source}{'. ' + row.reason if row.reason else ''}"
        return [
            Entry(row.label, hint=row.anchor),
            Entry(" ".join(filter(None, (row.measure, row.image)))),
            Entry(_text(row.expected)),
            *shown,
            Entry(_text(row.tolerance)),
            Entry(row.status, kinds[row.status]),
            Entry(detail, "text"),
        ]

    anchors = registry.load("anchors", config)
    blocks = []
    failed = [row for row in rows if row.status == "fail"]
    if failed:
        blocks.append(Block("Failed", columns, [line(row) for row in failed]))
    for kind, caption in _GROUPS.items():
        of_kind = [row for row in rows if anchors.get(row.anchor, {}).get("kind") == kind]
        if of_kind:
            blocks.append(Block(caption, columns, [line(row) for row in of_kind]))
    lead = [
        summary(rows),
        "Numbers that others published, or that other programs give, computed again by this run's own code "
        "from files with checksums. A measure is metric@protocol; a name behind it is one image, without one "
        "it is a mean. An anchor that was not run says why.",
    ]
    write_page(Page("Certification", lead, blocks), path)
