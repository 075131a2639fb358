# Inquiry: what is said of LR images that somebody brought, and what was found.
from sisr.inquiry.given_sets import found_beside


def said_of_lr(wildcards):
    """What a dataset's entry says of its LR images; a folder's name may say more than is true."""
    return {
        **kept(DATASETS[wildcards.dataset], "label", "lr_kernel"),
        "folder": given_lr(wildcards),
    }


def kernel_files():
    """Files that kernels of the registry are read from, those that are there."""
    files = map(kernels.file_of, registry.load("kernels").values())
    return [file for file in files if file is not None and file.is_file()]


def warn_of_lr():
    """Say at the end of a run, a line each, which given LR images are not what they are said to be."""
    for found in or_workflow_error(found_beside, placed("results", RUN.name), RUN.sets()):
        for line in found.warnings:
            logger.warning(f"warning: {line}")
