# The results folder as an RO-Crate: what the results are, and what made them, for other tools and for `sisr reproduce`.


rule crate:
    input:
        parts=[
            "<results>/scores.csv",
            "<results>/status.csv",
            "<results>/timings.csv",
            "<results>/provenance.json",
            "<results>/config.yaml",
            *[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
            *shown_files(),
            "<results>/report.html",
            "<results>/site/index.html",
        ],
        assets=run_assets(),
    output:
        metadata="<results>/ro-crate-metadata.json",
        readme="<results>/README.md",
        code=directory("<results>/code"),
    log:
        "<logs>/crate.log",
    localrule: True
    conda:
        "../../envs/base.yaml"
    params:
        code=code_of("crate"),
    message:
        "Describing the run as an RO-Crate"
    script:
        "../../scripts/crate.py"
