# Crops, the figures that only some scales have, and the loss study.
from sisr.report.render import sheet_limit


def crop_sheets():
    return [
        f"<results>/figures/crops/{dataset}_{kernel}_x{scale}_{number}.jpg"
        for dataset, kernel, scale in RUN.sets()
        if kernel in RUN.crop_kernels
        for number in range(1, RUN.crops_per_set + 1)
    ]


def scales_of_several_kernels():
    """Scales at which a dataset has LR images of more than one kernel."""
    sets = [(dataset, scale) for dataset, _, scale in RUN.sets()]
    return [scale for scale in SCALES if any(sets.count(one) > 1 for one in sets if one[1] == scale)]


def loss_study_cells():
    """(dataset, model) of the crops of the loss study."""
    return [
        (dataset, model)
        for dataset in RUN.loss_study.get("regions", {})
        for model in RUN.loss_study.get("networks", {})
    ]


def loss_study_images(wildcards):
    kernel = RUN.values("kernel")[0]
    return [
        f"<results>/sr/{dataset}/{kernel}/x{wildcards.scale}/{model}/0of1"
        for dataset, model in loss_study_cells()
    ]


def loss_study_items():
    return [f"<results>/figures/loss_study_x{scale}.png" for scale in SCALES if RUN.loss_study]
