# Certification: numbers from outside, computed again. One rule writes what was found, the next judges it, so that a
# failure leaves the table and the page to be looked at (Snakemake removes the outputs of a job that failed).


rule certify:
    input:
        [f"<resources>/assets/{asset}.json" for asset in ANCHOR_ASSETS],
    output:
        csv=report(
            "<results>/certification.csv",
            caption="../report/certification.rst",
            category="Certification",
            labels={"table": "certification", "form": "CSV"},
        ),
        html=report(
            "<results>/certification.html",
            caption="../report/certification.rst",
            category="Certification",
            labels={"table": "certification", "form": "page"},
        ),
    log:
        "<logs>/certify.log",
    conda:
        "../../envs/torch.yaml"
    threads: 2
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        tier=RUN.certify,
        anchors=ANCHORS,
        models=anchor_models(),
        code=code_digest("certification", *(engine.removeprefix("sisr.") for engine in ENGINES.values())),
    message:
        "Computing {params.tier} anchors of certification"
    script:
        "../../scripts/certify.py"


rule certified:
    input:
        "<results>/certification.csv",
    output:
        "<results>/certified.txt",
    log:
        "<logs>/certified.log",
    localrule: True
    conda:
        "../../envs/base.yaml"
    params:
        code=code_digest("certification"),
    message:
        "Judging the certification"
    script:
        "../../scripts/judge_certification.py"
