# LR images: kernels, what counts of their code, and the LR sets of the run.
# What stands for dataset and kernel of LR user images in paths; they have no HR, and so are no cells.
USER_LR = f"{user_images.DATASET}/{GIVEN}"
# Datasets whose LR images are taken as they are, and not made.
PAIRS = [name for name, entry in DATASETS.items() if "lr" in entry]


KERNEL_KEYS = ("function", "params", "per_scale", "border", "phase", "random")


def kernel_entry(wildcards):
    """What the registry says of the kernel and can change its LR images; editing a citation re-runs nothing."""
    return kept(registry.load("kernels")[wildcards.kernel], *KERNEL_KEYS)


def kernel_file(wildcards):
    """The file that a kernel is read from, so that changing it makes new LR images; a missing one is the job's error."""
    file = kernels.file_of(registry.load("kernels")[wildcards.kernel])
    if file is None or not file.is_file():
        return []
    return inputs_of([from_here(file)])


def given_lr(wildcards):
    """Folder of the LR images that a dataset gives at a scale; none where its HR images are the LR images."""
    return DATASETS[wildcards.dataset].get("lr", {}).get(wildcards.scale, "")


def identities_of(wildcards):
    """What was found of the given LR sets that a job shows: those of its dataset, kernel and scale, if it has such."""
    return [
        f"<results>/lr/{dataset}/{kernel}/x{scale}.identity.json"
        for dataset, kernel, scale in RUN.sets()
        if kernel == GIVEN
        and dataset == getattr(wildcards, "dataset", dataset)
        and kernel == getattr(wildcards, "kernel", kernel)
        and str(scale) == getattr(wildcards, "scale", str(scale))
    ]


def given_lr_images(wildcards):
    """The LR files that a dataset gives, so that a missing one is noticed; their content is a parameter."""
    return inputs_of(files_in(given_lr(wildcards)))


def code_of_kernels(names):
    """Of the functions of kernels, the code of those that some kernels call."""
    functions = [registry.load("kernels")[name]["function"] for name in names if name != GIVEN]
    found = [or_workflow_error(kernels.target, function) for function in functions]
    return {"sisr.lr.kernels.FUNCTIONS": found, "sisr.lr.kernels.*": []}


def kernel_code(wildcards):
    return code_of_kernels([wildcards.kernel])


def run_kernel_code(wildcards):
    return code_of_kernels(RUN.values("kernel"))


def lr_sets_of_scale(wildcards):
    """Manifests of all LR sets of one scale, in the order of the run."""
    return [
        f"<results>/lr/{dataset}/{kernel}/x{scale}.json"
        for dataset, kernel, scale in RUN.sets()
        if scale == int(wildcards.scale)
    ]
