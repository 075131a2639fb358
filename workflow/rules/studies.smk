# Studies of how super-resolution works, on images of the run's first dataset: docs/studies.


STUDY_IMAGES = RUN.values("dataset")[0]


rule study_interpolation:
    input:
        hr=f"<results>/hr/{STUDY_IMAGES}.json",
        hr_images=f"<results>/hr/{STUDY_IMAGES}",
    output:
        table=in_report("interpolation", ".csv", "numbers, CSV"),
        findings="<results>/studies/interpolation.json",
        kernels=in_report("interpolation", "_kernels.svg", "kernels, responses, curves"),
        errors=in_report("interpolation", "_errors.svg", "error against frequency"),
        images=in_report("interpolation", "_images.jpg", "images"),
    log:
        "<logs>/study_interpolation.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=code_of("study_interpolation"),
    message:
        "Studying interpolation"
    script:
        "../../scripts/study_interpolation.py"


rule study_deconvolution:
    input:
        hr=f"<results>/hr/{STUDY_IMAGES}.json",
        hr_images=f"<results>/hr/{STUDY_IMAGES}",
    output:
        table=in_report("deconvolution", ".csv", "numbers, CSV"),
        findings="<results>/studies/deconvolution.json",
        spectra=in_report("deconvolution", "_spectra.jpg", "spectra"),
        curves=in_report("deconvolution", "_curves.svg", "gain against blur and noise"),
        images=in_report("deconvolution", "_images.jpg", "images"),
    log:
        "<logs>/study_deconvolution.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=code_of("study_deconvolution"),
    message:
        "Studying deconvolution"
    script:
        "../../scripts/study_deconvolution.py"


rule study_misr:
    input:
        hr=f"<results>/hr/{STUDY_IMAGES}.json",
        hr_images=f"<results>/hr/{STUDY_IMAGES}",
        weights=study_weights(small_networks(2)),
    output:
        table=in_report("misr", ".csv", "numbers, CSV"),
        findings="<results>/studies/misr.json",
        curves=in_report("misr", "_curves.svg", "frames, noise, registration"),
        images=in_report("misr", "_images.jpg", "images"),
    log:
        "<logs>/study_misr.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks=small_networks(2),
        code=code_of("study_misr"),
    message:
        "Studying super-resolution from several frames"
    script:
        "../../scripts/study_misr.py"


rule study_upscaling_layers:
    input:
        hr=f"<results>/hr/{STUDY_IMAGES}.json",
        hr_images=f"<results>/hr/{STUDY_IMAGES}",
    output:
        table=in_report("upscaling_layers", ".csv", "numbers, CSV"),
        findings="<results>/studies/upscaling_layers.json",
        numbers=in_report("upscaling_layers", "_numbers.svg", "checkerboards, phases, cost"),
        images=in_report("upscaling_layers", "_images.jpg", "images"),
    log:
        "<logs>/study_upscaling_layers.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=code_of("study_upscaling_layers"),
    message:
        "Studying layers that enlarge"
    script:
        "../../scripts/study_upscaling_layers.py"


rule study_tiling:
    input:
        hr=f"<results>/hr/{STUDY_IMAGES}.json",
        hr_images=f"<results>/hr/{STUDY_IMAGES}",
        weights=study_weights(tiled_networks()),
    output:
        table=in_report("tiling", ".csv", "numbers, CSV"),
        findings="<results>/studies/tiling.json",
        curves=in_report("tiling", "_curves.svg", "seams and cost"),
        images=in_report("tiling", "_images.jpg", "images"),
    log:
        "<logs>/study_tiling.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks=tiled_networks(),
        code=code_of("study_tiling"),
    message:
        "Studying networks in tiles"
    script:
        "../../scripts/study_tiling.py"


rule study_evaluation:
    input:
        hr=f"<results>/hr/{STUDY_IMAGES}.json",
        hr_images=f"<results>/hr/{STUDY_IMAGES}",
        scores="<results>/scores.csv",
        metric_files=[f"<resources>/assets/{asset}.json" for asset in METRIC_ASSETS],
        sr=sr_of_set(study_set()),
        sr_images=sr_images_of_set(study_set()),
    output:
        table=in_report("evaluation", ".csv", "numbers, CSV"),
        findings="<results>/studies/evaluation.json",
        curves=in_report("evaluation", "_curves.svg", "metrics under distortions"),
        agreement=in_report("evaluation", "_agreement.svg", "agreement over the models"),
        contradictions=in_report("evaluation", "_contradictions.jpg", "where metrics contradict each other"),
    log:
        "<logs>/study_evaluation.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        measures=list(RUN.measures),
        rules=measure_entries(RUN.measures),
        shown=measure_labels(RUN.measures),
        models=models_of_set(study_set()),
        lr_set=[study_set().dataset, study_set().kernel, study_set().scale],
        labels=result_labels()["models"],
        code=code_of("study_evaluation"),
    message:
        "Studying metrics"
    script:
        "../../scripts/study_evaluation.py"


rule study_pixel_art:
    input:
        weights_x2=study_weights(small_networks(2), 2),
        weights_x4=study_weights(small_networks(4), 4),
    output:
        table=in_report("pixel_art", ".csv", "numbers, CSV"),
        findings="<results>/studies/pixel_art.json",
        numbers=in_report("pixel_art", "_numbers.svg", "PSNR and new colours"),
        images=in_report("pixel_art", "_images.png", "images"),
    log:
        "<logs>/study_pixel_art.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks_x2=small_networks(2),
        networks_x4=small_networks(4),
        code=code_of("study_pixel_art"),
    message:
        "Studying pixel art"
    script:
        "../../scripts/study_pixel_art.py"


rule study_alignment:
    input:
        hr=f"<results>/hr/{STUDY_IMAGES}.json",
        hr_images=f"<results>/hr/{STUDY_IMAGES}",
        weights=study_weights(small_networks(2)),
        training=study_training(),
    output:
        table=in_report("alignment", ".csv", "numbers, CSV"),
        findings="<results>/studies/alignment.json",
        curves=in_report("alignment", "_curves.svg", "gains and losses"),
        images=in_report("alignment", "_images.jpg", "images"),
    log:
        "<logs>/study_alignment.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks=small_networks(2),
        code=code_of("study_alignment"),
    message:
        "Studying self-ensemble and alignment"
    script:
        "../../scripts/study_alignment.py"


# Last, for what the rules above show.
rule studies:
    input:
        STUDY_ITEMS,
    localrule: True
