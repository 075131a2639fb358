# Analysis: where every LR grid lies and whether a model moves the image; what the models cost, and what lower
# precisions change.


rule phase_set:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        lr="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        lr_images="<results>/lr/{dataset}/{kernel}/x{scale}",
        sr=sr_of_set,
        sr_images=sr_images_of_set,
    output:
        "<results>/phase/sets/{dataset}/{kernel}/x{scale}.csv",
    log:
        "<logs>/phase_set/{dataset}/{kernel}/x{scale}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        models=models_of_set,
        code=code_of("phase_set"),
    message:
        "Measuring the phase of {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale})"
    script:
        "../../scripts/phase_set.py"


rule phase_kernels:
    input:
        shifts=phases_of_sets(),
        identities=identities_of,
    output:
        csv=report(
            "<results>/phase/kernels.csv",
            caption="../report/phase_kernels.rst",
            category="Phase",
            subcategory="Downloads",
            labels={"of": "LR kernels", "form": "CSV"},
        ),
        html=report(
            "<results>/phase/kernels.html",
            caption="../report/phase_kernels.rst",
            category="Phase",
            labels={"of": "LR kernels", "form": "page"},
        ),
    log:
        "<logs>/phase_kernels.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        sets=RUN.sets(),
        kernels={name: kept(kernels.described(name), "label", *KERNEL_KEYS) for name in RUN.values("kernel")},
        datasets=result_labels()["datasets"],
        code=code_of("phase_kernels", run_kernel_code),
    message:
        "Auditing the phase of the LR kernels"
    script:
        "../../scripts/phase_kernels.py"


REPORT_ITEMS += ["<results>/phase/kernels.csv", "<results>/phase/kernels.html"]


rule phase_models:
    input:
        shifts=lambda wildcards: phases_of_sets(int(wildcards.scale)),
        identities=identities_of,
    output:
        csv=report(
            "<results>/phase/models_x{scale}.csv",
            caption="../report/phase_models.rst",
            category="Phase",
            subcategory="Downloads",
            labels={"of": "models, x{scale}", "form": "CSV"},
        ),
        html=report(
            "<results>/phase/models_x{scale}.html",
            caption="../report/phase_models.rst",
            category="Phase",
            labels={"of": "models, x{scale}", "form": "page"},
        ),
    log:
        "<logs>/phase_models/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        labels=result_labels(),
        code=code_of("phase_models"),
    message:
        "Auditing the phase of the models at x{wildcards.scale}"
    script:
        "../../scripts/phase_models.py"


REPORT_ITEMS += collect("<results>/phase/models_x{scale}.{form}", scale=SCALES, form=["csv", "html"])


rule count_cost:
    input:
        weights=weights_of_scale,
    output:
        "<results>/cost/x{scale}/counts.json",
    log:
        "<logs>/count_cost/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        # Which of them have weights, which are the inputs in this order.
        models=lambda wildcards: [
            (model, bool(weights_of(model, int(wildcards.scale))))
            for model in models_of_scale(wildcards.scale)
        ],
        entries=entries_of_scale,
        code=code_of("count_cost", code_of_scale),
    message:
        "Counting the cost of the models at x{wildcards.scale}"
    script:
        "../../scripts/count_cost.py"


# Takes every core, so that nothing of this run is beside it, and on a cluster the node alone.
rule time_model:
    input:
        weights=weights_source,
    output:
        "<results>/cost/x{scale}/{model}/timing.json",
    log:
        "<logs>/time_model/x{scale}/{model}.log",
    wildcard_constraints:
        scale="[0-9]+",
        model="[^/]+",
    conda:
        "../../envs/torch.yaml"
    threads: every_core
    resources:
        slurm_extra="--exclusive",
        gpu=gpus_of,
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        entry=model_entry,
        device=RUN.device,
        inference=inference_of,
        budget=RUN.cost.seconds if RUN.cost else 0,
        code=code_of("time_model", model_code),
    message:
        "Timing {wildcards.model} at x{wildcards.scale}"
    script:
        "../../scripts/time_model.py"


rule gather_cost:
    input:
        counts=collect("<results>/cost/x{scale}/counts.json", scale=SCALES),
        timings=timing_files() if "time" in COST_AXES else [],
    output:
        report(
            "<results>/cost.csv",
            caption="../report/cost.rst",
            category="Data",
            labels={"table": "cost"},
        ),
    log:
        "<logs>/gather_cost.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(15),
    params:
        code=code_of("gather_cost"),
    message:
        "Gathering the cost of all models"
    script:
        "../../scripts/gather_cost.py"


REPORT_ITEMS += [] if RUN.cost is None else ["<results>/cost.csv"]


rule compare_precisions:
    input:
        lr="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        lr_images="<results>/lr/{dataset}/{kernel}/x{scale}",
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        weights=weights_source,
    output:
        "<results>/precision/{dataset}/{kernel}/x{scale}/{model}.json",
    log:
        "<logs>/compare_precisions/{dataset}/{kernel}/x{scale}/{model}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
        model="[^/]+",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        gpu=gpus_of,
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        entry=model_entry,
        device=RUN.device,
        inference=inference_of,
        code=code_of("compare_precisions", model_code),
    message:
        "Comparing precisions of {wildcards.model} on {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale})"
    script:
        "../../scripts/compare_precisions.py"
