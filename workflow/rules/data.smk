# Data: assets, each checked against the registry's checksum, and the HR images of datasets.


rule fetch_asset:
    output:
        "<resources>/assets/{asset}.json",
    log:
        "<logs>/fetch_asset/{asset}.log",
    wildcard_constraints:
        asset="|".join(ASSETS),
    retries: 1
    localrule: True
    conda:
        "../../envs/base.yaml"
    params:
        entry=asset_entry,
        optional=is_optional,
        mirror=RUN.mirror or "",
    message:
        "Fetching {wildcards.asset}"
    script:
        "../../scripts/fetch_asset.py"


# For machines whose compute nodes have no network: `snakemake fetch` on the login node first.
rule fetch:
    input:
        lambda wildcards: run_assets(),
    localrule: True


rule prepare_dataset:
    input:
        asset=hr_sources,
        # Their content counts, as a parameter; their times do not.
        images=hr_images,
    output:
        manifest="<results>/hr/{dataset}.json",
        images=directory("<results>/hr/{dataset}"),
    log:
        "<logs>/prepare_dataset/{dataset}.log",
    wildcard_constraints:
        dataset="[^/]+",
    conda:
        "../../envs/base.yaml"
    threads: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        entry=hr_entry,
        content=lambda wildcards: content_of(files_in(DATASETS[wildcards.dataset].get("path", ""))),
        code=code_of("prepare_dataset"),
    message:
        "Preparing HR images of {wildcards.dataset}"
    script:
        "../../scripts/prepare_dataset.py"
