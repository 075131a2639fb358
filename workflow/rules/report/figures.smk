# Plots and crops, and the pages of figures: comparison and robustness.


rule plots:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
    output:
        quality=report(
            "<results>/figures/quality_x{scale}.svg",
            caption="../../report/quality.rst",
            category="Plots",
            labels={"scale": "x{scale}", "plot": "quality by dataset"},
        ),
        perception_distortion=report(
            "<results>/figures/perception_distortion_x{scale}.svg",
            caption="../../report/perception_distortion.rst",
            category="Plots",
            labels={"scale": "x{scale}", "plot": "perception and distortion"},
        ),
    log:
        "<logs>/plots/x{scale}.log",
    conda:
        "../../../envs/base.yaml"
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
        "../../../scripts/plots.py"


REPORT_ITEMS += collect(
    "<results>/figures/{plot}_x{scale}.svg", plot=["quality", "perception_distortion"], scale=SCALES
)


# Measures of cells up to which the pages of pairs are items of the report: some 0.6 MB. Its front page names larger ones.
PAIRS_IN_REPORT = 1000


# How sure the results are: pairs of models and ranks.
rule comparison:
    input:
        scores="<results>/scores.csv",
        status="<results>/status.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
    output:
        page=(
            report(
                "<results>/tables/comparison_x{scale}.html",
                caption="../../report/comparison.rst",
                category="Benchmark tables",
                labels={"table": "x{scale} pairs of models"},
            )
            if len(RUN.cells) * len(RUN.measures) <= PAIRS_IN_REPORT
            else "<results>/tables/comparison_x{scale}.html"
        ),
        # Not in the report, whose size has a limit: with 43 models, 903 pairs for each dataset and measure.
        pairs="<results>/tables/comparison_x{scale}.csv",
        ranks="<results>/tables/ranks_x{scale}.csv",
        diagram=report(
            "<results>/figures/critical_difference_x{scale}.svg",
            caption="../../report/critical_difference.rst",
            category="Plots",
            labels={"scale": "x{scale}", "plot": "ranks of the models"},
        ),
    log:
        "<logs>/comparison/x{scale}.log",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        code=code_of("comparison"),
    message:
        "Comparing the models at x{wildcards.scale}"
    script:
        "../../../scripts/comparison.py"


REPORT_ITEMS += collect("<results>/tables/comparison_x{scale}.{form}", scale=SCALES, form=["html", "csv"])
# The front page links them, and knows the configuration alone, of which the suites may name other scales.
config["compared"] = list(SCALES)
REPORT_ITEMS += collect("<results>/tables/ranks_x{scale}.csv", scale=SCALES)
REPORT_ITEMS += collect("<results>/figures/critical_difference_x{scale}.svg", scale=SCALES)


# What the LR kernel does to the models; only for scales that more than one kernel was run at.
rule robustness:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
        hr_images=[f"<results>/hr/{dataset}" for dataset in RUN.values("dataset")],
        lr=lr_sets_of_scale,
        lr_images=lambda wildcards: [path.removesuffix(".json") for path in lr_sets_of_scale(wildcards)],
    output:
        table=report(
            "<results>/tables/robustness_x{scale}.csv",
            caption="../../report/robustness.rst",
            category="Robustness",
            subcategory="Downloads",
            labels={"scale": "x{scale}", "form": "CSV"},
        ),
        heat_map="<results>/robustness/x{scale}_differences.svg",
        ranks="<results>/robustness/x{scale}_ranks.svg",
        sheets=directory("<results>/robustness/x{scale}_lr"),
        page=report(
            "<results>/robustness/x{scale}.html",
            caption="../../report/robustness.rst",
            category="Robustness",
            labels={"scale": "x{scale}", "form": "page"},
        ),
    log:
        "<logs>/robustness/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../../envs/base.yaml"
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
        "../../../scripts/robustness.py"


REPORT_ITEMS += collect("<results>/robustness/x{scale}.html", scale=scales_of_several_kernels())
REPORT_ITEMS += collect("<results>/tables/robustness_x{scale}.csv", scale=scales_of_several_kernels())


rule crops:
    input:
        scores="<results>/scores.csv",
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        lr="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        lr_images="<results>/lr/{dataset}/{kernel}/x{scale}",
        sr=sr_of_set,
        sr_images=sr_images_of_set,
        identities=identities_of,
    output:
        report(
            collect(
                "<results>/figures/crops/{{dataset}}_{{kernel}}_x{{scale}}_{number}.jpg",
                number=range(1, RUN.crops_per_set + 1),
            ),
            caption="../../report/crops.rst",
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
        "../../../envs/base.yaml"
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
        "../../../scripts/crops.py"


REPORT_ITEMS += crop_sheets()


rule cost_plots:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
        cost="<results>/cost.csv",
    output:
        [
            report(
                f"<results>/figures/quality_{axis}_x{{scale}}.svg",
                caption="../../report/quality_cost.rst",
                category="Plots",
                labels={"scale": "x{scale}", "plot": f"quality against {axis}"},
            )
            for axis in COST_AXES
        ],
    log:
        "<logs>/cost_plots/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../../envs/base.yaml"
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
        "../../../scripts/cost_plots.py"


if RUN.cost is not None:
    REPORT_ITEMS += collect("<results>/figures/quality_{axis}_x{scale}.svg", axis=COST_AXES, scale=SCALES)


rule loss_study_crops:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}" for dataset in RUN.loss_study.get("regions", {})],
        sr=loss_study_images,
    output:
        report(
            "<results>/figures/loss_study_x{scale}.png",
            caption="../../report/loss_study.rst",
            category="Training",
            labels={"scale": "x{scale}", "plot": "loss study"},
        ),
    log:
        "<logs>/loss_study_crops/x{scale}.log",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        study=dict(RUN.loss_study),
        cells=loss_study_cells(),
        kernel=RUN.values("kernel")[0],
        names=RESULT_NAMES,
        labels=result_labels(),
        code=code_of("loss_study_crops"),
    message:
        "Drawing the crops of the loss study at x{wildcards.scale}"
    script:
        "../../../scripts/loss_study_crops.py"


REPORT_ITEMS += loss_study_items()


# The table, the perception-distortion plot, the curves and the crops of the networks that differ in their loss.
rule loss_study:
    input:
        loss_study_items(),
        collect("<results>/tables/x{scale}.{form}", scale=SCALES, form=["csv", "md", "html"]),
        collect("<results>/figures/perception_distortion_x{scale}.svg", scale=SCALES),
        curve_figures(),
    localrule: True
