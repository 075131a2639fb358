# What tables, figures and the report show.

# What tables and figures show, in the order of the config.
RESULT_NAMES = {
    "measures": list(RUN.measures),
    "models": RUN.values("model"),
    "datasets": RUN.values("dataset"),
    "kernels": RUN.values("kernel"),
    "pools": {label: list(members) for label, members in RUN.pools.items()},
}


def result_labels():
    """Registry labels of what is shown: a new label redraws, a new citation does not."""
    return {"measures": measure_labels(RUN.measures)} | {
        axis: {name: registry.load(axis)[name]["label"] for name in RESULT_NAMES[axis]}
        for axis in ("models", "datasets", "kernels")
    }


def report_items():
    """Everything that the report shows."""
    scales = RUN.values("scale")
    return [
        *collect("<results>/certification.{form}", form=["csv", "html"] if ANCHORS else []),
        *collect("<results>/published.{form}", form=["csv", "html"] if of_cells(RUN.cells) else []),
        *collect(
            "<results>/protocols.{form}",
            form=["csv", "html"] if PIXEL_CELLS or published_pixels() else [],
        ),
        "<results>/scores.csv",
        "<results>/status.csv",
        *collect(
            "<results>/tables/x{scale}.{form}",
            scale=scales,
            form=["csv", "md", "tex", "html"],
        ),
        *collect("<results>/tables/comparison_x{scale}.{form}", scale=scales, form=["html", "csv"]),
        *collect("<results>/tables/ranks_x{scale}.csv", scale=scales),
        *collect("<results>/figures/quality_x{scale}.svg", scale=scales),
        *collect("<results>/figures/perception_distortion_x{scale}.svg", scale=scales),
        *collect("<results>/figures/critical_difference_x{scale}.svg", scale=scales),
        "<results>/phase/kernels.csv",
        "<results>/phase/kernels.html",
        *collect("<results>/phase/models_x{scale}.{form}", scale=scales, form=["csv", "html"]),
        *collect("<results>/robustness/x{scale}.html", scale=scales_of_several_kernels()),
        *collect("<results>/tables/robustness_x{scale}.csv", scale=scales_of_several_kernels()),
        *crop_sheets(),
        *cost_items(),
        *study_items(RUN.studies),
        *curve_figures(),
        *loss_study_items(),
        *photo_items(),
    ]


def shown_files():
    """What the report shows beside the tables of the whole run, each once."""
    tables = ("<results>/scores.csv", "<results>/status.csv")
    return list(dict.fromkeys(str(item) for item in report_items() if str(item) not in tables))


def crop_sheets():
    return [
        f"<results>/figures/crops/{dataset}_{kernel}_x{scale}_{number}.jpg"
        for dataset, kernel, scale in RUN.sets()
        if kernel in RUN.crop_kernels
        for number in range(1, RUN.crops_per_set + 1)
    ]


def scales_of_several_kernels():
    return [
        scale
        for scale in RUN.values("scale")
        if len({cell.kernel for cell in RUN.cells if cell.scale == scale}) > 1
    ]


CAPTIONS = CHECKOUT / "workflow" / "report"


def from_here(path):
    """A path relative to the working directory where it lies in it, so that a copy of a finished run is finished."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
