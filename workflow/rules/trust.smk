# Trust: numbers from outside, computed again; what made the run, and the run as an RO-Crate.


# One rule writes what was found, the next judges it, so that a failure leaves the table and the page to be looked at
# (Snakemake removes the outputs of a job that failed).
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
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        tier=RUN.certify,
        anchors=ANCHORS,
        models=anchor_models(),
        kernels={name: kept(registry.load("kernels")[name], *KERNEL_KEYS) for name in anchored("kernel")},
        measures=measure_entries(anchors.measured(ANCHORS)),
        code=code_of("certify", anchor_code, anchors.measured(ANCHORS)),
    message:
        "Computing {params.tier} anchors of certification"
    script:
        "../../scripts/certify.py"


REPORT_ITEMS += collect("<results>/certification.{form}", form=["csv", "html"] if ANCHORS else [])


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
        code=code_of("certified"),
    message:
        "Judging the certification"
    script:
        "../../scripts/certified.py"


TARGETS += ["<results>/certified.txt"] if ANCHORS else []


rule reproduced:
    input:
        scores="<results>/scores.csv",
        status="<results>/status.csv",
        hr=[f"<results>/hr/{cell.dataset}.json" for cell in REFERENCE_CELLS],
        hr_images=[f"<results>/hr/{cell.dataset}" for cell in REFERENCE_CELLS],
        sr=sr_of_cells(REFERENCE_CELLS),
        sr_images=[path.removesuffix(".json") for path in sr_of_cells(REFERENCE_CELLS)],
    output:
        csv=report(
            "<results>/published.csv",
            caption="../report/published.rst",
            category="Certification",
            labels={"table": "reproduced and published", "form": "CSV"},
        ),
        html=report(
            "<results>/published.html",
            caption="../report/published.rst",
            category="Certification",
            labels={"table": "reproduced and published", "form": "page"},
        ),
    log:
        "<logs>/reproduced.log",
    conda:
        "../../envs/base.yaml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        cells=[list(cell) for cell in RUN.cells],
        extra=[(list(cell), len(shards_of(cell.dataset))) for cell in REFERENCE_CELLS],
        measures=list(RUN.measures),
        references=[asdict(reference) for reference in of_cells(RUN.cells)],
        errata=[asdict(erratum) for erratum in errata()],
        rules=measure_entries(REFERENCE_MEASURES),
        shown=measure_labels(REFERENCE_MEASURES),
        labels=result_labels(),
        code=code_of("reproduced", measures=REFERENCE_MEASURES),
    message:
        "Comparing with published numbers"
    script:
        "../../scripts/reproduced.py"


REPORT_ITEMS += collect("<results>/published.{form}", form=["csv", "html"] if of_cells(RUN.cells) else [])


rule protocol_table:
    input:
        published=published_pixels(),
        hr=[f"<results>/hr/{cell.dataset}.json" for cell in PIXEL_CELLS],
        hr_images=[f"<results>/hr/{cell.dataset}" for cell in PIXEL_CELLS],
        sr=sr_of_cells(PIXEL_CELLS),
        sr_images=[path.removesuffix(".json") for path in sr_of_cells(PIXEL_CELLS)],
    output:
        csv=report(
            "<results>/protocols.csv",
            caption="../report/protocols.rst",
            category="Certification",
            labels={"table": "same pixels, many protocols", "form": "CSV"},
        ),
        html=report(
            "<results>/protocols.html",
            caption="../report/protocols.rst",
            category="Certification",
            labels={"table": "same pixels, many protocols", "form": "page"},
        ),
    log:
        "<logs>/protocol_table.log",
    conda:
        "../../envs/base.yaml"
    threads: 2
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        cells=[
            (MODELS[cell.model].label, cell.dataset, cell.scale, len(shards_of(cell.dataset)))
            for cell in PIXEL_CELLS
        ],
        scales=[scale for scale in SCALES if scale in (2, 4)],
        measures=measure_entries(fidelity_measures()),
        protocols={
            name: entry["label"]
            for name, entry in registry.load("protocols").items()
            if entry["family"] == "fidelity"
        },
        datasets=result_labels()["datasets"],
        code=code_of("protocol_table", measures=fidelity_measures()),
    message:
        "Scoring the same pixels under all protocols"
    script:
        "../../scripts/protocol_table.py"


REPORT_ITEMS += collect(
    "<results>/protocols.{form}", form=["csv", "html"] if PIXEL_CELLS or published_pixels() else []
)


# After the scores: what it records is what made them.
rule provenance:
    input:
        scores="<results>/scores.csv",
        assets=run_assets(),
        own=[local(file) for file in sorted({file for files in OWN_FILES.values() for file in files})],
        trained=trained_weights(),
    output:
        record="<results>/provenance.json",
        config="<results>/config.yaml",
    log:
        "<logs>/provenance.log",
    localrule: True
    # That of the networks and the measures, whose versions it records.
    conda:
        "../../envs/torch.yaml"
    params:
        config=RUN.resolved,
        code=code_of("provenance"),
    message:
        "Recording what made this run"
    script:
        "../../scripts/provenance.py"


# The results folder as an RO-Crate: what the results are, and what made them, for other tools and for `sisr reproduce`.
rule crate:
    input:
        parts=crate_parts,
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


TARGETS += ["<results>/ro-crate-metadata.json"]
