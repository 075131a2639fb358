# Everything the rules need to know of the run: the checked configuration, and functions of wildcards.
import os
import sys
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

# The library lies beside the scripts (see rules' "../../scripts"), where a script finds it without being told.
sys.path.insert(0, str(CHECKOUT / "scripts"))

from sisr.base import registry
from sisr.data import my_photos
from sisr.lr import kernels
from sisr.trust import anchors
from sisr.run.config import read as read_config
from sisr.base.device import resolve as resolve_device
from sisr.base.digest import code_digest, file_digest, keep_in
from sisr.base.errors import SisrError
from sisr.base.image_files import SUFFIXES
from sisr.scoring.metrics.files import assets_of
from sisr.scoring.metrics.protocol import fidelity_measures, parse_measure, protocol
from sisr.models.model_entries import entry_of
from sisr.models.model_entries import get as get_model
from sisr.models.recipes import read_recipe, start_of
from sisr.trust.references import errata, missing_measures, of_cells
from sisr.report.render import sheet_limit
from sisr.studies import STUDIES, findings_text
from sisr.run.workspace import join_runs, require_writable, share_library


def or_workflow_error(function, *arguments):
    """The function's result; an error of the user's ends Snakemake with one line instead of a traceback."""
    try:
        return function(*arguments)
    except SisrError as error:
        raise WorkflowError(str(error)) from None


def from_here(path):
    """A path relative to the working directory where it lies in it, so that a copy of a finished run is finished."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


# Files in the folder `config` of a deployment take the place of the workflow's own, in the jobs too.
if Path("config").resolve() != CHECKOUT / "config":
    os.environ[registry.DEPLOYMENT] = str(Path("config").absolute())

CAPTIONS = CHECKOUT / "workflow" / "report"

RUN = or_workflow_error(read_config, config)


pathvars:
    results=f"results/{RUN.name}",
    logs=f"results/{RUN.name}/logs",
    resources="resources",


DATASETS = or_workflow_error(registry.load, "datasets")
if RUN.my_photos:
    DATASETS = {**DATASETS, my_photos.DATASET: {**DATASETS[my_photos.DATASET], "path": RUN.my_photos.path}}
    # A job may be on a machine that has not the folder.
    if workflow.is_main_process:
        or_workflow_error(RUN.my_photos.require)
MODELS = {model: or_workflow_error(get_model, model) for model in RUN.values("model")}
# Files of models of the user's own, by model and scale.
OWN_FILES = {
    (model, scale): [str(file) for file in or_workflow_error(MODELS[model].own_files, scale)]
    for model, scale in dict.fromkeys((cell.model, cell.scale) for cell in RUN.cells)
}
ASSETS = or_workflow_error(registry.load, "assets")
METRIC_ASSETS = assets_of(RUN.measures)
ANCHORS = or_workflow_error(anchors.chosen, RUN.certify) if RUN.certify != "none" else {}
PUBLISHED_ASSETS = ["set5", "rcan-set5-outputs"]
ANCHOR_ASSETS = list(
    dict.fromkeys(
        asset for anchor in ANCHORS.values() for asset in or_workflow_error(anchors.assets_of, anchor)
    )
)


def placed(*parts):
    """A file of this run as it is on disk: below the ``prefix:`` of a module that uses this workflow."""
    return Path(str(workflow.modifier.path_modifier.replace_prefix("/".join(parts))))


for folder in (placed("results", RUN.name), placed("resources")):
    or_workflow_error(require_writable, folder)

share_library()


def require_packages():
    """End in one line where rules would run in Snakemake's own environment, and that has not what they need."""
    if not workflow.deployment_settings.deployment_method and find_spec("torch") is None:
        raise WorkflowError(
            "the packages of the rules are not installed beside this Snakemake: add --use-conda (or --sdm apptainer), "
            "or use the .venv that `make setup` makes"
        )


# Held until this process ends; without it a run that was killed would leave the folder locked.
RUNS_LOCK = join_runs(Path(".snakemake"), workflow.is_main_process)

# Not in a job, whose results a later start could not trust while several write.
keep_in(Path(".snakemake", "sisr-code.json"), write=workflow.is_main_process)

# --- what counts -----------------------------------------------------------------------------------------
# Params of rules.  From the registries come the entries and keys that a job reads: no others run it again.


