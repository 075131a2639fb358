# HR images of a dataset, and the LR images that a kernel makes of them.


rule prepare_dataset:
    input:
        asset=hr_sources,
        pictures=hr_pictures,
    output:
        manifest="<results>/hr/{dataset}.json",
        images=directory("<results>/hr/{dataset}"),
    log:
        "<logs>/hr/{dataset}.log",
    wildcard_constraints:
        dataset="[^/]+",
    conda:
        "../../envs/base.yaml"
    threads: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        entry=lambda wildcards: kept(DATASETS[wildcards.dataset], "asset", "path", "expected"),
        code=code_of("prepare_dataset"),
    message:
        "Preparing HR images of {wildcards.dataset}"
    script:
        "../../scripts/prepare_dataset.py"


rule make_lr:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        kernel_file=kernel_file,
    output:
        manifest="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        images=directory("<results>/lr/{dataset}/{kernel}/x{scale}"),
    log:
        "<logs>/lr/{dataset}/{kernel}/x{scale}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
    # Some kernels are functions of PyTorch and scikit-image.
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        entry=kernel_entry,
        seed=RUN.seed,
        code=code_of("make_lr", kernel_code),
    message:
        "Making LR images of {wildcards.dataset} at x{wildcards.scale} with {wildcards.kernel}"
    script:
        "../../scripts/make_lr.py"
