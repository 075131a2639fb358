"""The result tables of a run, with what a reader must know of the models' training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sisr.analysis import summaries
from sisr.base import registry
from sisr.report import table_writers, tables
from sisr.report.shown_run import ShownRun, image_counts, standings, summary_of


def make_tables(
    run: ShownRun, status: Path, scale: int, out: Path, trained: Mapping[str, Path] | None = None
) -> None:
    """Write ``out/x{scale}.csv``, ``.md``, ``.tex`` and ``.html``.

    ``trained``: models that were trained by a recipe, and their weights, which know of test images among
    those they were trained on.
    """
    from sisr.analysis.statistics.verdicts import with_certainty

    frame, shown = summaries.read_scores(run.scores), run.names
    expected = image_counts(run.hr_manifests)
    summary = with_certainty(summary_of(frame, run), standings(frame, expected, scale, shown))
    caveats = training_caveats(shown.models, shown.datasets, trained or {})
    table_writers.render(summary, summaries.read_status(status), shown, scale, out, caveats)


def training_caveats(
    models: Iterable[str],
    datasets: Mapping[str, str],
    trained: Mapping[str, Path],
    config: Path = registry.CONFIG,
) -> dict[str, tables.Caveat]:
    """Models whose training data hold images of a dataset (id -> label), or are not known.

    From ``trained_on`` of models and ``leakage`` of datasets; of models that were trained by a recipe, from
    what was found before training.
    """
    from sisr.models.model_entries import entry_of
    from sisr.models.trained_weights import metadata_of

    sets = registry.load("datasets", config)
    caveats = {}
    for model in models:
        entry = entry_of(model, config)
        if entry.get("engine") == "interpolation":
            continue
        found: list[str] = []
        if model in trained:
            images: dict[str, list[str]] = {}
            for hit in metadata_of(trained[model]).get("leakage", []):
                images.setdefault(hit["dataset"], []).append(hit["image"])
            found = [
                f"{label}: {', '.join(images[name])}" for name, label in datasets.items() if name in images
            ]
        elif "trained_on" not in entry:
            caveats[model] = tables.Caveat("‡", "Training data not stated, test images may be among them")
            continue
        for source in entry.get("trained_on", []):
            held = [label for name, label in datasets.items() if source in sets[name].get("leakage", [])]
            found += [f"{source} has images of {', '.join(held)}"] if held else []
        if found:
            caveats[model] = tables.Caveat("†", "Trained on test images", "; ".join(found))
    return caveats
