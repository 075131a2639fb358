# One's own pictures as LR (`my_photos: {path: FOLDER, as: lr}`). They have no HR and so are no cells of the run, but
# every model of the run enlarges them; what is shown are measures of the SR image alone, and crops.


ruleorder: take_lr > make_lr


rule take_lr:
    input:
        pictures=f"<results>/hr/{my_photos.DATASET}.json",
        images=f"<results>/hr/{my_photos.DATASET}",
    output:
        manifest=f"<results>/lr/{LR_PHOTOS}/x{{scale}}.json",
        images=directory(f"<results>/lr/{LR_PHOTOS}/x{{scale}}"),
    log:
        "<logs>/my_photos/lr_x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code_of("take_lr"),
    message:
        "Taking pictures of one's own as LR images for x{wildcards.scale}"
    script:
        "../../scripts/take_lr.py"


rule score_photos:
    input:
        sr=f"<results>/sr/{LR_PHOTOS}/x{{scale}}/{{model}}/0of1.json",
        sr_images=f"<results>/sr/{LR_PHOTOS}/x{{scale}}/{{model}}/0of1",
        metric_files=[f"<resources>/assets/{asset}.json" for asset in assets_of(PHOTO_MEASURES)],
    output:
        "<results>/my_photos/scores/x{scale}/{model}.csv",
    log:
        "<logs>/my_photos/scores/x{scale}/{model}.log",
    wildcard_constraints:
        scale="[0-9]+",
        model="[^/]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        measures=PHOTO_MEASURES,
        rules=measure_entries(PHOTO_MEASURES),
        code=code_of("score_photos", measures=PHOTO_MEASURES),
    message:
        "Scoring {wildcards.model} on LR pictures of one's own at x{wildcards.scale}"
    script:
        "../../scripts/score_photos.py"


rule photo_tables:
    input:
        scores=lambda wildcards: [
            f"<results>/my_photos/scores/x{wildcards.scale}/{model}.csv"
            for model in models_of_scale(wildcards.scale)
        ],
        sr=sr_of_photos,
    output:
        scores="<results>/my_photos/scores_x{scale}.csv",
        status="<results>/my_photos/status_x{scale}.csv",
        csv=report(
            "<results>/my_photos/x{scale}.csv",
            caption="../report/my_photos.rst",
            category="My photos",
            labels={"scale": "x{scale}", "form": "CSV"},
        ),
        md="<results>/my_photos/x{scale}.md",
        tex="<results>/my_photos/x{scale}.tex",
        html=report(
            "<results>/my_photos/x{scale}.html",
            caption="../report/my_photos.rst",
            category="My photos",
            labels={"scale": "x{scale}", "form": "table"},
        ),
    log:
        "<logs>/my_photos/tables_x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=PHOTO_NAMES,
        labels=result_labels(),
        models=lambda wildcards: models_of_scale(wildcards.scale),
        code=code_of("make_photo_tables"),
    message:
        "Writing the tables of LR pictures of one's own at x{wildcards.scale}"
    script:
        "../../scripts/make_photo_tables.py"


rule photo_crops:
    input:
        scores="<results>/my_photos/scores_x{scale}.csv",
        lr=f"<results>/lr/{LR_PHOTOS}/x{{scale}}.json",
        lr_images=f"<results>/lr/{LR_PHOTOS}/x{{scale}}",
        sr=sr_of_photos,
        sr_images=lambda wildcards: [path.removesuffix(".json") for path in sr_of_photos(wildcards)],
    output:
        report(
            collect(
                "<results>/my_photos/crops_x{{scale}}_{number}.jpg",
                number=range(1, RUN.crops_per_set + 1),
            ),
            caption="../report/my_photos.rst",
            category="My photos",
            labels={"scale": "x{scale}", "form": "crops"},
        ),
    log:
        "<logs>/my_photos/crops_x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=PHOTO_NAMES,
        labels=result_labels(),
        models=lambda wildcards: models_of_scale(wildcards.scale),
        regions=RUN.crop_regions.get(my_photos.DATASET, {}),
        limit=sheet_limit(len(crop_sheets()) + len(photo_items())),
        code=code_of("make_photo_crops"),
    message:
        "Drawing crops of LR pictures of one's own at x{wildcards.scale}"
    script:
        "../../scripts/make_photo_crops.py"


# These pictures alone, without the benchmark: `snakemake my_photos`.
rule my_photos:
    input:
        photo_items(),
    localrule: True
