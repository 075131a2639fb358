# What all rules need to know of the run: the checked configuration, what counts of the code, resources, cells.
# What the rules of one stage ask beside it is in helpers/, in a file of the same name.
import os
import re
import sys
from dataclasses import asdict
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

# The library lies beside the scripts (see rules' "../../scripts"), where a script finds it without being told.
sys.path.insert(0, str(CHECKOUT / "scripts"))

from sisr.base import registry, warm
from sisr.base.cells import GIVEN
from sisr.base.device import resolve as resolve_device
from sisr.base.digest import code_digest, file_digest, keep_in
from sisr.base.errors import SisrError
from sisr.data import brought, user_images
from sisr.lr import kernels
from sisr.models.model_entries import get as get_model
from sisr.run import queue
from sisr.run.config import read as read_config
from sisr.run.workspace import join_runs, require_writable, share_library


def or_workflow_error(function, *arguments):
    """The function's result; an error of the user's ends Snakemake with one line instead of a traceback."""
    try:
        return function(*arguments)
    except SisrError as error:
        raise WorkflowError(str(error)) from None


# Files in the folder `config` of a deployment take the place of the workflow's own, in the jobs too.
if Path("config").resolve() != CHECKOUT / "config":
    os.environ[registry.DEPLOYMENT] = str(Path("config").absolute())

if workflow.is_main_process:
    # Snakemake has read them too, but of a key that is given twice it takes the second in silence.
    for file in filter(Path.is_file, map(Path, workflow.configfiles)):
        or_workflow_error(registry.read_yaml, file)
    # Which folders are there is for this process to say: a job may be on a machine that has not all of them.
    os.environ.pop(brought.ABSENT, None)

RUN = or_workflow_error(read_config, config)
if workflow.is_main_process:
    logger.info(RUN.summary)
    for dataset, reason in RUN.absent.items():
        logger.warning(f"{dataset}: unavailable: {reason}")
    os.environ[brought.ABSENT] = ",".join(RUN.absent)


pathvars:
    results=f"results/{RUN.name}",
    logs=f"results/{RUN.name}/logs",
    resources="resources",


DATASETS = or_workflow_error(registry.load, "datasets")
if RUN.user_images:
    DATASETS = {
        **DATASETS,
        user_images.DATASET: {**DATASETS[user_images.DATASET], "path": RUN.user_images.path},
    }
    # A job may be on a machine that has not the folder.
    if workflow.is_main_process:
        or_workflow_error(RUN.user_images.require)
MODELS = {model: or_workflow_error(get_model, model) for model in RUN.values("model")}
ASSETS = or_workflow_error(registry.load, "assets")
SCALES = RUN.values("scale")


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


def warm_up():
    """Start a warm process in each environment of the jobs, where jobs run on this machine."""
    methods = [method.name for method in workflow.deployment_settings.deployment_method]
    if ON_THIS_MACHINE and not methods:
        warm.start([sys.executable])
    elif ON_THIS_MACHINE and methods == ["CONDA"]:
        warm.start(f"{environment.address}/bin/python" for environment in workflow.dag.conda_envs.values())


def announce_jobs():
    """Say how many jobs are run, and how many need not be: what they make is there."""
    every, needed = len(list(workflow.dag.jobs)), len(list(workflow.dag.needrun_jobs()))
    there = f"; what {every - needed} others make is there" if every > needed else ""
    logger.info(f"{RUN.name}: {needed} job{'s' * (needed != 1)}{there}")


def is_dir_by_now(item):
    """Whether an object in a bucket is a folder: one that is none yet may become one."""
    item._is_dir = item._is_dir or any(item.get_subkeys())
    return item._is_dir


# The plugin for S3 (0.3.6) keeps its first answer, and would not see a folder that a job on another machine makes.
if "snakemake_storage_plugin_s3" in sys.modules:
    sys.modules["snakemake_storage_plugin_s3"].StorageObject.is_dir = is_dir_by_now


# Held until this process ends; without it a run that was killed would leave the folder locked.
RUNS_LOCK = join_runs(Path(".snakemake"), workflow.is_main_process)

# Not in a job, whose results a later start could not trust while several write.
keep_in(Path(".snakemake", "sisr-code.json"), write=workflow.is_main_process)


# What `rule all` asks for, and what the report shows.  Beside each rule stands what it adds to them.
TARGETS = []
REPORT_ITEMS = []


def code_of(script, only=None, measures=None):
    """Digest of the code that a rule's script can reach, see sisr.base.digest.

    ``only(wildcards)`` narrows it, and ``measures`` that of metrics to theirs.
    """
    metrics = {} if measures is None else code_of_metrics(measures)
    return lambda wildcards: code_digest(script, only={**metrics, **(only(wildcards) if only else {})})


def kept(entry, *keys):
    return {key: entry[key] for key in keys if key in entry}


def growing(first):
    """A resource whose first attempt gets ``first``, and each retry as much again."""
    return lambda wildcards, attempt: first * attempt


# Whether jobs run on this machine.  A login node cannot tell which GPUs the compute nodes have: there the
# config decides, and a job that was promised one and has none says so.
ON_THIS_MACHINE = workflow.resource_settings.nodes is None and not workflow.remote_exec

# Snakemake waits in silence for submissions that can never start.  Not in `onstart`, which is not run for a module.
if workflow.is_main_process and not ON_THIS_MACHINE:
    queue.watch([Path.cwd(), Path(workflow.workdir_init)], logger.warning)


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


# What tables and figures show, in the order of the config.
RESULT_NAMES = {
    "measures": list(RUN.measures),
    "models": [*RUN.values("model"), *RUN.shipped_models],
    "shipped": RUN.shipped_models,
    "datasets": RUN.values("dataset"),
    "kernels": RUN.values("kernel"),
    "pools": {label: list(members) for label, members in RUN.pools.items()},
}


def result_labels():
    """Registry labels of what is shown: a new label redraws, a new citation does not."""
    return {
        "measures": measure_labels(RUN.measures),
        "kernels": {name: kernels.described(name)["label"] for name in RESULT_NAMES["kernels"]},
        **{
            axis: {name: registry.load(axis)[name]["label"] for name in RESULT_NAMES[axis]}
            for axis in ("models", "datasets")
        },
    }


def from_here(path):
    """A path relative to the working directory where it lies in it, so that a copy of a finished run is finished."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
