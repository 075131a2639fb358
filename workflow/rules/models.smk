# Models that the DAG trains itself.


rule train_model:
    input:
        unpack(training_inputs),
    output:
        weights="<resources>/trained/{recipe}/x{scale}.safetensors",
        curves="<resources>/trained/{recipe}/x{scale}.csv",
    log:
        "<logs>/train/{recipe}_x{scale}.log",
    wildcard_constraints:
        recipe="[^/]+",
        scale="[0-9]+",
    conda:
        "../../envs/torch.yaml"
    # The recipe fixes torch's threads, since the order of sums is part of the result.
    threads: lambda wildcards: recipe_of(wildcards).threads
    resources:
        mem_mb=growing(4000),
        # A job that runs out of time goes on from its last checkpoint.
        runtime=growing(1440),
        gpu=gpus_of_run(),
    params:
        recipe_digest=lambda wildcards: recipe_of(wildcards).digest,
        kernel=recipe_kernel,
        device=RUN.device,
        code=code_of("train_model", recipe_code),
    message:
        "Training {wildcards.recipe} at x{wildcards.scale}"
    script:
        "../../scripts/train_model.py"
