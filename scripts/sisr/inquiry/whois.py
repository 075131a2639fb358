"""Which kernel made a set of LR images: exactly, or what comes nearest and what was done besides.

Every deterministic kernel of the registry, and what may be beside it (:mod:`sisr.inquiry.candidates`), is
tried on a part of a few images; those that give the LR image there are tried on all images, whole.  Where
none does, the nearest are told, and what departs from them is looked for: another place in HR, JPEG, a blur,
noise.  Images that are not what the others are, are named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.audit import Shift, median_shift
from sisr.analysis.phase import image_shift
from sisr.base import registry
from sisr.base.errors import ConfigError, ImageError
from sisr.base.images import modcrop
from sisr.base.ordered import map_ordered
from sisr.inquiry import blur, compression, placement
from sisr.inquiry.candidates import (
    NOTHING,
    Candidate,
    LrDifference,
    difference,
    probe,
    registered,
    uncropped,
    unregistered,
    with_jpeg,
)
from sisr.inquiry.identity import Identity, Oddity
from sisr.inquiry.placement import PairReader
from sisr.scoring.score import Pair

Pixels = NDArray[np.uint8]

#: Images that all candidates are tried on, and nearest candidates that are looked at where none is exact.
_PROBED, _NEAREST = 5, 3
#: JPEG explains an image that it brings nearer than this times what was left without.
_EXPLAINS = 0.5


def identify(
    hr_dir: Path,
    lr_dir: Path,
    scale: int | None = None,
    *,
    threads: int = 2,
    config: Path = registry.CONFIG,
) -> Identity:
    """Which kernel made the LR images of a folder of the HR images of another.

    Images are paired by their names.  Memory does not grow with their number.  Raises :class:`ImageError` for
    folders that cannot be paired and files that cannot be read.
    """
    pairs, found_scale, note = placement.pair_folders(Path(hr_dir), Path(lr_dir), scale)
    return identify_pairs(pairs, found_scale, threads=threads, config=config, notes=(note,) if note else ())


def identify_pairs(
    pairs: Sequence[Pair],
    scale: int,
    *,
    threads: int = 2,
    config: Path = registry.CONFIG,
    notes: tuple[str, ...] = (),
) -> Identity:
    """As :func:`identify` for pairs whose ``sr_path`` is the LR image."""
    return _Inquiry(list(pairs), scale, threads, config, notes).run()


class _Inquiry:
    def __init__(
        self, pairs: list[Pair], scale: int, threads: int, config: Path, notes: tuple[str, ...]
    ) -> None:
        self.pairs, self.scale, self.threads, self.config = pairs, scale, threads, config
        self.notes = list(notes)
        self.read = PairReader(scale)
        known = registered(scale, config)
        self.all = [*known, *unregistered(known)]
        self.whole = uncropped(scale, config)
        self.unusable: set[str] = set()
        self.found: list[str] = []
        self.odd: dict[str, str] = {}

    # --- the course of it

    def run(self) -> Identity:
        few = self.spread(self.pairs)
        alive, near = self.probed(few)
        if not alive:
            self.in_order()
            few = self.spread([pair for pair in self.pairs if pair.image not in self.odd] or self.pairs)
            alive, near = self.probed(few)
        if not alive:
            alive, near = self.placed(few, near)
        stated = self.stated_jpeg()
        if not alive:
            alive = self.compressed(few, near)
        if exact := self.everywhere(alive or near[:_NEAREST]):
            return self.told(exact, stated)
        return self.unknown(few, alive or near, stated)

    def spread(self, pairs: Sequence[Pair]) -> list[Pair]:
        count = min(len(pairs), _PROBED)
        return [pairs[number * len(pairs) // count] for number in range(count)]

    def probed(
        self, pairs: Sequence[Pair], candidates: Sequence[Candidate] | None = None
    ) -> tuple[list[Candidate], list[Candidate]]:
        """Candidates that are exact on a part of some image; and all, the nearest first."""
        sums: dict[str, LrDifference] = {}
        exact: dict[str, int] = {}
        tried: dict[str, Candidate] = {}

        def one(pair: Pair) -> list[tuple[Candidate, LrDifference]]:
            hr, lr, inner = self.read(pair)
            chosen = self.all if candidates is None else candidates
            if candidates is None and any(side % self.scale for side in hr.shape[:2]):
                chosen = [*self.all, *self.whole]
            rows = []
            for candidate in chosen:
                if candidate.whole:  # where HR is cut matters
                    parts, margin = (hr, lr), inner
                else:
                    *parts, margin = probe(hr, lr, self.scale)  # type: ignore[assignment]
                made = self.make(candidate, parts[0])
                gap = None if made is None else difference(made, parts[1], max(margin, inner))
                if gap is not None:
                    rows.append((candidate, gap))
            return rows

        for rows in map_ordered(one, pairs, self.threads):
            for candidate, gap in rows:
                tried[candidate.name] = candidate
                sums[candidate.name] = sums.get(candidate.name, NOTHING) + gap
                exact[candidate.name] = exact.get(candidate.name, 0) + gap.exact
        order = sorted(tried, key=lambda name: sums[name].mean)
        return [tried[name] for name in tried if exact[name]], [tried[name] for name in order]

    def make(self, candidate: Candidate, hr: Pixels) -> Pixels | None:
        if candidate.name in self.unusable:
            return None
        try:
            return candidate.make(hr, self.scale)
        except (ConfigError, ImportError) as error:  # a library that is not here
            self.unusable.add(candidate.name)
            self.notes.append(f"{candidate.name}: not tried: {error}")
        except ImageError:  # too small
            pass
        except ValueError:
            if not candidate.whole:  # made for multiples of the scale, and not all can do with others
                raise
        return None

    def in_order(self) -> None:
        """Put pairs right whose LR image shows another HR image; few such are exceptions."""
        if len(self.pairs) < 2:
            return
        other = placement.owners(self.pairs)
        if len(other) * 2 > len(self.pairs) and len(set(other.values())) == len(other):
            hr = {pair.image: pair.hr_path for pair in self.pairs}
            self.pairs = [replace(pair, hr_path=hr[other.get(pair.image, pair.image)]) for pair in self.pairs]
            self.found.append(f"pairs are in another order ({len(other)} of {len(self.pairs)} wrong)")
        else:
            self.odd |= {image: f"shows {of}" for image, of in other.items()}

    def placed(self, few: Sequence[Pair], near: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
        """Look for LR elsewhere in HR than at its top left."""
        votes: dict[tuple[int, int], int] = {}
        misfits = 0
        for pair in few:
            hr, lr, _ = PairReader(self.scale)(pair)
            misfits += lr.shape[:2] != tuple(side // self.scale for side in hr.shape[:2])
            spare = [a - b * self.scale for a, b in zip(hr.shape[:2], lr.shape[:2], strict=True)]
            centred = (spare[0] // 2, spare[1] // 2)
            for place in dict.fromkeys(
                [*placement.places(hr, lr, self.scale), centred, (spare[0], spare[1])]
            ):
                votes[place] = votes.get(place, 0) + 1
        likely = sorted(votes, key=lambda place: -votes[place])[:8]
        for place in likely:
            if place == (0, 0) and not misfits:
                continue
            self.read = PairReader(self.scale, place)
            alive, order = self.probed(few, self.all)
            if alive:
                self.found.append(
                    f"LR begins {place[0]} HR pixels down and {place[1]} right of HR's top left corner"
                )
                return alive, order
        self.read = PairReader(self.scale)
        if misfits and likely:
            self.read = PairReader(self.scale, likely[0])
            self.found.append(
                f"LR is not of HR's size: it fits best {likely[0][0]} HR pixels down and {likely[0][1]} right"
            )
            return self.probed(few, self.all)
        return [], near

    def stated_jpeg(self) -> str:
        """What the files say of themselves, if all are JPEG and say the same."""
        said = {str(compression.of_file(pair.sr_path) or "") for pair in self.pairs}
        text = said.pop() if len(said) == 1 else ""
        if said:
            self.notes.append(f"files differ in what they say of JPEG: {', '.join(sorted(said - {''}))}")
        return text

    def compressed(self, few: Sequence[Pair], near: Sequence[Candidate]) -> list[Candidate]:
        """Candidates with JPEG after them, of the quality that files or pixels show, where they are exact."""
        plain = [c for c in near if not c.jpeg and "jpeg" not in (c.kernel or "")]
        found: list[Candidate] = []
        for pair in few[:2]:
            hr, lr, inner = self.read(pair)
            seen = compression.of_file(pair.sr_path) or compression.in_pixels(lr)
            if seen is not None and seen.quality is not None:
                kind = "4:2:0" if seen.subsampling == "gray" else seen.subsampling
                found += [with_jpeg(candidate, seen.quality, kind) for candidate in plain]
                continue
            part, small, margin = probe(hr, lr, self.scale)
            for candidate in plain[:_NEAREST]:
                made = self.make(candidate, part)
                if made is None or made.shape != small.shape:
                    continue
                jpeg, left = compression.nearest_quality(made, small, max(margin, inner))
                if left == 0 and jpeg.quality is not None:
                    found.append(with_jpeg(candidate, jpeg.quality, jpeg.subsampling))
        unique = list({candidate.name: candidate for candidate in found}.values())
        return self.probed(few, unique)[0] if unique else []

    # --- what is told

    def everywhere(self, alive: Sequence[Candidate]) -> list[tuple[Candidate, LrDifference]]:
        """Candidates that are exact on most images, with their sum over these; the others become oddities."""

        def one(pair: Pair) -> tuple[Pair, list[LrDifference | None]]:
            hr, lr, inner = self.read(pair)
            gaps = []
            for candidate in alive:
                made = self.make(candidate, hr)
                gaps.append(None if made is None else difference(made, lr, inner))
            return pair, gaps

        rows = list(map_ordered(one, self.pairs, self.threads))
        wins = [sum(1 for _, gaps in rows if (gap := gaps[n]) and gap.exact) for n in range(len(alive))]
        most = max(wins, default=0)
        if most * 2 <= len(self.pairs) or not most:
            return []
        chosen = [n for n, count in enumerate(wins) if count == most]
        first = chosen[0]
        total = NOTHING
        strange = []
        for pair, gaps in rows:
            gap = gaps[first]
            if gap is not None and gap.exact:
                total += gap
            else:
                strange.append((pair, gap))
        if strange:
            self.explain_each(strange)
        return [(alive[n], total) for n in chosen]

    def explain_each(self, strange: Sequence[tuple[Pair, LrDifference | None]]) -> None:
        """What the images are that the kernel of the others did not make."""
        shown = placement.owners(self.pairs)
        for pair, gap in strange:
            by = (
                f"{100 * gap.share:.1f} % of values differ, by up to {gap.largest}" if gap else "another size"
            )
            if pair.image in shown:
                self.odd[pair.image] = f"shows {shown[pair.image]} ({by})"
                continue
            alone = _Inquiry([pair], self.scale, 1, self.config, ()).run()
            what = f"is {alone.exact[0]}" if alone.exact else f"nearest is {alone.nearest}"
            self.odd[pair.image] = "; ".join([f"{what} ({by})", *alone.found])

    def told(self, exact: Sequence[tuple[Candidate, LrDifference]], stated: str) -> Identity:
        # What the registry has comes first, and of uncropped HR only what cropping does not explain.
        names = [candidate for candidate, _ in exact]
        plain = [c for c in names if not c.whole] or names
        ordered = sorted(plain, key=lambda c: (c.kernel is None, bool(c.jpeg)))
        first = ordered[0]
        return self.identity(
            exact=tuple(c.name for c in ordered),
            chosen=first,
            gap=exact[0][1],
            phase=first.phase,
            jpeg=first.jpeg or stated,
        )

    def identity(
        self,
        *,
        exact: tuple[str, ...],
        chosen: Candidate | None,
        gap: LrDifference,
        phase: tuple[float, float] | None,
        jpeg: str,
        **more: Any,
    ) -> Identity:
        return Identity(
            scale=self.scale,
            images=len(self.pairs),
            tried=len(self.all) - len(self.unusable),
            exact=exact,
            nearest=chosen.name if chosen else "none",
            difference=gap,
            kernel=chosen.kernel if chosen and exact else None,
            border=chosen.border if chosen else "",
            rounding=chosen.rounding if chosen else "",
            phase=phase,
            found=tuple(self.found),
            oddities=tuple(Oddity(image, what) for image, what in self.odd.items()),
            jpeg=jpeg,
            notes=tuple(self.notes),
            **more,
        )

    def unknown(self, few: Sequence[Pair], near: Sequence[Candidate], stated: str) -> Identity:
        """The nearest of what is known, and what can be measured."""
        if not near:
            raise ImageError(
                f"{self.pairs[0].sr_path}: no kernel makes an image of this size of {self.pairs[0].hr_path}"
            )
        best, gap = self.nearest(few, near[:_NEAREST])
        shift = self.shift(few)
        phase = None if math.isnan(shift.down) else (shift.down, shift.right)
        jpeg, rest = self.jpeg_of(few, best), None
        if jpeg:
            self.found.append(f"then {jpeg}")
        else:
            rest = self.blurred(few, best)
        spread = rest[0] if rest else None
        noise = rest[1] if rest else None
        if spread is not None:
            self.found.append(f"as of {spread}")
        if noise is not None and noise > 0.4:
            self.found.append(f"with white noise of sigma {noise:.1f}")
        if phase is not None and shift.size > max(0.15, shift.error if math.isfinite(shift.error) else 0):
            self.found.append(f"shifted by {phase[0]:+.2f} HR pixels down and {phase[1]:+.2f} right")
        return self.identity(
            exact=(), chosen=best, gap=gap, phase=phase, jpeg=jpeg or stated, blur=spread, noise=noise
        )

    def nearest(self, few: Sequence[Pair], near: Sequence[Candidate]) -> tuple[Candidate, LrDifference]:
        sums = [NOTHING] * len(near)
        for pair in few:
            hr, lr, inner = self.read(pair)
            for number, candidate in enumerate(near):
                made = self.make(candidate, hr)
                gap = None if made is None else difference(made, lr, inner)
                if gap is not None:
                    sums[number] += gap
        best = min(range(len(near)), key=lambda n: sums[n].mean if sums[n].values else math.inf)
        return near[best], sums[best]

    def shift(self, few: Sequence[Pair]) -> Shift:
        def one(pair: Pair) -> tuple[float, float]:
            hr, lr, _ = self.read(pair)
            height, width = lr.shape[:2]
            part = modcrop(hr, self.scale)[: height * self.scale, : width * self.scale]
            if part.shape[:2] != (height * self.scale, width * self.scale):
                return math.nan, math.nan
            return image_shift(part, lr, self.scale, self.scale)

        return median_shift(map_ordered(one, few[:3], self.threads))

    def jpeg_of(self, few: Sequence[Pair], best: Candidate) -> str:
        """JPEG after the nearest candidate, where it explains most of what is left."""
        votes: list[compression.Jpeg] = []
        for pair in few[:3]:
            hr, lr, inner = self.read(pair)
            part, seen, margin = probe(hr, lr, self.scale)
            made = self.make(best, part)
            if made is None or made.shape != seen.shape or "jpeg" in (best.kernel or ""):
                continue
            found = compression.in_pixels(lr)
            if found is not None:
                votes.append(found)
                continue
            plain = difference(made, seen, max(margin, inner))
            jpeg, left = compression.nearest_quality(made, seen, max(margin, inner))
            if plain is not None and left < _EXPLAINS * plain.mean:
                votes.append(jpeg)
        return str(max(set(votes), key=votes.count)) if len(votes) * 2 > len(few[:3]) else ""

    def blurred(self, few: Sequence[Pair], best: Candidate) -> tuple[blur.Blur | None, float | None] | None:
        """Blur, unless a known kernel is as near; and noise."""

        def one(pair: Pair) -> tuple[blur.Blur | None, float, float | None]:
            hr, lr, inner = self.read(pair)
            made = self.make(best, hr)
            if made is None or made.shape != lr.shape:
                return None, math.inf, None
            cut = np.s_[inner : lr.shape[0] - inner, inner : lr.shape[1] - inner]
            greens = [
                (image if image.ndim == 2 else image[..., 1])[cut].astype(float) for image in (made, lr)
            ]
            error, noise = blur.noise_of(greens[0], greens[1])
            return blur.fit(modcrop(hr, self.scale), lr, self.scale), error, noise

        rows = [row for row in map_ordered(one, few, self.threads) if math.isfinite(row[1])]
        fits = [(spread, error) for spread, error, _ in rows if spread is not None]
        if fits and np.median([spread.error / max(error, 1e-9) for spread, error in fits]) < 0.97:
            middle = sorted((spread for spread, _ in fits), key=lambda spread: spread.width)[len(fits) // 2]
            return middle, _median(spread.noise for spread, _ in fits)
        return None, _median(noise for *_, noise in rows)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    every = list(known)
    return float(np.median(every)) if every else None
