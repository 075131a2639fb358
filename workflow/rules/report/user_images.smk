# What is shown of user images as LR (`user_images: {path: FOLDER, as: lr}`). They have no HR and so are no cells of
# the run, but every model of the run enlarges them; what is shown are measures of the SR image alone, and crops.


rule user_tables:
    input:
        scores=lambda wildcards: [
            f"<results>/user_images/scores/x{wildcards.scale}/{model}.csv"
            for model in models_of_scale(wildcards.scale)
        ],
        sr=sr_of_user_images,
    output:
        scores="<results>/user_images/scores_x{scale}.csv",
        status="<results>/user_images/status_x{scale}.csv",
        csv=report(
            "<results>/user_images/x{scale}.csv",
            caption="../../report/user_images.rst",
            category="User images",
            labels={"scale": "x{scale}", "form": "CSV"},
        ),
        md="<results>/user_images/x{scale}.md",
        tex="<results>/user_images/x{scale}.tex",
        html=report(
            "<results>/user_images/x{scale}.html",
            caption="../../report/user_images.rst",
            category="User images",
            labels={"scale": "x{scale}", "form": "table"},
        ),
    log:
        "<logs>/user_tables/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=USER_NAMES,
        labels=result_labels(),
        models=lambda wildcards: models_of_scale(wildcards.scale),
        code=code_of("user_tables"),
    message:
        "Writing the tables of LR user images at x{wildcards.scale}"
    script:
        "../../../scripts/user_tables.py"


rule user_crops:
    input:
        scores="<results>/user_images/scores_x{scale}.csv",
        lr=f"<results>/lr/{USER_LR}/x{{scale}}.json",
        lr_images=f"<results>/lr/{USER_LR}/x{{scale}}",
        sr=sr_of_user_images,
        sr_images=lambda wildcards: [path.removesuffix(".json") for path in sr_of_user_images(wildcards)],
    output:
        report(
            collect(
                "<results>/user_images/crops_x{{scale}}_{number}.jpg",
                number=range(1, RUN.crops_per_set + 1),
            ),
            caption="../../report/user_images.rst",
            category="User images",
            labels={"scale": "x{scale}", "form": "crops"},
        ),
    log:
        "<logs>/user_crops/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=USER_NAMES,
        labels=result_labels(),
        models=lambda wildcards: models_of_scale(wildcards.scale),
        regions=RUN.crop_regions.get(user_images.DATASET, {}),
        limit=sheet_limit(len(crop_sheets()) + len(user_items())),
        code=code_of("user_crops"),
    message:
        "Drawing crops of LR user images at x{wildcards.scale}"
    script:
        "../../../scripts/user_crops.py"


REPORT_ITEMS += user_items()


# These images alone, without the benchmark: `snakemake user_images`.
rule user_images:
    input:
        user_items(),
    localrule: True
