# What the report shows of training: curves, and the crops of the loss study.


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


rule loss_study_crops:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}" for dataset in RUN.loss_study.get("regions", {})],
        sr=loss_study_images,
    output:
        report(
            "<results>/figures/loss_study_x{scale}.png",
            caption="../report/loss_study.rst",
            category="Training",
            labels={"scale": "x{scale}", "plot": "loss study"},
        ),
    log:
        "<logs>/loss_study/x{scale}.log",
    conda:
        "../../envs/base.yaml"
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
        "../../scripts/loss_study_crops.py"


# The table, the perception-distortion plot, the curves and the crops of the networks that differ in their loss.
rule loss_study:
    input:
        loss_study_items(),
        collect("<results>/tables/x{scale}.{form}", scale=RUN.values("scale"), form=["csv", "md", "html"]),
        collect("<results>/figures/perception_distortion_x{scale}.svg", scale=RUN.values("scale")),
        curve_figures(),
    localrule: True
