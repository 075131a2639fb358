# What the models cost: counts, time and memory; and what lower precisions change.


rule count_cost:
    input:
        weights=weights_source,
    output:
        "<results>/cost/x{scale}/{model}/counts.json",
    log:
        "<logs>/cost/x{scale}/{model}/counts.log",
    wildcard_constraints:
        scale="[0-9]+",
        model="[^/]+",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        entry=model_entry,
        code=code_of("count_cost", model_code),
    message:
        "Counting the cost of {wildcards.model} at x{wildcards.scale}"
    script:
        "../../scripts/count_cost.py"


# Takes every core, so that nothing of this run is beside it; on a cluster, the rule needs a node of its own.
rule time_model:
    input:
        weights=weights_source,
    output:
        "<results>/cost/x{scale}/{model}/timing.json",
    log:
        "<logs>/cost/x{scale}/{model}/timing.log",
    wildcard_constraints:
        scale="[0-9]+",
        model="[^/]+",
    conda:
        "../../envs/torch.yaml"
    threads: every_core
    resources:
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
        counts=cost_files("counts"),
        timings=cost_files("timing") if "time" in COST_AXES else [],
    output:
        report("<results>/cost.csv", caption="../report/cost.rst", category="Data"),
    log:
        "<logs>/cost/gather.log",
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


rule cost_table:
    input:
        "<results>/cost.csv",
    output:
        csv="<results>/tables/cost_x{scale}.csv",
        md="<results>/tables/cost_x{scale}.md",
        html=report(
            "<results>/tables/cost_x{scale}.html",
            caption="../report/cost.rst",
            category="Tables",
            labels={"scale": "x{scale}", "form": "cost"},
        ),
    log:
        "<logs>/cost/table_x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        labels=result_labels()["models"],
        code=code_of("cost_table"),
    message:
        "Writing the cost table of x{wildcards.scale}"
    script:
        "../../scripts/cost_table.py"


rule cost_plots:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        cost="<results>/cost.csv",
    output:
        [
            report(
                f"<results>/figures/quality_{axis}_x{{scale}}.svg",
                caption="../report/quality_cost.rst",
                category="Plots",
                labels={"scale": "x{scale}", "plot": f"quality against {axis}"},
            )
            for axis in COST_AXES
        ],
    log:
        "<logs>/cost/plots_x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(15),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        axes=COST_AXES,
        code=code_of("cost_plots"),
    message:
        "Drawing quality against cost at x{wildcards.scale}"
    script:
        "../../scripts/cost_plots.py"


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
        "<logs>/precision/{dataset}/{kernel}/x{scale}/{model}.log",
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


rule precision_ledger:
    input:
        ledger_files(),
    output:
        csv=report(
            "<results>/precision.csv",
            caption="../report/precision.rst",
            category="Data",
        ),
        html=report(
            LEDGER_PAGE,
            caption="../report/precision.rst",
            category="Tables",
            labels={"scale": "all", "form": "precision ledger"},
        ),
    log:
        "<logs>/precision/ledger.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        labels=result_labels(),
        code=code_of("precision_ledger"),
    message:
        "Writing the precision ledger"
    script:
        "../../scripts/precision_ledger.py"
