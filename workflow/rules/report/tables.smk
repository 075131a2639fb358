# Tables of results, of cost and of precisions.


rule tables:
    input:
        scores="<results>/scores.csv",
        status="<results>/status.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
        trained=lambda wildcards: [
            weights_of(model, int(wildcards.scale)) for model in trained_models(wildcards)
        ],
    output:
        csv=report(
            "<results>/tables/x{scale}.csv",
            caption="../../report/table.rst",
            category="Data",
            labels={"table": "x{scale} means"},
        ),
        md="<results>/tables/x{scale}.md",
        tex="<results>/tables/x{scale}.tex",
        html=report(
            "<results>/tables/x{scale}.html",
            caption="../../report/table.rst",
            category="Benchmark tables",
            labels={"table": "x{scale} means"},
        ),
    log:
        "<logs>/tables/x{scale}.log",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        trained=trained_models,
        training_data={name: DATASETS[name].get("leakage", []) for name in RUN.values("dataset")},
        trained_on={name: kept(entry_of(name), "engine", "trained_on") for name in RESULT_NAMES["models"]},
        code=code_of("tables"),
    message:
        "Writing the result tables of x{wildcards.scale}"
    script:
        "../../../scripts/tables.py"


REPORT_ITEMS += collect("<results>/tables/x{scale}.{form}", scale=SCALES, form=["csv", "md", "tex", "html"])


rule cost_table:
    input:
        scores="<results>/scores.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
        cost="<results>/cost.csv",
    output:
        csv="<results>/tables/cost_x{scale}.csv",
        md="<results>/tables/cost_x{scale}.md",
        html=report(
            "<results>/tables/cost_x{scale}.html",
            caption="../../report/cost.rst",
            category="Benchmark tables",
            labels={"table": "x{scale} time and size"},
        ),
    log:
        "<logs>/cost_table/x{scale}.log",
    wildcard_constraints:
        scale="[0-9]+",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        challenges=file_digest(registry.find("challenges.yaml")),
        receipts=receipts_of,
        code=code_of("cost_table"),
    message:
        "Writing the cost table of x{wildcards.scale}"
    script:
        "../../../scripts/cost_table.py"


if RUN.cost is not None:
    REPORT_ITEMS += collect("<results>/tables/cost_x{scale}.{form}", scale=SCALES, form=["csv", "md", "html"])


# Where one model of the run stands among the others: what `sisr bench` prints.
rule verdict:
    input:
        scores="<results>/scores.csv",
        status="<results>/status.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
        identities=identities_of,
        cost=[] if RUN.cost is None else "<results>/cost.csv",
    output:
        text="<results>/verdict.txt",
        html=report(
            "<results>/verdict.html",
            caption="../../report/verdict.rst",
            category="Benchmark tables",
            labels={"table": "verdict"},
        ),
    log:
        "<logs>/verdict.log",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        model=RUN.verdict.get("model", ""),
        twins=list(RUN.verdict.get("twins", ())),
        scales=SCALES,
        printed=file_digest(registry.find("references.yaml")),
        code=code_of("verdict"),
    message:
        "Placing {params.model}"
    script:
        "../../../scripts/verdict.py"


REPORT_ITEMS += ["<results>/verdict.txt", "<results>/verdict.html"] if RUN.verdict else []


rule precision_ledger:
    input:
        ledger_files(),
    output:
        csv=report(
            "<results>/precision.csv",
            caption="../../report/precision.rst",
            category="Data",
            labels={"table": "precision ledger"},
        ),
        html=report(
            "<results>/tables/precision.html",
            caption="../../report/precision.rst",
            category="Benchmark tables",
            labels={"table": "precision ledger"},
        ),
    log:
        "<logs>/precision_ledger.log",
    conda:
        "../../../envs/base.yaml"
    resources:
        mem_mb=growing(1500),
        runtime=growing(15),
    params:
        labels=result_labels(),
        code=code_of("precision_ledger"),
    message:
        "Writing the precision ledger"
    script:
        "../../../scripts/precision_ledger.py"


REPORT_ITEMS += ["<results>/tables/precision.html", "<results>/precision.csv"] if ledger_files() else []
