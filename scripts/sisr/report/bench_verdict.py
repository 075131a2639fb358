"""What ``sisr bench`` says of a network: its place, paired differences, losses by image, cost, and print.

The statistics are those of the run's comparison pages, of all pairs of its models.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sisr.analysis.shown_measures import heading, show, show_gap
from sisr.analysis.statistics.verdicts import Standing
from sisr.analysis.summaries import read_scores, read_status
from sisr.base import registry
from sisr.base.atomic import write_text
from sisr.base.rounding import fixed
from sisr.report.comparison import against
from sisr.report.pages import write_page
from sisr.report.shown_run import Names, ShownRun, image_counts, standings
from sisr.trust.references import Reference
from sisr.trust.references import load as references

#: Published values of networks within this factor of the network's parameters are of its tier.
TIER = 2
#: Images that are named where a network is behind.
MOST_LOSSES = 5
#: PSNR of two models whose images differ by so little is a matter of rounding: half of the last digit kept.
_EQUAL = 5e-7


@dataclass(frozen=True)
class Verdict:
    """A model that is placed among the others of a run, at one scale.

    ``twins`` are models of the same architecture, which it is compared with image by image; ``cost`` is
    ``cost.csv``, None where there is none.
    """

    run: ShownRun
    status: Path
    cost_table: Path | None
    model: str
    scale: int
    twins: Sequence[str] = ()

    @property
    def shown(self) -> Names:
        return self.run.names

    def lines(self) -> Iterator[str]:
        """The verdict as text."""
        scores, expected = read_scores(self.run.scores), image_counts(self.run.hr_manifests)
        found = [
            one
            for one in standings(scores, expected, self.scale, self.shown)
            if self.model in one.sample.models
        ]
        yield f"{self.shown.models[self.model]} at x{self.scale}"
        if not found:
            yield from self._why_not()
            return
        yield from self._cost()
        yield from self._places(found)
        # Where most models are compared; of equal groups the last, a pool.
        most = max(reversed(found), key=lambda one: len(one.sample.models)).sample.group
        main = [one for one in found if one.sample.group == most]
        for standing in main:
            if standing.sample.measure in self.shown.shown():
                yield ""
                yield from self._against(standing)
        first = next((one for one in main if one.sample.measure == self.shown.fidelity), main[0])
        yield from self._images(first)
        yield from self._published(found)

    def _why_not(self) -> Iterator[str]:
        """Status and reason of its cells."""
        frame = read_status(self.status)
        mine = frame[(frame["model"] == self.model) & (frame["scale"] == self.scale)]
        for dataset, state, reason in zip(mine["dataset"], mine["status"], mine["reason"], strict=True):
            yield f"  {self.shown.groups.get(dataset, dataset)}: {state}: {reason}"

    def _cost(self) -> Iterator[str]:
        cost = self.cost
        if cost.get("parameters"):
            text = f"{int(cost['parameters']):,} parameters"
            if cost.get("multiply_adds"):
                text += f", {fixed(float(cost['multiply_adds']) / 1e9, 1)} G multiply-adds for 1280x720"
            yield f"Cost: {text}"

    @property
    def cost(self) -> dict[str, str]:
        """The model's row of ``cost.csv``; empty where it has none."""
        if self.cost_table is None:
            return {}
        with self.cost_table.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            return next((r for r in rows if r["model"] == self.model and int(r["scale"]) == self.scale), {})

    def _places(self, found: Sequence[Standing]) -> Iterator[str]:
        """Its mean and place on each set under each measure."""
        shown = self.shown
        groups = list(dict.fromkeys(one.sample.group for one in found))
        width = max(len(_group(shown, found, group)) for group in groups)
        yield "Place by mean:"
        for group in groups:
            said = []
            for standing in found:
                if standing.sample.group == group:
                    here = standing.sample.models.index(self.model)
                    measure = standing.sample.measure
                    place = _place(standing, here)
                    of = f"{place} of {len(standing.sample.models)}"
                    said.append(f"{heading(measure)} {show(float(standing.means[here]), measure)} ({of})")
            yield f"  {_group(shown, found, group):<{width}}  {'   '.join(said)}"

    def _against(self, standing: Standing) -> Iterator[str]:
        """One line a model, best first: mean, difference with interval, images won, equal and lost."""
        shown, sample = self.shown, standing.sample
        measure, here = sample.measure, sample.models.index(self.model)
        labels = [shown.models.get(model, model) for model in sample.models]
        label = labels[here]
        unit = f" {measure.unit}" if measure.unit else ""
        yield (
            f"{heading(measure)} on {_group(shown, [standing], sample.group)}: {label} minus each, paired "
            f"(95 % interval; Wilcoxon's test, p after Holm over {standing.comparison.tests} pairs)"
        )
        rows = []
        for place, i in enumerate(standing.order, 1):
            mean = show(float(standing.means[i]), measure)
            if i == here:
                rows.append([f"> {place}", label, mean, "", "", "", "", ""])
                continue
            one = against(standing.comparison, here, i, labels)
            verdict = "= the same on every image" if self._same(standing, i) else one.verdict
            rows.append(
                [
                    str(place),
                    labels[i],
                    mean,
                    f"{one.difference}{unit}",
                    one.interval,
                    one.images,
                    one.p,
                    verdict,
                ]
            )
        yield from _columns(["", "model", "mean", "difference", "interval", "+ / = / −", "", ""], rows)
        order = list(standing.order)
        at = order.index(here)
        above = [i for i in order[:at] if not self._same(standing, i)]
        below = [i for i in order[at + 1 :] if not self._same(standing, i)]
        near = [f"next better: {labels[above[-1]]}" if above else "none is better by its mean"]
        near += [f"next worse: {labels[below[0]]}"] if below else []
        yield f"  {'; '.join(near)}"

    def _same(self, standing: Standing, other: int) -> bool:
        """Whether the model has another's value on every image."""
        values = standing.sample.values
        here = standing.sample.models.index(self.model)
        with np.errstate(invalid="ignore"):
            gaps = np.abs(values[:, here] - values[:, other])
        return bool(np.all((gaps <= _EQUAL) | (values[:, here] == values[:, other])))

    def _images(self, standing: Standing) -> Iterator[str]:
        """Images on which it is behind its twins, or, without such, behind the next better model."""
        shown, sample = self.shown, standing.sample
        here, measure = sample.models.index(self.model), sample.measure
        twins = [sample.models.index(one) for one in self.twins if one in sample.models]
        order = list(standing.order)
        better = [i for i in order[: order.index(here)] if not self._same(standing, i)]
        for other in twins or better[-1:]:
            yield ""
            label = shown.models.get(sample.models[other], sample.models[other])
            of = f"{label}, of the same architecture" if other in twins else label
            gaps = np.round(sample.values[:, here] - sample.values[:, other], 6)
            sign = 1.0 if measure.direction == "higher" else -1.0
            if self._same(standing, other):
                zero = show_gap(0.0, measure)
                yield f"Against {of}: {measure.label} {zero} {measure.unit} on all {sample.n} images"
                continue
            lost = [i for i in np.argsort(sign * gaps, kind="stable") if sign * gaps[i] < 0]
            yield f"Against {of}: {measure.label} is behind on {len(lost)} of {sample.n} images"
            for i in lost[:MOST_LOSSES]:
                yield f"  {sample.images[i]}: {show_gap(float(gaps[i]), measure)} {measure.unit}"
            if len(lost) > MOST_LOSSES:
                yield f"  and {len(lost) - MOST_LOSSES} more, see scores.csv"

    def _published(self, found: Sequence[Standing]) -> Iterator[str]:
        """Printed values of networks of its size, that it meets or not."""
        parameters = self.cost.get("parameters")
        means = {
            (one.sample.group, one.sample.kernel, one.sample.measure.id): (
                float(one.means[one.sample.models.index(self.model)]),
                one.sample.measure,
            )
            for one in found
        }
        lines: dict[tuple[str, str, str], list[tuple[bool, str]]] = {}
        for printed in references():
            key = (printed.dataset, printed.kernel, printed.measure)
            if printed.scale != self.scale or printed.planes or key not in means:
                continue
            if not _of_tier(printed, parameters):
                continue
            mean, measure = means[key]
            digits = max(measure.digits, len(f"{printed.value:g}".partition(".")[2]))
            better = mean >= printed.value if measure.direction == "higher" else mean <= printed.value
            met = better or float(fixed(mean, digits)) == printed.value
            group = self.shown.groups.get(printed.dataset, printed.dataset)
            sign = "+" if met else "−"
            text = f"{sign} {measure.label} {fixed(printed.value, digits)} (here {fixed(mean, digits)})"
            lines.setdefault((printed.label, group, printed.source.title), []).append((met, text))
        if lines:
            every = [met for line in lines.values() for met, _ in line]
            tier = f"half to twice its {int(parameters):,} parameters" if parameters else "any size"
            yield ""
            yield f"Published values of networks of {tier}, met or beaten (+) {sum(every)} of {len(every)}:"
            rows = [
                [label, group, "  ".join(text for _, text in of)] for (label, group, _), of in lines.items()
            ]
            widths = [max(len(row[i]) for row in rows) for i in range(2)]
            yield from (f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)


