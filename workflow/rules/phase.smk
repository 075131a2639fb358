# The phase audit: where every LR grid lies, and whether a model moves the picture.


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
        "<logs>/phase/sets/{dataset}/{kernel}/x{scale}.log",
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
        phases_of_sets(),
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
        "<logs>/phase/kernels.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        sets=RUN.sets(),
        kernels={
            name: kept(registry.load("kernels")[name], "label", *KERNEL_KEYS)
            for name in RUN.values("kernel")
        },
        datasets=result_labels()["datasets"],
        code=code_of("phase_kernels", run_kernel_code),
    message:
        "Auditing the phase of the LR kernels"
    script:
        "../../scripts/phase_kernels.py"


rule phase_models:
    input:
        lambda wildcards: phases_of_sets(int(wildcards.scale)),
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
        "<logs>/phase/models_x{scale}.log",
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
