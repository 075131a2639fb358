# Upscaling: one job a cell and shard. A model that cannot run leaves a status with its reason, not an error.


rule upscale:
    input:
        lr="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        lr_images="<results>/lr/{dataset}/{kernel}/x{scale}",
        weights=weights_source,
        # A change of the content counts, which model_entry has; the time does not.
        own=lambda wildcards: ancient([local(file) for file in own_files(wildcards)]),
    output:
        status="<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}.json",
        images=directory("<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}"),
    log:
        "<logs>/upscale/{dataset}/{kernel}/x{scale}/{model}/{shard}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
        model="".join(f"(?!{re.escape(name)}/)" for name in OUTPUTS_ONLY) + "[^/]+",
        shard="[0-9]+of[0-9]+",
    conda:
        "../../envs/torch.yaml"
    # One thread each: cells fill the cores, and the pixels do not depend on how many there are.
    threads: 1
    resources:
        gpu=gpus_of,
        cell=1,
        mem_mb=growing(4000),
        runtime=growing(120),
        attempt=growing(1),  # for the record of the cell
    params:
        entry=model_entry,
        device=RUN.device,
        inference=inference_of,
        code=code_of("upscale", model_code),
    message:
        "Upscaling {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale}) with {wildcards.model}"
    script:
        "../../scripts/upscale.py"


rule take_sr:
    input:
        hr="<results>/hr/{dataset}.json",
        lr="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        outputs=given_sr_images,
    output:
        status="<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}.json",
        images=directory("<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}"),
    log:
        "<logs>/take_sr/{dataset}/{kernel}/x{scale}/{model}/{shard}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
        model="|".join(map(re.escape, OUTPUTS_ONLY)) or "(?!)",
        shard="[0-9]+of[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        folder=lambda wildcards: str(given_sr(wildcards)),
        content=lambda wildcards: content_of(files_in(given_sr(wildcards))),
        code=code_of("take_sr"),
    message:
        "Taking the outputs of {wildcards.model} on {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale})"
    script:
        "../../scripts/take_sr.py"
