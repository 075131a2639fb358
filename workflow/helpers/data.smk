# Data: assets, and the HR images of datasets.
from sisr.base.errors import ImageError
from sisr.base.image_files import list_images
from sisr.base.user_files import files_digest


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


def asset_entry(wildcards):
    """What the registry says of an asset's files; what it says of their origin is for readers."""
    said = {
        key: value
        for key, value in ASSETS[wildcards.asset].items()
        if key not in ("description", "licence", "also_stated", "source", "citation")
    }
    table = [file_digest(registry.CONFIG / "assets" / said["table"])] if "table" in said else []
    return {**said, "rows": table} if table else said


def run_assets():
    """Manifests of everything that the run downloads, also the images that its recipes train on."""
    weights = [w for model in MODELS.values() for w in model.weights.values()]
    names = [
        *(DATASETS[dataset].get("asset") for dataset in RUN.values("dataset")),
        *(w.asset for w in weights),
        *training_assets_of_run(),
        *METRIC_ASSETS,
        *assets_of(USER_MEASURES),
        *ANCHOR_ASSETS,
    ]
    return [f"<resources>/assets/{name}.json" for name in dict.fromkeys(names) if name]


def hr_sources(wildcards):
    """Manifest of the asset that a dataset's images come from; none for a folder of the user's own."""
    asset = DATASETS[wildcards.dataset].get("asset")
    return f"<resources>/assets/{asset}.json" if asset else []


def hr_images(wildcards):
    """Files in a dataset's own folder, so that a missing one is noticed; their content is a parameter."""
    return inputs_of(files_in(DATASETS[wildcards.dataset].get("path", "")))


def hr_entry(wildcards):
    """What the registry says of a dataset's images and can change them."""
    entry = DATASETS[wildcards.dataset]
    known = brought.table_of(entry)
    table = [file_digest(known)] if known is not None and known.is_file() else []
    return kept(entry, "asset", "path", "lr", "expected") | ({"table": table} if table else {})


def files_in(path):
    """Image files of a user's folder; a bad folder is the job's error."""
    try:
        return sorted(list_images(Path(path).expanduser())) if path else []
    except ImageError:
        return []


def inputs_of(files):
    """Files of the user's own as input, so that a missing one is noticed; their content is a parameter, times do not count."""
    # What is on this machine stays there, also where all else is in a bucket.  Snakemake takes braces in a name for a
    # wildcard.
    return ancient([local(str(file)) for file in files if "{" not in str(file)])


def content_of(files):
    """Digest of files of the user's own: one that is replaced counts, also by an older one."""
    files = list(files)
    return (
        files_digest(files, Path(".snakemake", "sisr-files.json"), workflow.is_main_process) if files else ""
    )


def shards_of(dataset):
    count = DATASETS[dataset].get("shards", 1)
    return [f"{index}of{count}" for index in range(count)]
