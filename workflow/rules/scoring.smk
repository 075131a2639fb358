# Scoring: one CSV a cell and shard, gathered into the tidy table that all results are computed from.


rule score:
    input:
        hr="<results>/hr/{dataset}.json",
        hr_images="<results>/hr/{dataset}",
        sr="<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}.json",
        sr_images="<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}",
        lr=lr_if_asked,
        kernel_file=kernel_file_if_asked,
        metric_files=[f"<resources>/assets/{asset}.json" for asset in METRIC_ASSETS],
    output:
        scores="<results>/scores/{dataset}/{kernel}/x{scale}/{model}/{shard}.csv",
        parts="<results>/scores/{dataset}/{kernel}/x{scale}/{model}/{shard}.parts.json",
    log:
        "<logs>/score/{dataset}/{kernel}/x{scale}/{model}/{shard}.log",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        cell=1,
        mem_mb=growing(3000),
        runtime=growing(60),
        attempt=growing(1),  # for the record of the job
    params:
        measures=list(RUN.measures),
        rules=measure_entries(RUN.measures),
        lr=kernel_if_asked,
        code=code_of("score", kernel_code_if_asked, measures=RUN.measures),
    message:
        "Scoring {wildcards.model} on {wildcards.dataset} ({wildcards.kernel} x{wildcards.scale})"
    script:
        "../../scripts/score.py"


# For a plan in parts: `snakemake scored --batch scored=1/10` and so on.  The inputs of `gather` would not do: half of
# them are status files, which come with the scores.
rule scored:
    input:
        cell_files("<results>/scores/{dataset}/{kernel}/x{scale}/{model}/{shard}.csv"),
    localrule: True


# Scores that come with the project, of models that are shown beside the run's own.
rule shipped_scores:
    input:
        hr=[f"<results>/hr/{dataset}.json" for dataset in SHIPPED_DATASETS],
        lr=[f"<results>/lr/{dataset}/{kernel}/x{scale}.json" for dataset, kernel, scale in SHIPPED_SETS],
    output:
        scores="<results>/scores/shipped.csv",
        status="<results>/scores/shipped_status.csv",
    log:
        "<logs>/shipped_scores.log",
    localrule: True
    conda:
        "../../envs/base.yaml"
    params:
        cells=[list(cell) for cell in RUN.shipped],
        datasets=SHIPPED_DATASETS,
        sets=[list(one) for one in SHIPPED_SETS],
        measures=list(RUN.measures),
        tables=shipped_tables(),
        models={name: kept(entry_of(name), *MODEL_KEYS) for name in RUN.shipped_models},
        rules=measure_entries(RUN.measures),
        code=code_of("shipped_scores"),
    message:
        "Taking the scores that come with the project"
    script:
        "../../scripts/shipped_scores.py"


# Measures of cells up to which the score table is an item of the report: some 1.5 MB, of sets of 100 images.
SCORES_IN_REPORT = 200


rule gather:
    input:
        scores=cell_files("<results>/scores/{dataset}/{kernel}/x{scale}/{model}/{shard}.csv"),
        parts=cell_files("<results>/scores/{dataset}/{kernel}/x{scale}/{model}/{shard}.parts.json"),
        status=cell_files("<results>/sr/{dataset}/{kernel}/x{scale}/{model}/{shard}.json"),
        shipped="<results>/scores/shipped.csv" if RUN.shipped else [],
        shipped_status="<results>/scores/shipped_status.csv" if RUN.shipped else [],
    output:
        # A large one would be most of the report, whose front page has its address.
        scores=(
            report(
                "<results>/scores.csv",
                caption="../report/scores.rst",
                category="Data",
                labels={"table": "scores"},
            )
            if len(RUN.cells) * len(RUN.measures) <= SCORES_IN_REPORT
            else "<results>/scores.csv"
        ),
        status=report(
            "<results>/status.csv",
            caption="../report/status.rst",
            category="Data",
            labels={"table": "status"},
        ),
        timings="<results>/timings.csv",
        sums="<results>/SHA256SUMS",
    log:
        "<logs>/gather.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        cells=[list(cell) for cell in RUN.cells],
        shards={dataset: len(shards_of(dataset)) for dataset in RUN.values("dataset")},
        absent=[[list(cell), RUN.absent[cell.dataset]] for cell in RUN.absent_cells],
        code=code_of("gather"),
    message:
        "Gathering the scores of all cells"
    script:
        "../../scripts/gather.py"


REPORT_ITEMS += ["<results>/scores.csv", "<results>/status.csv"]


# Made when it is asked for: `snakemake results/NAME/scores.parquet`.
rule scores_parquet:
    input:
        "<results>/scores.csv",
    output:
        "<results>/scores.parquet",
    log:
        "<logs>/scores_parquet.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=code_of("scores_parquet"),
    message:
        "Writing the scores as Parquet"
    script:
        "../../scripts/scores_parquet.py"


rule score_user_images:
    input:
        sr=f"<results>/sr/{USER_LR}/x{{scale}}/{{model}}/0of1.json",
        sr_images=f"<results>/sr/{USER_LR}/x{{scale}}/{{model}}/0of1",
        metric_files=[f"<resources>/assets/{asset}.json" for asset in assets_of(USER_MEASURES)],
    output:
        "<results>/user_images/scores/x{scale}/{model}.csv",
    log:
        "<logs>/score_user_images/x{scale}/{model}.log",
    wildcard_constraints:
        scale="[0-9]+",
        model="[^/]+",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        measures=USER_MEASURES,
        rules=measure_entries(USER_MEASURES),
        code=code_of("score_user_images"),
    message:
        "Scoring {wildcards.model} on LR user images at x{wildcards.scale}"
    script:
        "../../scripts/score_user_images.py"