def code_of(script, only=None):
    """Digest of the code that a rule's script can reach; ``only(wildcards)`` narrows it, see sisr.base.digest."""
    return lambda wildcards: code_digest(script, only=only(wildcards) if only else None)


def kept(entry, *keys):
    return {key: entry[key] for key in keys if key in entry}


def measure_entries(measures):
    """What the registries say of measures and can change a value: no labels, no citations.  Each counts once."""
    entries = registry.load("metrics")
    return {
        m.id: [m.family, m.decimals, entries[m.metric].get("reference", "full"), asdict(protocol(m.protocol))]
        for m in map(parse_measure, dict.fromkeys(measures))
    }


def measure_labels(measures):
    """What the registries say of measures where they are shown."""
    return {
        m.id: [m.label, m.unit, m.direction, m.digits] for m in map(parse_measure, dict.fromkeys(measures))
    }


def metric_code(wildcards):
    """Of the fidelity metrics, the code of those that the run computes."""
    return {
        "sisr.scoring.metrics.fidelity.fidelity_metric": [m.metric for m in map(parse_measure, RUN.measures)]
    }


def code_of_models(models):
    """Of engines and architectures, the code of those that models run."""
    if any(model.own for model in models):  # only their files tell
        return {}
    return {
        "sisr.models.model_entries.ENGINES": [model.engine for model in models],
        "sisr.upscaling.engines.RESOLVERS": [],
        "sisr.models.archs.ARCHS": [arch for model in models if (arch := model.params.get("arch"))],
    }


def code_of_kernels(names):
    """Of the functions of kernels, the code of those that some kernels call."""
    return {"sisr.lr.kernels.FUNCTIONS": [registry.load("kernels")[name]["function"] for name in names]}


# --- resources -------------------------------------------------------------------------------------------


def growing(first):
    """A resource whose first attempt gets ``first``, and each retry as much again."""
    return lambda wildcards, attempt: first * attempt


# Whether jobs run on this machine.  A login node cannot tell which GPUs the compute nodes have: there the
# config decides, and a job that was promised one and has none says so.
ON_THIS_MACHINE = workflow.resource_settings.nodes is None and not workflow.remote_exec


def gpus_of(wildcards):
    """GPUs that a job asks for: one where the engine can use it and the run has one, else none."""
    return gpus_of_run() if MODELS[wildcards.model].uses_gpu else 0


# Answers that are the same for every cell are kept: a plan of thousands of cells asks for each.
@cache
def gpus_of_run():
    """GPUs that a job with PyTorch asks for in this run: one or none."""
    if RUN.device == "auto" or ON_THIS_MACHINE:
        return int(or_workflow_error(resolve_device, RUN.device).startswith("cuda"))
    return int(RUN.device.startswith("cuda"))


def inference_of(wildcards):
    """Inference options that are not the defaults; none for engines that know one way only."""
    return inference_of_run() if MODELS[wildcards.model].uses_gpu else {}


@cache
def inference_of_run():
    if ON_THIS_MACHINE:
        or_workflow_error(RUN.inference.require, or_workflow_error(resolve_device, RUN.device))
    return RUN.inference.changed()


# --- assets, datasets ------------------------------------------------------------------------------------


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


# --- models ----------------------------------------------------------------------------------------------


def recipe_of(wildcards):
    return or_workflow_error(read_recipe, wildcards.recipe)


def recipe_code(wildcards):
    recipe = recipe_of(wildcards)
    return {"sisr.models.archs.ARCHS": [recipe.arch], **code_of_kernels([recipe.kernel])}


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


def anchor_models():
    """What the registry says of the models that anchors run, so that new weights are certified anew."""
    return {name: kept(entry_of(name), *MODEL_KEYS) for name in anchored("model")}


def anchored(axis):
    """Registered models or kernels that anchors name."""
    entries = registry.load(f"{axis}s")
    return [
        name
        for name in dict.fromkeys(anchor[axis] for anchor in ANCHORS.values() if axis in anchor)
        if name in entries
    ]


def anchor_code(wildcards):
    models = [or_workflow_error(get_model, name) for name in anchored("model")]
    return {**code_of_models(models), **code_of_kernels(anchored("kernel"))}


def model_code(wildcards):
    return code_of_models([MODELS[wildcards.model]])


