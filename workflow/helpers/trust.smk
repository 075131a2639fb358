# Trust: what is certified and compared with print, and on which cells.
from sisr.trust import anchors
from sisr.trust.references import errata, missing_measures, of_cells

ANCHORS = or_workflow_error(anchors.chosen, RUN.certify) if RUN.certify != "none" else {}
PUBLISHED_ASSETS = ["set5", "rcan-set5-outputs"]


ANCHOR_ASSETS = list(
    dict.fromkeys(
        asset for anchor in ANCHORS.values() for asset in or_workflow_error(anchors.assets_of, anchor)
    )
)


def anchor_models():
    """What the registry says of the models that anchors run, so that new weights are certified anew."""
    return {name: kept(entry_of(name), *MODEL_KEYS) for name in anchored("model")}


def anchored(axis):
    """Registered models or kernels that anchors name."""
    entries = registry.load(f"{axis}s")
    return [
        name
        for name in dict.fromkeys(anchor[axis] for anchor in ANCHORS.values() if axis in anchor)
        if name in entries
    ]


def anchor_code(wildcards):
    models = [or_workflow_error(get_model, name) for name in anchored("model")]
    return {**code_of_models(models), **code_of_kernels(anchored("kernel"))}


# Cells with a reference under a protocol that the run does not compute anyway.
REFERENCE_CELLS = list(or_workflow_error(missing_measures, RUN.cells, RUN.measures))


REFERENCE_MEASURES = [*RUN.measures, *(reference.measure for reference in of_cells(RUN.cells))]


# Cells that are scored under all protocols, on LR images of the run's first kernel.
PIXEL_CELLS = [
    cell
    for cell in RUN.cells
    if cell.dataset == RUN.same_pixels.get("dataset")
    and cell.kernel == RUN.values("kernel")[0]
    and cell.model in RUN.same_pixels.get("models", [])
]


def published_pixels():
    """Assets of RCAN's published images and of their HR, where the run shows them and has one of their scales."""
    shown = RUN.same_pixels.get("rcan", False) and set(SCALES) & {2, 4}
    return [f"<resources>/assets/{asset}.json" for asset in PUBLISHED_ASSETS] if shown else []


def certification_summary():
    """The line that the report opens with; empty before certification and without it."""
    table = placed("results", RUN.name, "certification.csv")
    if not ANCHORS or not table.is_file():
        return ""
    return anchors.summary(or_workflow_error(anchors.read, table))


# The captions of the report know the configuration alone.
config["certification"] = certification_summary()


def crate_parts(wildcards):
    """What an RO-Crate of the run describes, each once."""
    return list(
        dict.fromkeys(
            [
                "<results>/scores.csv",
                "<results>/status.csv",
                "<results>/timings.csv",
                "<results>/SHA256SUMS",
                "<results>/provenance.json",
                "<results>/config.yaml",
                *[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
                *REPORT_ITEMS,
                "<results>/report.html",
                "<results>/site/index.html",
            ]
        )
    )
