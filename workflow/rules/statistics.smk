# How sure the results are: pairs of models and ranks, from the tidy table.


rule comparison:
    input:
        scores="<results>/scores.csv",
        status="<results>/status.csv",
        hr=[f"<results>/hr/{dataset}.json" for dataset in RUN.values("dataset")],
    output:
        # Not in the report, whose size has a limit: with 43 models, 903 pairs for each dataset and measure.  Its
        # front page names the page.
        page="<results>/tables/comparison_x{scale}.html",
        pairs="<results>/tables/comparison_x{scale}.csv",
        ranks="<results>/tables/ranks_x{scale}.csv",
        diagram=report(
            "<results>/figures/critical_difference_x{scale}.svg",
            caption="../report/critical_difference.rst",
            category="Plots",
            labels={"scale": "x{scale}", "plot": "ranks of the models"},
        ),
    log:
        "<logs>/comparison/x{scale}.log",
    conda:
        "../../envs/base.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        names=RESULT_NAMES,
        labels=result_labels(),
        datasets=RUN.values("dataset"),
        code=code_of("comparison"),
    message:
        "Comparing the models at x{wildcards.scale}"
    script:
        "../../scripts/comparison.py"
