# The report of Snakemake, with all that the rules above and below add to it.


CAPTIONS = CHECKOUT / "workflow" / "report"


# The report is a call of Snakemake with the same configuration, hence the copy of the latter.
rule render_report:
    input:
        shown=lambda wildcards: REPORT_ITEMS,
        provenance="<results>/provenance.json",
        config="<results>/config.yaml",
        captions=[local(from_here(path)) for path in sorted(CAPTIONS.iterdir())],
    output:
        "<results>/report.html",
    log:
        "<logs>/render_report.log",
    localrule: True
    conda:
        "../../../envs/report.yaml"
    params:
        snakefile=from_here(Path(workflow.main_snakefile)),
        code=code_of("render_report"),
    message:
        "Rendering the report"
    script:
        "../../../scripts/render_report.py"


TARGETS += ["<results>/report.html"]
