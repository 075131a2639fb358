# What the models cost, and what is shown of it.

#: What quality is drawn against.
COST_AXES = ["time", "parameters"] if RUN.cost is not None and RUN.cost.time else ["parameters"]
LEDGER_PAGE = "<results>/tables/precision.html"


def every_core(wildcards):
    """All cores that the run may use; those of this machine where a cluster's scheduler has no such number."""
    try:
        return workflow.cores
    except WorkflowError:
        return os.cpu_count()


def cost_files(kind):
    """Counts or timings of every model and scale."""
    return [f"<results>/cost/x{scale}/{model}/{kind}.json" for scale, model in model_scales()]


def cost_items():
    """What the report shows of the models' cost."""
    if RUN.cost is None:
        return []
    return [
        "<results>/cost.csv",
        *collect(
            "<results>/tables/cost_x{scale}.{form}",
            scale=RUN.values("scale"),
            form=["csv", "md", "html"],
        ),
        *collect(
            "<results>/figures/quality_{resource}_x{scale}.svg",
            resource=COST_AXES,
            scale=RUN.values("scale"),
        ),
        *([LEDGER_PAGE, "<results>/precision.csv"] if ledger_files() else []),
    ]


def ledger_files():
    """Precision ledgers of every torch model and scale on the ledger's dataset, of which the first LR kernel."""
    sets = [one for one in RUN.sets() if RUN.cost is not None and one[0] == RUN.cost.ledger]
    return [
        f"<results>/precision/{dataset}/{kernel}/x{scale}/{model}.json"
        for dataset, kernel, scale in sets
        if kernel == sets[0][1]
        for model in RUN.models_of(dataset, kernel, scale)
        if MODELS[model].engine == "torch" and not MODELS[model].modifiers and MODELS[model].own is None
    ]
