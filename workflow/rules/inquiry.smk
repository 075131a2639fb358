# Inquiry: what made the LR images that somebody brought.


rule identify_lr:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        lr=f"<results>/lr/{{dataset}}/{GIVEN}/x{{scale}}.json",
        lr_images=f"<results>/lr/{{dataset}}/{GIVEN}/x{{scale}}",
    output:
        f"<results>/lr/{{dataset}}/{GIVEN}/x{{scale}}.identity.json",
    log:
        "<logs>/identify_lr/{dataset}/x{scale}.log",
    wildcard_constraints:
        dataset="|".join(PAIRS),
        scale="[0-9]+",
    # It tries all kernels, of which some are functions of PyTorch and scikit-image.
    conda:
        "../../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(30),
    params:
        said=said_of_lr,
        kernels=lambda wildcards: {
            name: kept(entry, "label", *KERNEL_KEYS) for name, entry in registry.load("kernels").items()
        },
        content=lambda wildcards: content_of(kernel_files()),
        code=code_of("identify_lr"),
    message:
        "Identifying the LR images of {wildcards.dataset} at x{wildcards.scale}"
    script:
        "../../scripts/identify_lr.py"
