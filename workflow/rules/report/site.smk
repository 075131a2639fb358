# The site: static pages with a leaderboard, a viewer and plots, that open from disk.


rule site_originals:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        lr="<results>/lr/{dataset}/{kernel}/x{scale}.json",
        lr_images="<results>/lr/{dataset}/{kernel}/x{scale}",
    output:
        directory("<results>/site/images/{dataset}/{kernel}/x{scale}/_originals"),
    log:
        "<logs>/site_originals/{dataset}/{kernel}/x{scale}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        quality=RUN.site_quality,
        code=code_of("site_originals"),
    message:
        "Site: HR and LR images of {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale})"
    script:
        "../../../scripts/site_originals.py"


rule site_images:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        sr=sr_of_cell,
        sr_images=sr_images_of_cell,
        parts=parts_of_cell,
    output:
        manifest="<results>/site/images/{dataset}/{kernel}/x{scale}/{model}.json",
        images=directory("<results>/site/images/{dataset}/{kernel}/x{scale}/{model}"),
    log:
        "<logs>/site_images/{dataset}/{kernel}/x{scale}/{model}.log",
    wildcard_constraints:
        dataset="[^/]+",
        kernel="[^/]+",
        scale="[0-9]+",
        model="[^_/][^/]*",
    conda:
        "../../../envs/base.yaml"
    resources:
        cell=1,
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        quality=RUN.site_quality,
        code=code_of("site_images"),
    message:
        "Site: images of {wildcards.model} on {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale})"
    script:
        "../../../scripts/site_images.py"


rule render_site:
    input:
        scores="<results>/scores.csv",
        status="<results>/status.csv",
        provenance="<results>/provenance.json",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
        sr=sr_of_cells(RUN.cells),
        weights=[weights_of(*one) for one in cells_with_weights()],
        ranks=collect("<results>/tables/ranks_x{scale}.csv", scale=SCALES),
        pairs=collect("<results>/tables/comparison_x{scale}.csv", scale=SCALES),
        cost=[] if RUN.cost is None else "<results>/cost.csv",
        certification="<results>/certification.csv" if ANCHORS else [],
        curves=[made_by for *_, made_by in training_curves()],
        crops=crop_sheets(),
        originals=site_originals(),
        images=site_images(),
        lessons=lambda wildcards: [file for _, file in own_lessons()],
    output:
        page="<results>/site/index.html",
        assets=directory("<results>/site/assets"),
        data=directory("<results>/site/data"),
        crops=directory("<results>/site/crops"),
    log:
        "<logs>/render_site.log",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        said=said_on_site(),
        facts=[facts_of(model) for model in RESULT_NAMES["models"]],
        weights=cells_with_weights(),
        own=[[*one, files] for one, files in OWN_FILES.items() if files],
        curves=[(label, scale) for label, scale, _ in training_curves()],
        cells=site_cells(),
        lessons=lambda wildcards: [lesson for lesson, _ in own_lessons()],
        printed=[file_digest(path) for path in said_by_files()],
        shards=[f"{d}/{k}/x{s}/{m}" for d, k, s, m in RUN.cells for _ in shards_of(d)],
        code=code_of("render_site"),
    message:
        "Writing the site"
    script:
        "../../../scripts/render_site.py"


TARGETS += ["<results>/site/index.html"]


# Report and site in one file, for a mail or a static host.
rule report_zip:
    input:
        report="<results>/report.html",
        page="<results>/site/index.html",
        beside=[
            "<results>/scores.csv",
            *collect("<results>/tables/comparison_x{scale}.html", scale=SCALES),
        ],
    output:
        "<results>/report.zip",
    log:
        "<logs>/report_zip.log",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code_of("report_zip"),
    message:
        "Packing the report and the site"
    script:
        "../../../scripts/report_zip.py"
