# Models: what counts of them, their weights, and which run at which scale.
from sisr.models import model_digests
from sisr.models.licences import licences_of
from sisr.models.model_entries import entry_of
from sisr.models.recipes import read_recipe, start_of

MODEL_KEYS = (
    "path",
    "python",
    "outputs",
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
    return entry_at(wildcards.model, int(wildcards.scale))


def entry_at(model, scale):
    said = kept(entry_of(model), *MODEL_KEYS)
    # Files of one's own count by their content, also where their time stays as it was.
    files = OWN_FILES[model, scale]
    return {**said, "files": {file: file_digest(file) for file in files}} if files else said


def own_files(wildcards):
    """Files of the user's own that a model is made of at a scale; none for models with fetched weights."""
    return OWN_FILES[wildcards.model, int(wildcards.scale)]


# Files of models of the user's own, by model and scale.
OWN_FILES = {
    (model, scale): [str(file) for file in or_workflow_error(MODELS[model].own_files, scale)]
    for model, scale in dict.fromkeys((cell.model, cell.scale) for cell in RUN.cells)
}


def code_of_models(models):
    """Of engines and architectures, the code of those that models run."""
    return or_workflow_error(model_digests.code_choices, models)


def model_code(wildcards):
    return code_of_models([MODELS[wildcards.model]])


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


def models_of_scale(scale):
    """Models that the run has at a scale, in config order."""
    return [model for one, model in model_scales() if one == int(scale)]


def model_scales():
    """Distinct (scale, model) pairs of the run, in config order."""
    return list(dict.fromkeys((cell.scale, cell.model) for cell in RUN.cells))


def cells_with_weights():
    """(model, scale) of the run whose weights come from an asset or a recipe, in config order."""
    return [(model, scale) for scale, model in model_scales() if weights_of(model, scale)]


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


@cache
def training_assets_of_run():
    """Assets that the run's recipes train on, and those of the recipes that they start from."""
    weights = [w for model in MODELS.values() for w in model.weights.values()]
    recipes = [or_workflow_error(read_recipe, w.recipe) for w in weights if w.recipe]
    for recipe in recipes:  # grows while it is walked
        recipes += filter(None, [or_workflow_error(start_of, recipe)])
    return [asset for recipe in recipes for asset in recipe.assets]
