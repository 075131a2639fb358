# Training: models that the run trains itself, and their curves.


rule train_model:
    input:
        unpack(training_inputs),
    output:
        weights="<resources>/trained/{recipe}/x{scale}.safetensors",
        curves="<resources>/trained/{recipe}/x{scale}.csv",
    log:
        "<logs>/train_model/{recipe}_x{scale}.log",
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


rule curves:
    input:
        curves_of_scale,
    output:
        report(
            "<results>/figures/curves_x{scale}.svg",
            caption="../report/curves.rst",
            category="Training",
            labels={"scale": "x{scale}", "plot": "curves"},
        ),
    log:
        "<logs>/curves/x{scale}.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        labels=curve_labels,
        code=code_of("curves"),
    message:
        "Drawing the training curves of x{wildcards.scale}"
    script:
        "../../scripts/curves.py"


REPORT_ITEMS += curve_figures()
