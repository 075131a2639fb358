# What the rules of assets, HR images and LR sets ask: sources, entries, and what counts of their code.
from sisr.base.image_files import SUFFIXES


def is_optional(wildcards):
    """Whether a run can do without an asset.

    Weights can be missing (their model's row says so), and what only certification reads; the rest not.
    """
    return wildcards.asset in optional_assets()


@cache
def optional_assets():
    weights = {w.asset for model in MODELS.values() for w in model.weights.values()}
    images = {DATASETS[dataset].get("asset") for dataset in RUN.values("dataset")}
    needed = {*images, *METRIC_ASSETS, *training_assets_of_run()}
    shown = {*ANCHOR_ASSETS, *PUBLISHED_ASSETS}
    return weights | (shown - needed)


def hr_sources(wildcards):
    """Manifest of the asset that a dataset's images come from; none for a folder of the user's own."""
    asset = DATASETS[wildcards.dataset].get("asset")
    return f"<resources>/assets/{asset}.json" if asset else []


def hr_pictures(wildcards):
    """Files in a dataset's own folder, so that changing them prepares it anew; a bad folder is the job's error."""
    path = DATASETS[wildcards.dataset].get("path")
    if path is None or not Path(path).expanduser().is_dir():
        return []
    files = sorted(str(file) for file in Path(path).expanduser().iterdir() if file.suffix.lower() in SUFFIXES)
    # What is on this machine stays there, also where all else is in a bucket.  Snakemake takes braces in a name for a
    # wildcard: such a picture is run, but editing it alone is not noticed.
    return [local(file) for file in files if "{" not in file]


def kernel_file(wildcards):
    """The file that a kernel is read from, so that changing it makes new LR images; a missing one is the job's error."""
    file = kernels.file_of(registry.load("kernels")[wildcards.kernel])
    if file is None or not file.is_file():
        return []
    return local(from_here(file))


def kernel_entry(wildcards):
    """What the registry says of the kernel and can change its LR images; editing a citation re-runs nothing."""
    return kept(registry.load("kernels")[wildcards.kernel], *KERNEL_KEYS)


KERNEL_KEYS = ("function", "params", "per_scale", "border", "phase", "random")


def code_of_kernels(names):
    """Of the functions of kernels, the code of those that some kernels call."""
    functions = [registry.load("kernels")[name]["function"] for name in names]
    found = [or_workflow_error(kernels.target, function) for function in functions]
    return {"sisr.lr.kernels.FUNCTIONS": found, "sisr.lr.kernels.*": []}


def kernel_code(wildcards):
    return code_of_kernels([wildcards.kernel])


def run_kernel_code(wildcards):
    return code_of_kernels(RUN.values("kernel"))


def asset_entry(wildcards):
    """What the registry says of an asset's files; what it says of their origin is for readers."""
    said = {
        key: value
        for key, value in ASSETS[wildcards.asset].items()
        if key not in ("description", "licence", "source", "citation")
    }
    table = [file_digest(registry.CONFIG / "assets" / said["table"])] if "table" in said else []
    return {**said, "rows": table} if table else said


@cache
def training_assets_of_run():
    """Assets that the run's recipes train on, and those of the recipes that they start from."""
    weights = [w for model in MODELS.values() for w in model.weights.values()]
    recipes = [or_workflow_error(read_recipe, w.recipe) for w in weights if w.recipe]
    for recipe in recipes:  # grows while it is walked
        recipes += filter(None, [or_workflow_error(start_of, recipe)])
    return [asset for recipe in recipes for asset in recipe.assets]


def run_assets():
    """Manifests of everything that the run downloads, also the pictures that its recipes train on."""
    weights = [w for model in MODELS.values() for w in model.weights.values()]
    names = [
        *(DATASETS[dataset].get("asset") for dataset in RUN.values("dataset")),
        *(w.asset for w in weights),
        *training_assets_of_run(),
        *METRIC_ASSETS,
        *(assets_of(PHOTO_MEASURES) if photo_items() else []),
        *ANCHOR_ASSETS,
    ]
    return [f"<resources>/assets/{name}.json" for name in dict.fromkeys(names) if name]
