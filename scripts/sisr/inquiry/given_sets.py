"""LR sets that a dataset gives: which kernel made them, and whether that is what they are said to be.

What is found lies beside the manifest of the LR set, from where tables and pages take it: reading it needs
nothing of what identifies.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sisr.base import registry
from sisr.base.atomic import write_json
from sisr.base.cells import GIVEN
from sisr.base.errors import ImageError, ManifestError

if TYPE_CHECKING:
    from sisr.analysis.audit import KernelPhase
    from sisr.inquiry.identity import Identity

#: Images of a set that are looked at, evenly chosen: at most and at least, and LR pixels of them between.
MOST, _LEAST, _PIXELS = 20, 5, 1_500_000
#: A kernel is called the nearest where it differs in at most this share of values, or by one level.
_NEAR = 0.1
#: Sets that a label tells apart.
_TOLD = 3
#: Of a path, that many folders name what is in it, not counting those that are a scale alone.
_NAMING = 2
#: How the field abbreviates; and what is in names of kernels and in names of much else.
_SHORT, _COMMON = {"bi": "bicubic", "bic": "bicubic"}, {"area", "box", "linear", "motion"}


@dataclass(frozen=True)
class GivenSet:
    """What is known of an LR set that was given.

    ``label``: what made it, in few words; ``sentence``: the same with numbers; ``looked_at`` of its
    ``images`` say so.  ``warnings``: where it is not what it is said to be, a line each.
    """

    dataset: str
    scale: int
    images: int
    looked_at: int
    label: str
    sentence: str
    warnings: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> GivenSet:
        """Read what :func:`identify_given` wrote; :class:`ManifestError` in one line where it cannot be."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            found = cls(**{one.name: document[one.name] for one in fields(cls)})
            return replace(found, warnings=tuple(found.warnings))
        except OSError as error:
            raise ManifestError(f"{path}: cannot read: {error.strerror}") from None
        except (ValueError, TypeError, KeyError) as error:
            raise ManifestError(f"{path}: not what identifying an LR set writes: {error!r}") from None

    def remarks(self, label: str) -> list[str]:
        """What stands below a table that has the set, as the dataset ``label``."""
        many = f"{self.looked_at} of {self.images} images looked at"
        found = f"LR images given by {label} ×{self.scale} ({many}): {self.sentence}"
        return [found, *(f"Warning: {line}." for line in self.warnings)]


def read_all(paths: Iterable[str | Path]) -> tuple[GivenSet, ...]:
    return tuple(GivenSet.read(Path(path)) for path in paths)


def shown_label(found: Sequence[GivenSet], datasets: Mapping[str, str]) -> str:
    """What stands for the kernel where these sets are shown together; ``datasets``: id -> label."""
    if len(labels := dict.fromkeys(one.label for one in found)) == 1:
        return f"given ({next(iter(labels))})"
    if len(found) > _TOLD:
        return f"given ({len(found)} sets, not of one kernel)"
    scales = {one.scale for one in found}
    parts = (
        f"{datasets.get(one.dataset, one.dataset)}{f' ×{one.scale}' if len(scales) > 1 else ''}: {one.label}"
        for one in found
    )
    return f"given ({'; '.join(parts)})"


def with_found(
    kernels: Mapping[str, str], found: Sequence[GivenSet], datasets: Mapping[str, str]
) -> dict[str, str]:
    """Labels of kernels, id -> label, with what was found in place of the label of given LR images."""
    return {**kernels, **({GIVEN: shown_label(found, datasets)} if found else {})}


# --- identifying ------------------------------------------------------------------------------------------


