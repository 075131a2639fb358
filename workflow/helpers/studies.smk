# Studies: what they look at, and how the report shows them.
from types import SimpleNamespace

from sisr.studies import STUDIES, findings_text

# What all studies show; the report takes those that the configuration names.
STUDY_ITEMS = []


def in_report(study, ending, shows):
    """An output of a study, shown in the report beside the study's other outputs."""
    path = f"<results>/studies/{study}{ending}"
    STUDY_ITEMS.append(path)
    if study in RUN.studies:
        REPORT_ITEMS.append(path)
    return report(
        path,
        caption=f"../report/study_{study}.rst",
        category="Studies",
        subcategory=STUDIES[study],
        labels={"shows": shows},
    )


def small_networks(scale, engines=("torch", "ncnn"), most=2e6):
    """Networks of the run for low error of up to so many parameters that can have weights for a scale."""
    return [
        name
        for name, model in MODELS.items()
        if model.engine in engines
        and scale in model.weights
        and not model.modifiers
        and not model.unavailable
        and "psnr" in entry_of(name).get("tags", [])
        and entry_of(name).get("parameters", most) < most
    ]


def tiled_networks():
    """PyTorch networks that the study of tiles looks at; the one that the workflow trains where there is none."""
    return small_networks(2, engines=("torch",)) or ["espcn"]


def study_set():
    """LR set whose SR images the study of metrics shows: first dataset, its first kernel, largest scale."""
    dataset, kernel, _ = RUN.sets()[0]
    scale = max(scale for one, other, scale in RUN.sets() if (one, other) == (dataset, kernel))
    return SimpleNamespace(dataset=dataset, kernel=kernel, scale=scale)


def study_weights(names, scale=2):
    """What must exist before some models run at a scale of the studies, one file a model."""
    return [weights_of(name, scale) for name in names]


def study_training():
    """Images that the study of alignment trains on."""
    return [
        f"<resources>/assets/{asset}.json" for asset in or_workflow_error(read_recipe, "espcn-photos").data
    ]


# What the captions say of this run; empty before a study has run.
config["findings"] = {
    name: findings_text(placed("results", RUN.name, "studies", f"{name}.json")) for name in STUDIES
}
