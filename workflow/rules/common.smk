# Everything the rules need to know of the run: the checked configuration, and functions of wildcards.
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

# The library lies beside the scripts (see rules' "../../scripts"), where a script finds it without being told.
sys.path.insert(0, str(Path(str(workflow.current_basedir)).parents[1] / "scripts"))

from sisr import kernels, registry
from sisr.config import read as read_config
from sisr.device import resolve as resolve_device
from sisr.digest import code_digest
from sisr.engines import ENGINES
from sisr.errors import SisrError
from sisr.images import SUFFIXES
from sisr.metrics.lpips_backbone import backbone_assets
from sisr.models import get as get_model
from sisr.recipes import read_recipe
from sisr.workspace import join_runs, require_writable, share_library


def or_workflow_error(function, *arguments):
    """The function's result; an error of the user's ends Snakemake with one line instead of a traceback."""
    try:
        return function(*arguments)
    except SisrError as error:
        raise WorkflowError(str(error)) from None


SNAKEFILE = Path(str(workflow.current_basedir)).parent / "Snakefile"
CAPTIONS = SNAKEFILE.parent / "report"

RUN = or_workflow_error(read_config, config)
DATASETS = or_workflow_error(registry.load, "datasets")
MODELS = {model: or_workflow_error(get_model, model) for model in RUN.values("model")}
ASSETS = or_workflow_error(registry.load, "assets")
LPIPS_ASSETS = backbone_assets(RUN.measures)

for folder in (Path("results", RUN.name), Path("resources")):
    or_workflow_error(require_writable, folder)

share_library()

# Held until this process ends; without it a run that was killed would leave the folder locked.
RUNS_LOCK = join_runs(Path(".snakemake"))

# --- which device ----------------------------------------------------------------------------------------


def gpus_of(wildcards):
    """GPUs that a job asks for: one where the engine can use it and the run has one, else none."""
    uses = MODELS[wildcards.model].engine == "torch"
    return int(uses and or_workflow_error(resolve_device, RUN.device).startswith("cuda"))


# --- assets, datasets ------------------------------------------------------------------------------------


def is_optional(wildcards):
    """Whether a run can do without an asset: weights can be missing (their model's row says so), images not."""
    used = {w.asset for model in MODELS.values() for w in model.weights.values()}
    return wildcards.asset in used


def hr_sources(wildcards):
    """Manifest of the asset that a dataset's images come from; none for a folder of the user's own."""
    asset = DATASETS[wildcards.dataset].get("asset")
    return f"<resources>/assets/{asset}.json" if asset else []


def hr_pictures(wildcards):
    """Files in a dataset's own folder, so that changing them prepares it anew; a bad folder is the job's error."""
    path = DATASETS[wildcards.dataset].get("path")
    if path is None or not Path(path).expanduser().is_dir():
        return []
    return sorted(str(file) for file in Path(path).expanduser().iterdir() if file.suffix.lower() in SUFFIXES)


def kernel_file(wildcards):
    """The file that a kernel is read from, so that changing it makes new LR images; a missing one is the job's error."""
    file = kernels.file_of(registry.load("kernels")[wildcards.kernel])
    if file is None or not file.is_file():
        return []
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def kernel_entry(wildcards):
    """What the registry says of the kernel and can change its LR images; editing a citation re-runs nothing."""
    entry = registry.load("kernels")[wildcards.kernel]
    keys = ("function", "params", "per_scale", "border", "phase", "random")
    return {key: entry[key] for key in keys if key in entry}


def kernel_digest(wildcards):
    function = registry.load("kernels")[wildcards.kernel]["function"]
    return code_digest("degrade", *kernels.modules(function))


def run_assets():
    """Manifests of everything that the run downloads, also the pictures that its recipes train on."""
    weights = [w for model in MODELS.values() for w in model.weights.values()]
    recipes = [or_workflow_error(read_recipe, w.recipe) for w in weights if w.recipe]
    names = [
        *(DATASETS[dataset].get("asset") for dataset in RUN.values("dataset")),
        *(w.asset for w in weights),
        *(asset for recipe in recipes for asset in recipe.data),
        *LPIPS_ASSETS,
    ]
    return [f"<resources>/assets/{name}.json" for name in dict.fromkeys(names) if name]


# --- models ----------------------------------------------------------------------------------------------


def recipe_of(wildcards):
    return or_workflow_error(read_recipe, wildcards.recipe)


def training_assets(wildcards):
    return [f"<resources>/assets/{asset}.json" for asset in recipe_of(wildcards).data]


def weights_source(wildcards):
    """What must exist before a model runs: its fetched asset or its trained weights; nothing if it has none."""
    weights = MODELS[wildcards.model].weights.get(int(wildcards.scale))
    if weights is None:
        return []
    if weights.recipe:
        return f"<resources>/trained/{weights.recipe}/x{wildcards.scale}.safetensors"
    return f"<resources>/assets/{weights.asset}.json"


def model_entry(wildcards):
    """What the registry says of the model and can change its output; editing a citation re-runs nothing."""
    entry = registry.load("models")[wildcards.model]
    keys = (
        "engine",
        "colour",
        "params",
        "scales",
        "weights",
        "unavailable",
        "input_range",
    )
    return {key: entry[key] for key in keys if key in entry}


def engine_digest(wildcards):
    engine = ENGINES[MODELS[wildcards.model].engine].removeprefix("sisr.")
    return code_digest("upscale", engine)


# --- cells -----------------------------------------------------------------------------------------------


def shards_of(dataset):
    count = DATASETS[dataset].get("shards", 1)
    return [f"{index}of{count}" for index in range(count)]


def cell_files(pattern):
    """The pattern for every cell and shard of the run, in config order."""
    return [
        pattern.format(**cell._asdict(), shard=shard)
        for cell in RUN.cells
        for shard in shards_of(cell.dataset)
    ]


def sr_of_set(wildcards):
    """Status files of all models on one LR set."""
    dataset, kernel, scale = wildcards.dataset, wildcards.kernel, wildcards.scale
    return [
        f"<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}.json"
        for model in RUN.models_of(dataset, kernel, int(scale))
        for shard in shards_of(dataset)
    ]


def sr_images_of_set(wildcards):
    return [path.removesuffix(".json") for path in sr_of_set(wildcards)]


def models_of_set(wildcards):
    """Model of each status file of an LR set, one a shard."""
    models = RUN.models_of(wildcards.dataset, wildcards.kernel, int(wildcards.scale))
    return [model for model in models for _ in shards_of(wildcards.dataset)]


# --- results ---------------------------------------------------------------------------------------------


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
    return {
        axis: {name: registry.load(axis)[name]["label"] for name in RESULT_NAMES[axis]}
        for axis in ("models", "datasets", "kernels")
    }


def report_items():
    """Everything that the report shows."""
    scales = RUN.values("scale")
    return [
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
        *collect("<results>/figures/kernels_x{scale}.svg", scale=scales_of_several_kernels()),
        *[
            f"<results>/figures/crops/{dataset}_{kernel}_x{scale}_{number}.jpg"
            for dataset, kernel, scale in RUN.sets()
            for number in range(1, RUN.crops_per_set + 1)
        ],
    ]


def scales_of_several_kernels():
    return [
        scale
        for scale in RUN.values("scale")
        if len({cell.kernel for cell in RUN.cells if cell.scale == scale}) > 1
    ]