def make_verdict(verdicts: Sequence[Verdict], text: Path, page: Path) -> None:
    """Write the verdicts at all scales as text, and as a page."""
    written = "\n\n".join("\n".join(one.lines()) for one in verdicts) + "\n"
    write_text(text, written)
    label = verdicts[0].shown.models[verdicts[0].model]
    write_page("verdict.html.j2", page, label=label, text=written)


def _of_tier(printed: Reference, parameters: str | None) -> bool:
    if not parameters:
        return True
    # A published model need not be in the registry.
    its = registry.load("models").get(printed.model, {}).get("parameters", 0)
    return its > 0 and int(parameters) / TIER <= its <= int(parameters) * TIER


def _place(standing: Standing, here: int) -> int:
    """1 for the best; models of one printed mean share a place."""
    measure = standing.sample.measure
    shown = [show(float(standing.means[i]), measure) for i in standing.order]
    return 1 + shown.index(show(float(standing.means[here]), measure))


def _group(shown: Names, found: Sequence[Standing], group: str) -> str:
    n = next(one.sample.n for one in found if one.sample.group == group)
    return f"{shown.groups.get(group, group)} ({n} images)"


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of text in columns, the second to the left and the others to the right."""
    widths = [max(len(line[i]) for line in (heads, *rows)) for i in range(len(heads))]
    for line in (heads, *rows):
        cells = [
            f"{text:<{width}}" if i in (1, len(heads) - 1) else f"{text:>{width}}"
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()