# --- one's own pictures as LR ---------------------------------------------------------------------------

# What stands for dataset and kernel of LR pictures of one's own in paths; they have no HR, and so are no cells.
LR_PHOTOS = f"{my_photos.DATASET}/{my_photos.GIVEN}"
PHOTO_MEASURES = my_photos.measures_of(RUN.measures)
PHOTO_NAMES = {"measures": PHOTO_MEASURES, "models": RUN.values("model")}


def photo_items():
    """What is shown of LR pictures of one's own, where the run has such."""
    scales = RUN.values("scale") if RUN.my_photos and RUN.my_photos.lr else []
    return [
        *collect("<results>/my_photos/x{scale}.{form}", scale=scales, form=["csv", "md", "tex", "html"]),
        *collect(
            "<results>/my_photos/crops_x{scale}_{number}.jpg",
            scale=scales,
            number=range(1, RUN.crops_per_set + 1),
        ),
    ]


def models_of_scale(scale):
    """Models that the run has at a scale, in config order."""
    return [model for one, model in model_scales() if one == int(scale)]


def sr_of_photos(wildcards):
    return [
        f"<results>/sr/{LR_PHOTOS}/x{wildcards.scale}/{model}/0of1.json"
        for model in models_of_scale(wildcards.scale)
    ]


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


def phases_of_sets(scale=None):
    """Measured shifts of every LR set, or of those of one scale."""
    return [
        f"<results>/phase/sets/{dataset}/{kernel}/x{of_set}.csv"
        for dataset, kernel, of_set in RUN.sets()
        if scale in (None, of_set)
    ]


def lr_sets_of_scale(wildcards):
    """Manifests of all LR sets of one scale, in the order of the run."""
    return [
        f"<results>/lr/{dataset}/{kernel}/x{scale}.json"
        for dataset, kernel, scale in RUN.sets()
        if scale == int(wildcards.scale)
    ]


def sr_of_cell(wildcards):
    """Status files of a cell, one a shard."""
    return [
        f"<results>/sr/{wildcards.dataset}/{wildcards.kernel}/x{wildcards.scale}/{wildcards.model}/{shard}.json"
        for shard in shards_of(wildcards.dataset)
    ]


def sr_images_of_cell(wildcards):
    return [path.removesuffix(".json") for path in sr_of_cell(wildcards)]


# --- results ---------------------------------------------------------------------------------------------


# What tables and figures show, in the order of the config.
RESULT_NAMES = {
    "measures": list(RUN.measures),
    "models": RUN.values("model"),
    "datasets": RUN.values("dataset"),
    "kernels": RUN.values("kernel"),
    "pools": {label: list(members) for label, members in RUN.pools.items()},
}


#: What quality is drawn against.
COST_AXES = ["time", "parameters"] if RUN.cost is not None and RUN.cost.time else ["parameters"]
LEDGER_PAGE = "<results>/tables/precision.html"


def result_labels():
    """Registry labels of what is shown: a new label redraws, a new citation does not."""
    return {"measures": measure_labels(RUN.measures)} | {
        axis: {name: registry.load(axis)[name]["label"] for name in RESULT_NAMES[axis]}
        for axis in ("models", "datasets", "kernels")
    }


def sr_of_cells(cells):
    """Status files of all shards of some cells."""
    return [
        f"<results>/sr/{cell.dataset}/{cell.kernel}/x{cell.scale}/{cell.model}/{shard}.json"
        for cell in cells
        for shard in shards_of(cell.dataset)
    ]


# Cells with a reference under a protocol that the run does not compute anyway.
REFERENCE_CELLS = list(or_workflow_error(missing_measures, RUN.cells, RUN.measures))

REFERENCE_MEASURES = [*RUN.measures, *(reference.measure for reference in of_cells(RUN.cells))]

# Cells that are scored under all protocols, on LR images of the run's first kernel.
PIXEL_CELLS = [
    cell
    for cell in RUN.cells
    if cell.dataset == RUN.same_pixels.get("dataset")
    and cell.kernel == RUN.values("kernel")[0]
    and cell.model in RUN.same_pixels.get("models", [])
]


def published_pixels():
    """Assets of RCAN's published images and of their HR, where the run shows them and has one of their scales."""
    shown = RUN.same_pixels.get("rcan", False) and set(RUN.values("scale")) & {2, 4}
    return [f"<resources>/assets/{asset}.json" for asset in PUBLISHED_ASSETS] if shown else []