def identify_given(
    hr_manifest: Path,
    lr_manifest: Path,
    said: Mapping[str, Any],
    out: Path,
    *,
    threads: int = 2,
    config: Path = registry.CONFIG,
) -> GivenSet:
    """Find what made a given LR set, and write it to ``out``; warnings go to the log too.

    ``said``: what the dataset's entry says of the set: ``label``, ``folder`` of the LR images, ``lr_kernel``.
    """
    from sisr.base.manifest import HrManifest, LrManifest
    from sisr.inquiry.whois import identify_pairs
    from sisr.scoring.score import Pair

    hr_set, lr_set = HrManifest.read(hr_manifest), LrManifest.read(lr_manifest)
    pixels = sum(image.height * image.width for image in lr_set.images) // len(lr_set.images)
    count = min(len(lr_set.images), MOST, max(_LEAST, _PIXELS // max(1, pixels)))
    chosen = [lr_set.images[number * len(lr_set.images) // count] for number in range(count)]
    pairs = [Pair(image.name, hr_set.files[image.name], lr_set.path_of(image)) for image in chosen]
    known = registry.load("kernels", config)
    identity = None
    try:
        identity = identify_pairs(pairs, lr_set.scale, threads=threads, config=config)
        label, sentence = _label(identity, known), identity.sentence()
    except ImageError as error:  # such as images too small for any kernel: the run goes on without
        label, sentence = "not identified", f"{error}."
    said_wrongly = [] if identity is None else _warnings(identity, _claims(said, known), known)
    said_wrongly += _other_scales(said, lr_set.scale)
    found = GivenSet(
        dataset=lr_set.dataset,
        scale=lr_set.scale,
        images=len(lr_set.images),
        looked_at=count,
        label=label,
        sentence=sentence,
        warnings=tuple(f"{lr_set.dataset} x{lr_set.scale}: {text}" for text in said_wrongly),
    )
    for line in found.warnings:
        logging.warning("%s", line)
    write_json(out, {**asdict(found), "identity": identity.as_json() if identity else None})
    return found


def _label(identity: Identity, known: Mapping[str, Any]) -> str:
    name = identity.exact[0] if identity.exact else identity.nearest
    kernel = next((one for one in known if name == one or name.startswith((f"{one},", f"{one} of "))), None)
    if kernel is not None:
        name = known[kernel]["label"] + name.removeprefix(kernel)
    if identity.exact:
        same = identity.images - len(identity.oddities)
        exact = "exact" if not identity.oddities else f"exact in {same} of {identity.images}"
        return "; ".join([f"{name}, {exact}", *identity.found])
    gap = identity.difference
    if gap.share <= _NEAR or gap.largest <= 1:
        return f"nearest {name}, {100 * gap.share:.1f} % of values differ"
    measured = []
    noisy = identity.noise is not None and identity.noise > 0.4
    if identity.blur is not None:
        measured.append(f"blur width about {identity.blur.width:.1f}")
    elif noisy:  # what is left of the nearest is noise alone
        measured.append(f"nearest {name}")
    if identity.jpeg:
        measured.append(identity.jpeg)
    if noisy:
        measured.append(f"noise sigma about {identity.noise:.1f}")
    return "; ".join(["no registered kernel", *measured])


class _Claim(NamedTuple):
    """Where something says which kernel made a set, and the kernels that it may mean."""

    by: str
    kernels: tuple[str, ...]


def _claims(said: Mapping[str, Any], known: Iterable[str]) -> list[_Claim]:
    """What the entry says itself; without that, what the names of dataset and folder say."""
    if "lr_kernel" in said:
        # Whoever says `given` says that names mean nothing.
        return [_Claim("lr_kernel", (said["lr_kernel"],))] if said["lr_kernel"] != GIVEN else []
    parts = {kernel: set(kernel.split("-")) for kernel in known}
    spoken = {word for words in parts.values() for word in words if not word.isdigit()}
    found = []
    for text in _names(said):
        bare = (re.sub(r"x\d$", "", word) for word in re.split(r"[^a-z0-9]+", text.lower()))
        words = {_SHORT.get(word, word) for one in bare for word in (one, one.removeprefix("lr"))} & spoken
        kernels = tuple(kernel for kernel, has in parts.items() if words <= has)
        if kernels and not words <= _COMMON:
            found.append(_Claim(f"the name '{text}'", kernels))
    return found


def _names(said: Mapping[str, Any]) -> list[str]:
    folders = [part for part in Path(said["folder"]).parts if not re.fullmatch(r"[xX]?\d", part)]
    return [said["label"], *folders[-_NAMING:]]


def _other_scales(said: Mapping[str, Any], scale: int) -> list[str]:
    """The sizes are right, or the set would not have been taken; its folder may still name another scale."""
    for part in reversed(Path(said["folder"]).parts[-_NAMING - 1 :]):
        named = {int(number) for number in re.findall(r"x(\d)(?![0-9a-z])", part.lower())}
        if named:
            wrong = scale not in named
            return [f"the folder '{part}' names another scale than its images have"] if wrong else []
    return []


def _warnings(identity: Identity, claims: Iterable[_Claim], known: Mapping[str, Any]) -> list[str]:
    found = []
    for claim in claims:
        if identity.exact:
            right = any(name in claim.kernels for name in identity.exact)
        else:  # a random kernel's images are told as none
            right = any(known[kernel].get("random") for kernel in claim.kernels if kernel in known)
        if not right:
            one = len(claim.kernels) == 1
            says = f"says {known[claim.kernels[0]]['label']}, but" if one else "says otherwise:"
            found.append(f"{claim.by} {says} LR is by {_label(identity, known)}")
            break
    if any("another order" in text for text in identity.found):
        found.append("most LR images show another HR image than their own")
    if identity.oddities:
        which = ", ".join(f"{odd.image} {odd.what}" for odd in identity.oddities)
        found.append(f"not all LR images are of one make: {which}")
    return found


def label_of_given(found: Sequence[GivenSet], row: KernelPhase) -> str | None:
    """What stands for the kernel of one set of the phase audit; None for a set that was made."""
    mine = [one for one in found if (one.dataset, GIVEN, one.scale) == (row.dataset, row.kernel, row.scale)]
    return shown_label(mine, {}) if mine else None


def found_beside(folder: Path, sets: Iterable[tuple[str, str, int]]) -> tuple[GivenSet, ...]:
    """Of a run's folder, what was found of those of its LR sets that were given."""
    paths = (
        folder / "lr" / dataset / GIVEN / f"x{scale}.identity.json"
        for dataset, kernel, scale in sets
        if kernel == GIVEN
    )
    return read_all(path for path in paths if path.is_file())
