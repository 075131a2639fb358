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
