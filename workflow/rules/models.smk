# Models that the DAG trains itself.


rule train_model:
    input:
        training_assets,
    output:
        "<resources>/trained/{recipe}/x{scale}.safetensors",
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
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        recipe_digest=lambda wildcards: recipe_of(wildcards).digest,
        code=code_digest("training"),
    message:
        "Training {wildcards.recipe} at x{wildcards.scale}"
    script:
        "../../scripts/train_model.py"
