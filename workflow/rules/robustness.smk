# What the LR kernel does to the models; only for scales that more than one kernel was run at.


rule robustness:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        hr_images=[f"<results>/hr/{dataset}" for dataset in RUN.values("dataset")],
        lr=lr_sets_of_scale,
        lr_images=lambda wildcards: [path.removesuffix(".json") for path in lr_sets_of_scale(wildcards)],
    output:
        table=report(
            "<results>/tables/robustness_x{scale}.csv",
            caption="../report/robustness.rst",
            category="Robustness",
            subcategory="Downloads",
            labels={"scale": "x{scale}", "form": "CSV"},
        ),
        heat_map="<results>/robustness/x{scale}_differences.svg",
        ranks="<results>/robustness/x{scale}_ranks.svg",
        sheets=directory("<results>/robustness/x{scale}_lr"),
        page=report(
            "<results>/robustness/x{scale}.html",
            caption="../report/robustness.rst",
            category="Robustness",
            labels={"scale": "x{scale}", "form": "page"},
        ),
    log:
        "<logs>/robustness/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        sets=lambda wildcards: [s for s in RUN.sets() if s[2] == int(wildcards.scale)],
        code=code_of("robustness"),
    message:
        "Comparing the models' results on different LR kernels at x{wildcards.scale}"
    script:
        "../../scripts/robustness.py"
