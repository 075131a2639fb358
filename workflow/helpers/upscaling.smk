# Upscaling: the files of cells and of LR sets, one a shard.


# Models of which there are outputs only, of a program that is not run here.
OUTPUTS_ONLY = [name for name, model in MODELS.items() if model.outputs]


def given_sr(wildcards):
    """Folder of a model's outputs on an LR set; none where it has none."""
    return MODELS[wildcards.model].outputs.get(wildcards.dataset, {}).get(int(wildcards.scale), "")


def given_sr_images(wildcards):
    """The outputs themselves, so that a missing one is noticed; their content is a parameter."""
    return inputs_of(files_in(given_sr(wildcards)))


def cell_files(pattern):
    """The pattern for every cell and shard of the run, in config order."""
    return [
        pattern.format(**cell._asdict(), shard=shard)
        for cell in RUN.cells
        for shard in shards_of(cell.dataset)
    ]


def sr_of_cell(wildcards):
    """Status files of a cell, one a shard."""
    return [
        f"<results>/sr/{wildcards.dataset}/{wildcards.kernel}/x{wildcards.scale}/{wildcards.model}/{shard}.json"
        for shard in shards_of(wildcards.dataset)
    ]


def sr_images_of_cell(wildcards):
    return [path.removesuffix(".json") for path in sr_of_cell(wildcards)]


def sr_of_cells(cells):
    """Status files of all shards of some cells."""
    return [
        f"<results>/sr/{cell.dataset}/{cell.kernel}/x{cell.scale}/{cell.model}/{shard}.json"
        for cell in cells
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
