# Training: recipes, and the curves of the models that were trained by one.


def recipe_of(wildcards):
    return or_workflow_error(read_recipe, wildcards.recipe)


def recipe_code(wildcards):
    recipe = recipe_of(wildcards)
    return {
        **or_workflow_error(model_digests.arch_choices, [recipe.arch]),
        **code_of_kernels([recipe.kernel]),
    }


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


def curves_of_scale(wildcards):
    return list(all_curves(int(wildcards.scale)).values())


def curve_labels(wildcards):
    return list(all_curves(int(wildcards.scale)))


def curve_figures():
    """Figures of training curves, for the scales that have any."""
    return [f"<results>/figures/curves_x{scale}.svg" for scale in SCALES if all_curves(scale)]
