"""Rule render_site: pages, scripts and data of a run's site."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.models.model_entries import get
from sisr.report.shown_run import run_of
from sisr.report.site.build import Extras, build_site
from sisr.report.site.origins import Origins, devices, weights
from sisr.training.curves import file_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def paths(files):
    return [Path(file) for file in files]


with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    sources = [
        *(
            (model, scale, Path(file), [])
            for (model, scale), file in zip(params.weights, given.weights, strict=True)
        ),
        *((model, scale, None, paths(files)) for model, scale, files in params.own),
    ]
    found = {(model, scale): weights(get(model), scale, source, own) for model, scale, source, own in sources}
    lessons = {}
    for lesson, file in zip(params.lessons, paths(given.lessons), strict=True):
        lessons.setdefault(lesson, []).append(file)
    extras = Extras(
        ranks=paths(given.ranks),
        pairs=paths(given.pairs),
        cost=Path(given.cost) if given.cost else None,
        curves={
            f"{label} ×{scale}": file_of(path, scale)
            for (label, scale), path in zip(params.curves, paths(given.curves), strict=True)
        },
        certification=Path(given.certification) if given.certification else None,
        crops=paths(given.crops),
        images=dict(zip(params.cells, paths(given.images), strict=True)),
        lessons=lessons,
    )
    origins = Origins(
        weights={key: one for key, one in found.items() if one is not None},
        devices=devices(zip(params.shards, paths(given.sr), strict=True)),
        facts=dict(zip(params.names["models"], params.facts, strict=True)),
    )
    build_site(
        Path(snakemake.output.page).parent,
        run_of(given, params),
        Path(given.status),
        Path(given.provenance),
        extras,
        origins,
    )
