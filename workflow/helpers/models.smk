# What the rules of models, training and upscaling ask: recipes, weights, entries.
from sisr.models import archs
from sisr.models.model_entries import engine_module


def recipe_of(wildcards):
    return or_workflow_error(read_recipe, wildcards.recipe)


def recipe_code(wildcards):
    recipe = recipe_of(wildcards)
    return {**code_of_archs([recipe.arch]), **code_of_kernels([recipe.kernel])}


def recipe_kernel(wildcards):
    return kept(registry.load("kernels")[recipe_of(wildcards).kernel], *KERNEL_KEYS)


def training_inputs(wildcards):
    """Manifests of a recipe's assets, and the weights that it starts from."""
    recipe = recipe_of(wildcards)
    inputs = {"assets": [f"<resources>/assets/{asset}.json" for asset in recipe.assets]}
    start = or_workflow_error(start_of, recipe)
    if start is not None:
        scale = recipe.start_scale or wildcards.scale
        inputs["start"] = f"<resources>/trained/{start.name}/x{scale}.safetensors"
    return inputs


def curves_of(model, scale):
    """What makes the curves of a model that was trained by a recipe, see `sisr.training.curves`; None for another."""
    weights = MODELS[model].weights.get(scale)
    if weights is None:
        return None
    if weights.recipe:
        return f"<resources>/trained/{weights.recipe}/x{scale}.csv"
    # Weights that come with the project have theirs beside them.
    files = [file["name"] for file in ASSETS[weights.asset].get("files", [])]
    return f"<resources>/assets/{weights.asset}.json" if f"x{scale}.csv" in files else None


def all_curves(scale):
    """Label -> what makes the curves of every model of the run that a recipe trained."""
    models = [model for model in models_of_scale(scale) if not MODELS[model].modifiers]
    found = {MODELS[model].label: curves_of(model, scale) for model in models}
    return {label: made_by for label, made_by in found.items() if made_by is not None}


def trained_models(wildcards):
    """Models of the run that a recipe trains for a scale."""
    scale = int(wildcards.scale)
    return [
        m
        for m in models_of_scale(scale)
        if (weights := MODELS[m].weights.get(scale)) is not None and weights.recipe
    ]


def trained_weights():
    """Weights that the run trains, of all models and scales."""
    trained = {
        (w.recipe, scale)
        for scale, model in model_scales()
        if (w := MODELS[model].weights.get(scale)) is not None and w.recipe
    }
    return [f"<resources>/trained/{recipe}/x{scale}.safetensors" for recipe, scale in sorted(trained)]


def curves_of_scale(wildcards):
    return list(all_curves(int(wildcards.scale)).values())


def curve_labels(wildcards):
    return list(all_curves(int(wildcards.scale)))


def curve_figures():
    """Figures of training curves, for the scales that have any."""
    return [f"<results>/figures/curves_x{scale}.svg" for scale in RUN.values("scale") if all_curves(scale)]


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
    return [f"<results>/figures/loss_study_x{scale}.png" for scale in RUN.values("scale") if RUN.loss_study]


def weights_source(wildcards):
    """What must exist before a model runs: its fetched asset or its trained weights; nothing if it has none."""
    return weights_of(wildcards.model, int(wildcards.scale))


def weights_of(model, scale):
    # Studies also look at models that the run has not.
    weights = (MODELS.get(model) or or_workflow_error(get_model, model)).weights.get(scale)
    if weights is None:
        return []
    if weights.recipe:
        return f"<resources>/trained/{weights.recipe}/x{scale}.safetensors"
    return f"<resources>/assets/{weights.asset}.json"


MODEL_KEYS = (
    "path",
    "python",
    "modifiers",
    "engine",
    "colour",
    "params",
    "scales",
    "weights",
    "unavailable",
    "input_range",
)


def model_entry(wildcards):
    """What the registry says of the model and can change its output; editing a citation re-runs nothing."""
    said = kept(entry_of(wildcards.model), *MODEL_KEYS)
    # Files of one's own count by their content, also where their time stays as it was.
    files = own_files(wildcards)
    return {**said, "files": {file: file_digest(file) for file in files}} if files else said


def own_files(wildcards):
    """Files of the user's own that a model is made of at a scale; none for models with fetched weights."""
    return OWN_FILES[wildcards.model, int(wildcards.scale)]


def model_code(wildcards):
    return code_of_models([MODELS[wildcards.model]])


def models_of_scale(scale):
    """Models that the run has at a scale, in config order."""
    return [model for one, model in model_scales() if one == int(scale)]


def model_scales():
    """Distinct (scale, model) pairs of the run, in config order."""
    return list(dict.fromkeys((cell.scale, cell.model) for cell in RUN.cells))


def cells_with_weights():
    """(model, scale) of the run whose weights come from an asset or a recipe, in config order."""
    return [(model, scale) for scale, model in model_scales() if weights_of(model, scale)]


# Files of models of the user's own, by model and scale.
OWN_FILES = {
    (model, scale): [str(file) for file in or_workflow_error(MODELS[model].own_files, scale)]
    for model, scale in dict.fromkeys((cell.model, cell.scale) for cell in RUN.cells)
}


def code_of_models(models):
    """Of engines and architectures, the code of those that models run."""
    if any(model.own for model in models):  # only their files tell
        return {}
    return {
        "sisr.models.model_entries.ENGINES": [f"{engine_module(model.engine)}:" for model in models],
        "sisr.upscaling.engines.RESOLVERS": [],
        **code_of_archs(model.params.get("arch") for model in models if model.engine == "torch"),
    }


def code_of_archs(names):
    """Of the architectures, the code of some; libraries have no code of ours, and other engines none at all."""
    ours = [name for name in names if name and name != "spandrel" and ":" not in name]
    return {"sisr.models.archs.*": [or_workflow_error(archs.target, name) for name in ours]}
