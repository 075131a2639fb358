# Scoring: what counts of measures, and the files that metrics read.
from sisr.scoring import shipped_index
from sisr.scoring.metrics import code as metric_code
from sisr.scoring.metrics.files import assets_of, files_of
from sisr.scoring.metrics.protocol import fidelity_measures, parse_measure, protocol

# Whether a measure looks at the LR images that the SR images were made from.
LR_ASKED = any(parse_measure(text).asks for text in RUN.measures)
METRIC_ASSETS = assets_of(RUN.measures)
# LR user images have no HR.
USER_MEASURES = user_images.measures_of(RUN.measures) if RUN.user_images and RUN.user_images.lr else []


def measure_entries(measures):
    """What the registries say of measures and can change a value: no labels, no citations.  Each counts once."""
    entries = registry.load("metrics")
    return {
        m.id: [
            m.code,
            files_of(m),
            m.decimals,
            entries[m.metric].get("reference"),
            asdict(protocol(m.protocol)),
        ]
        for m in map(parse_measure, dict.fromkeys(measures))
    }


def measure_labels(measures):
    """What the registries say of measures where they are shown."""
    return {
        m.id: [m.label, m.unit, m.direction, m.digits] for m in map(parse_measure, dict.fromkeys(measures))
    }


def lr_if_asked(wildcards):
    """The LR set of a cell, its manifest first; nothing where no measure looks at it."""
    found = f"<results>/lr/{wildcards.dataset}/{wildcards.kernel}/x{wildcards.scale}"
    return [f"{found}.json", found] if LR_ASKED else []


def kernel_if_asked(wildcards):
    """What makes an LR image of SR, where a measure does so."""
    return {"kernel": kernel_entry(wildcards), "seed": RUN.seed} if LR_ASKED else {}


def kernel_file_if_asked(wildcards):
    return kernel_file(wildcards) if LR_ASKED else []


def kernel_code_if_asked(wildcards):
    return kernel_code(wildcards) if LR_ASKED else {}


def code_of_metrics(measures):
    """Of the metrics, the code of those that some measures ask for."""
    return {metric_code.MODULES: or_workflow_error(metric_code.targets, measures)}


# LR sets of the scores that come with the project, and their datasets.
SHIPPED_SETS = list(dict.fromkeys(cell[:3] for cell in RUN.shipped))
SHIPPED_DATASETS = list(dict.fromkeys(dataset for dataset, *_ in SHIPPED_SETS))


def shipped_tables():
    """Digests of the tables that shipped scores are taken from."""
    return [file_digest(shipped_index.table_of(shipped_index.set_name(*one))) for one in SHIPPED_SETS]
