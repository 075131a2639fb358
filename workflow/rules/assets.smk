# Fetching: data, weights and metric backbones, each checked against the registry's checksum.


rule fetch_asset:
    output:
        "<resources>/assets/{asset}.json",
    log:
        "<logs>/fetch/{asset}.log",
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
        run_assets(),
    localrule: True
