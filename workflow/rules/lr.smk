# LR images: made of HR images by a kernel, or given ones as they are.


rule make_lr:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        kernel_file=kernel_file,
    output:
        manifest="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        images=directory("<results>/lr/{dataset}/{kernel}/x{scale}"),
    log:
        "<logs>/make_lr/{dataset}/{kernel}/x{scale}.log",
    wildcard_constraints:
        dataset="[^/]+",
        # No function makes given LR images: they are taken.
        kernel=f"(?!{GIVEN}/)[^/]+",
        scale="[0-9]+",
    # Some kernels are functions of PyTorch and scikit-image.
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        entry=kernel_entry,
        content=lambda wildcards: content_of(map(Path, kernel_file(wildcards))),
        seed=RUN.seed,
        code=code_of("make_lr", kernel_code),
    message:
        "Making LR images of {wildcards.dataset} at x{wildcards.scale} with {wildcards.kernel}"
    script:
        "../../scripts/make_lr.py"


rule take_lr:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        lr_images=given_lr_images,
    output:
        manifest=f"<results>/lr/{{dataset}}/{GIVEN}/x{{scale}}.json",
        images=directory(f"<results>/lr/{{dataset}}/{GIVEN}/x{{scale}}"),
    log:
        "<logs>/take_lr/{dataset}/x{scale}.log",
    wildcard_constraints:
        dataset="|".join([user_images.DATASET, *PAIRS]),
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        folder=given_lr,
        content=lambda wildcards: content_of(files_in(given_lr(wildcards))),
        code=code_of("take_lr"),
    message:
        "Taking the LR images of {wildcards.dataset} at x{wildcards.scale} as they are"
    script:
        "../../scripts/take_lr.py"
