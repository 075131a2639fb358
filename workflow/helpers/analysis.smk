# Analysis: phases, and what the models cost.
from sisr.analysis.cost import receipts


def phases_of_sets(scale=None):
    """Measured shifts of every LR set, or of those of one scale."""
    return [
        f"<results>/phase/sets/{dataset}/{kernel}/x{of_set}.csv"
        for dataset, kernel, of_set in RUN.sets()
        if scale in (None, of_set)
    ]


#: What quality is drawn against.
COST_AXES = ["time", "parameters"] if RUN.cost is not None and RUN.cost.time else ["parameters"]


def every_core(wildcards):
    """All cores that the run may use; of those that a node of a cluster has, this machine knows nothing."""
    if ON_THIS_MACHINE:
        return workflow.cores
    raise WorkflowError("on how many cores of a node are models timed? Say --set-threads time_model=2")


def weights_of_scale(wildcards):
    """What must exist before the models of a scale are counted; nothing for those that have no weights."""
    found = [weights_of(model, int(wildcards.scale)) for model in models_of_scale(wildcards.scale)]
    return [weights for weights in found if weights]


def entries_of_scale(wildcards):
    """What the registry says of the models of a scale and can change their counts."""
    return [entry_at(model, int(wildcards.scale)) for model in models_of_scale(wildcards.scale)]


def code_of_scale(wildcards):
    return code_of_models([MODELS[model] for model in models_of_scale(wildcards.scale)])


def timing_files():
    """Timings of every model and scale."""
    return [f"<results>/cost/x{scale}/{model}/timing.json" for scale, model in model_scales()]


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


def receipts_of(wildcards):
    """Timing receipts of the run's models at a scale, below their folder: digest, and what is stale about them."""
    scale = int(wildcards.scale)
    paths = receipts.paths(models_of_scale(scale), scale)
    found = {path: or_workflow_error(receipts.read, path) for path in paths}
    return {
        path.relative_to(receipts.FOLDER).as_posix(): [
            file_digest(path),
            or_workflow_error(receipts.stale, receipt, MODELS[receipt["model"]]),
        ]
        for path, receipt in found.items()
    }
