# Tables, plots and crops, all from the tidy table; and the report that shows them.


# After the scores: what it records is what made them.
rule provenance:
    input:
        scores="<results>/scores.csv",
        assets=run_assets(),
        own=[local(file) for file in sorted({file for files in OWN_FILES.values() for file in files})],
        trained=trained_weights(),
    output:
        record="<results>/provenance.json",
        config="<results>/config.yaml",
    log:
        "<logs>/provenance.log",
    localrule: True
    # That of the networks and the measures, whose versions it records.
    conda:
        "../../envs/torch.yaml"
    params:
        config=RUN.resolved,
        code=code_of("provenance"),
    message:
        "Recording what made this run"
    script:
        "../../scripts/provenance.py"


rule tables:
    input:
        scores="<results>/scores.csv",
        status="<results>/status.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        trained=lambda wildcards: [
            weights_of(model, int(wildcards.scale)) for model in trained_models(wildcards)
        ],
    output:
        csv=report(
            "<results>/tables/x{scale}.csv",
            caption="../report/table.rst",
            category="Tables",
            subcategory="Downloads",
            labels={"scale": "x{scale}", "form": "CSV"},
        ),
        md="<results>/tables/x{scale}.md",
        tex="<results>/tables/x{scale}.tex",
        html=report(
            "<results>/tables/x{scale}.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"scale": "x{scale}", "form": "table"},
        ),
    log:
        "<logs>/tables/x{scale}.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        trained=trained_models,
        training_data={name: DATASETS[name].get("leakage", []) for name in RUN.values("dataset")},
        trained_on={name: kept(entry_of(name), "engine", "trained_on") for name in RUN.values("model")},
        code=code_of("tables"),
    message:
        "Writing the result tables of x{wildcards.scale}"
    script:
        "../../scripts/tables.py"


rule plots:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
    output:
        quality=report(
            "<results>/figures/quality_x{scale}.svg",
            caption="../report/quality.rst",
            category="Plots",
            labels={"scale": "x{scale}", "plot": "quality by dataset"},
        ),
        perception_distortion=report(
            "<results>/figures/perception_distortion_x{scale}.svg",
            caption="../report/perception_distortion.rst",
            category="Plots",
            labels={"scale": "x{scale}", "plot": "perception and distortion"},
        ),
    log:
        "<logs>/plots/x{scale}.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        code=code_of("plots"),
    message:
        "Drawing the plots of x{wildcards.scale}"
    script:
        "../../scripts/plots.py"


rule crops:
    input:
        scores="<results>/scores.csv",
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        lr="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        lr_images="<results>/lr/{dataset}/{kernel}/x{scale}",
        sr=sr_of_set,
        sr_images=sr_images_of_set,
    output:
        report(
            collect(
                "<results>/figures/crops/{{dataset}}_{{kernel}}_x{{scale}}_{number}.jpg",
                number=range(1, RUN.crops_per_set + 1),
            ),
            caption="../report/crops.rst",
            category="Crops",
            subcategory="{dataset}",
            labels={"kernel": "{kernel}", "scale": "x{scale}"},
        ),
    log:
        "<logs>/crops/{dataset}_{kernel}_x{scale}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        models=models_of_set,
        regions=lambda wildcards: RUN.crop_regions.get(wildcards.dataset, {}),
        limit=sheet_limit(len(crop_sheets())),
        code=code_of("crops"),
    message:
        "Drawing crops of {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale})"
    script:
        "../../scripts/crops.py"


# The report is a call of Snakemake with the same configuration, hence the copy of the latter.
rule render_report:
    input:
        shown=report_items(),
        provenance="<results>/provenance.json",
        config="<results>/config.yaml",
        captions=[local(from_here(path)) for path in sorted(CAPTIONS.glob("*.rst"))],
    output:
        "<results>/report.html",
    log:
        "<logs>/report.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        snakefile=from_here(Path(workflow.main_snakefile)),
        code=code_of("render_report"),
    message:
        "Rendering the report"
    script:
        "../../scripts/render_report.py"