def certified_items():
    """The judgement of the run's certification, where it has one."""
    return ["<results>/certified.txt"] if ANCHORS else []


def certification_summary():
    """The line that the report opens with; empty before certification and without it."""
    table = placed("results", RUN.name, "certification.csv")
    if not ANCHORS or not table.is_file():
        return ""
    return anchors.summary(or_workflow_error(anchors.read, table))


# The captions of the report know the configuration alone.
config["certification"] = certification_summary()


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


def model_scales():
    """Distinct (scale, model) pairs of the run, in config order."""
    return list(dict.fromkeys((cell.scale, cell.model) for cell in RUN.cells))


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


def crop_sheets():
    return [
        f"<results>/figures/crops/{dataset}_{kernel}_x{scale}_{number}.jpg"
        for dataset, kernel, scale in RUN.sets()
        if kernel in RUN.crop_kernels
        for number in range(1, RUN.crops_per_set + 1)
    ]


# --- site ------------------------------------------------------------------------------------------------


def site_cells():
    """Cells whose pictures the site shows, as `dataset/kernel/xSCALE/model`."""
    return [f"{d}/{k}/x{s}/{m}" for d, k, s, m in RUN.cells] if RUN.site_pictures else []


def said_on_site():
    """What the paragraph of methods quotes from the registries."""
    protocols, kernels = registry.load("protocols"), registry.load("kernels")
    return {
        "measures": measure_entries(RUN.measures),
        "protocols": {
            m.protocol: kept(protocols[m.protocol], "label", "description")
            for m in map(parse_measure, RUN.measures)
        },
        "kernels": {name: kernels[name]["source"] for name in RUN.values("kernel")},
    }


def training_curves():
    """(label, scale, what makes it) of the curves of every scale."""
    return [
        (label, scale, made_by)
        for scale in RUN.values("scale")
        for label, made_by in all_curves(scale).items()
    ]


def parts_of_cell(wildcards):
    """Scores of a cell by block, one file a shard."""
    return [
        path.replace("<results>/sr/", "<results>/scores/").removesuffix(".json") + ".parts.json"
        for path in sr_of_cell(wildcards)
    ]


def site_pictures():
    return [f"<results>/site/pictures/{cell}.json" for cell in site_cells()]


def site_originals():
    sets = dict.fromkeys(cell.rpartition("/")[0] for cell in site_cells())
    return [f"<results>/site/pictures/{name}/_originals" for name in sets]


def cells_with_weights():
    """(model, scale) of the run whose weights come from an asset or a recipe, in config order."""
    return [(model, scale) for scale, model in model_scales() if weights_of(model, scale)]


def scales_of_several_kernels():
    return [
        scale
        for scale in RUN.values("scale")
        if len({cell.kernel for cell in RUN.cells if cell.scale == scale}) > 1
    ]


# --- studies ---------------------------------------------------------------------------------------------


# What the report calls each study.
STUDY_TITLES = {
    "interpolation": "Interpolation",
    "deconvolution": "Deconvolution",
    "misr": "Several frames",
    "upscaling_layers": "Upscaling layers",
    "tiling": "Why fully convolutional",
    "evaluation": "What metrics see",
    "pixel_art": "Pixel art",
    "alignment": "Self-ensemble and alignment",
}


def in_report(study, ending, shows):
    """An output of a study, shown in the report beside the study's other outputs."""
    return report(
        f"<results>/studies/{study}{ending}",
        caption=f"../report/study_{study}.rst",
        category="Studies",
        subcategory=STUDY_TITLES[study],
        labels={"shows": shows},
    )


def study_items(names):
    """Tables and figures of studies, as their rules name them."""
    return [
        item
        for name in names
        for item in getattr(rules, f"study_{name}").output
        if not str(item).endswith(".json")
    ]


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
    """Pictures that the study of alignment trains on."""
    return [
        f"<resources>/assets/{asset}.json" for asset in or_workflow_error(read_recipe, "espcn-photos").data
    ]


# What the captions say of this run; empty before a study has run.
config["findings"] = {
    name: findings_text(placed("results", RUN.name, "studies", f"{name}.json")) for name in STUDIES
}
