# Studies of how super-resolution works, on pictures of the run's first dataset: docs/studies.


STUDY_PICTURES = RUN.values("dataset")[0]


rule study_interpolation:
    input:
        hr=f"<results>/hr/{STUDY_PICTURES}.json",
        hr_images=f"<results>/hr/{STUDY_PICTURES}",
    output:
        table=report(
            "<results>/studies/interpolation.csv",
            caption="../report/study_interpolation.rst",
            category="Studies",
            subcategory="Interpolation",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/interpolation.json",
        kernels=report(
            "<results>/studies/interpolation_kernels.svg",
            caption="../report/study_interpolation.rst",
            category="Studies",
            subcategory="Interpolation",
            labels={"shows": "kernels, responses, curves"},
        ),
        errors=report(
            "<results>/studies/interpolation_errors.svg",
            caption="../report/study_interpolation.rst",
            category="Studies",
            subcategory="Interpolation",
            labels={"shows": "error against frequency"},
        ),
        pictures=report(
            "<results>/studies/interpolation_pictures.jpg",
            caption="../report/study_interpolation.rst",
            category="Studies",
            subcategory="Interpolation",
            labels={"shows": "pictures"},
        ),
    log:
        "<logs>/studies/interpolation.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=code_digest("studies.interpolation", "figures.studies.interpolation"),
    message:
        "Studying interpolation"
    script:
        "../../scripts/study_interpolation.py"


rule study_deconvolution:
    input:
        hr=f"<results>/hr/{STUDY_PICTURES}.json",
        hr_images=f"<results>/hr/{STUDY_PICTURES}",
    output:
        table=report(
            "<results>/studies/deconvolution.csv",
            caption="../report/study_deconvolution.rst",
            category="Studies",
            subcategory="Deconvolution",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/deconvolution.json",
        spectra=report(
            "<results>/studies/deconvolution_spectra.jpg",
            caption="../report/study_deconvolution.rst",
            category="Studies",
            subcategory="Deconvolution",
            labels={"shows": "spectra"},
        ),
        curves=report(
            "<results>/studies/deconvolution_curves.svg",
            caption="../report/study_deconvolution.rst",
            category="Studies",
            subcategory="Deconvolution",
            labels={"shows": "gain against blur and noise"},
        ),
        pictures=report(
            "<results>/studies/deconvolution_pictures.jpg",
            caption="../report/study_deconvolution.rst",
            category="Studies",
            subcategory="Deconvolution",
            labels={"shows": "pictures"},
        ),
    log:
        "<logs>/studies/deconvolution.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=code_digest("studies.deconvolution", "figures.studies.deconvolution"),
    message:
        "Studying deconvolution"
    script:
        "../../scripts/study_deconvolution.py"


rule study_misr:
    input:
        hr=f"<results>/hr/{STUDY_PICTURES}.json",
        hr_images=f"<results>/hr/{STUDY_PICTURES}",
        weights=study_weights(small_networks(2)),
    output:
        table=report(
            "<results>/studies/misr.csv",
            caption="../report/study_misr.rst",
            category="Studies",
            subcategory="Several frames",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/misr.json",
        curves=report(
            "<results>/studies/misr_curves.svg",
            caption="../report/study_misr.rst",
            category="Studies",
            subcategory="Several frames",
            labels={"shows": "frames, noise, registration"},
        ),
        pictures=report(
            "<results>/studies/misr_pictures.jpg",
            caption="../report/study_misr.rst",
            category="Studies",
            subcategory="Several frames",
            labels={"shows": "pictures"},
        ),
    log:
        "<logs>/studies/misr.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks=small_networks(2),
        code=code_digest(
            "studies.misr", "studies.networks", "engines.pytorch", "engines.ncnn_cpu", "figures.studies.misr"
        ),
    message:
        "Studying super-resolution from several frames"
    script:
        "../../scripts/study_misr.py"


rule study_upscaling_layers:
    input:
        hr=f"<results>/hr/{STUDY_PICTURES}.json",
        hr_images=f"<results>/hr/{STUDY_PICTURES}",
    output:
        table=report(
            "<results>/studies/upscaling_layers.csv",
            caption="../report/study_upscaling_layers.rst",
            category="Studies",
            subcategory="Upscaling layers",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/upscaling_layers.json",
        numbers=report(
            "<results>/studies/upscaling_layers_numbers.svg",
            caption="../report/study_upscaling_layers.rst",
            category="Studies",
            subcategory="Upscaling layers",
            labels={"shows": "checkerboards, phases, cost"},
        ),
        pictures=report(
            "<results>/studies/upscaling_layers_pictures.jpg",
            caption="../report/study_upscaling_layers.rst",
            category="Studies",
            subcategory="Upscaling layers",
            labels={"shows": "pictures"},
        ),
    log:
        "<logs>/studies/upscaling_layers.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        code=code_digest("studies.upscaling_layers", "figures.studies.upscaling_layers"),
    message:
        "Studying layers that enlarge"
    script:
        "../../scripts/study_upscaling_layers.py"


rule study_tiling:
    input:
        hr=f"<results>/hr/{STUDY_PICTURES}.json",
        hr_images=f"<results>/hr/{STUDY_PICTURES}",
        weights=study_weights(tiled_networks()),
    output:
        table=report(
            "<results>/studies/tiling.csv",
            caption="../report/study_tiling.rst",
            category="Studies",
            subcategory="Why fully convolutional",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/tiling.json",
        curves=report(
            "<results>/studies/tiling_curves.svg",
            caption="../report/study_tiling.rst",
            category="Studies",
            subcategory="Why fully convolutional",
            labels={"shows": "seams and cost"},
        ),
        pictures=report(
            "<results>/studies/tiling_pictures.jpg",
            caption="../report/study_tiling.rst",
            category="Studies",
            subcategory="Why fully convolutional",
            labels={"shows": "pictures"},
        ),
    log:
        "<logs>/studies/tiling.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks=tiled_networks(),
        code=code_digest("studies.tiling", "studies.networks", "figures.studies.tiling"),
    message:
        "Studying networks in tiles"
    script:
        "../../scripts/study_tiling.py"


rule study_evaluation:
    input:
        hr=f"<results>/hr/{STUDY_PICTURES}.json",
        hr_images=f"<results>/hr/{STUDY_PICTURES}",
        scores="<results>/scores.csv",
        metric_files=[f"<resources>/assets/{asset}.json" for asset in METRIC_ASSETS],
        sr=sr_of_set(study_set()),
        sr_images=sr_images_of_set(study_set()),
    output:
        table=report(
            "<results>/studies/evaluation.csv",
            caption="../report/study_evaluation.rst",
            category="Studies",
            subcategory="What metrics see",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/evaluation.json",
        curves=report(
            "<results>/studies/evaluation_curves.svg",
            caption="../report/study_evaluation.rst",
            category="Studies",
            subcategory="What metrics see",
            labels={"shows": "metrics under distortions"},
        ),
        agreement=report(
            "<results>/studies/evaluation_agreement.svg",
            caption="../report/study_evaluation.rst",
            category="Studies",
            subcategory="What metrics see",
            labels={"shows": "agreement over the models"},
        ),
        contradictions=report(
            "<results>/studies/evaluation_contradictions.jpg",
            caption="../report/study_evaluation.rst",
            category="Studies",
            subcategory="What metrics see",
            labels={"shows": "where metrics contradict each other"},
        ),
    log:
        "<logs>/studies/evaluation.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        measures=list(RUN.measures),
        models=models_of_set(study_set()),
        lr_set=[study_set().dataset, study_set().kernel, study_set().scale],
        labels=result_labels()["models"],
        code=code_digest("studies.evaluation", "figures.studies.evaluation", "tables"),
    message:
        "Studying metrics"
    script:
        "../../scripts/study_evaluation.py"


rule study_pixel_art:
    input:
        weights_x2=study_weights(small_networks(2), 2),
        weights_x4=study_weights(small_networks(4), 4),
    output:
        table=report(
            "<results>/studies/pixel_art.csv",
            caption="../report/study_pixel_art.rst",
            category="Studies",
            subcategory="Pixel art",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/pixel_art.json",
        numbers=report(
            "<results>/studies/pixel_art_numbers.svg",
            caption="../report/study_pixel_art.rst",
            category="Studies",
            subcategory="Pixel art",
            labels={"shows": "PSNR and new colours"},
        ),
        pictures=report(
            "<results>/studies/pixel_art_pictures.png",
            caption="../report/study_pixel_art.rst",
            category="Studies",
            subcategory="Pixel art",
            labels={"shows": "pictures"},
        ),
    log:
        "<logs>/studies/pixel_art.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks_x2=small_networks(2),
        networks_x4=small_networks(4),
        code=code_digest(
            "studies.pixel_art",
            "studies.networks",
            "engines.pytorch",
            "engines.ncnn_cpu",
            "figures.studies.pixel_art",
        ),
    message:
        "Studying pixel art"
    script:
        "../../scripts/study_pixel_art.py"


rule study_alignment:
    input:
        hr=f"<results>/hr/{STUDY_PICTURES}.json",
        hr_images=f"<results>/hr/{STUDY_PICTURES}",
        weights=study_weights(small_networks(2)),
        training=study_training(),
    output:
        table=report(
            "<results>/studies/alignment.csv",
            caption="../report/study_alignment.rst",
            category="Studies",
            subcategory="Self-ensemble and alignment",
            labels={"shows": "numbers, CSV"},
        ),
        findings="<results>/studies/alignment.json",
        curves=report(
            "<results>/studies/alignment_curves.svg",
            caption="../report/study_alignment.rst",
            category="Studies",
            subcategory="Self-ensemble and alignment",
            labels={"shows": "gains and losses"},
        ),
        pictures=report(
            "<results>/studies/alignment_pictures.jpg",
            caption="../report/study_alignment.rst",
            category="Studies",
            subcategory="Self-ensemble and alignment",
            labels={"shows": "pictures"},
        ),
    log:
        "<logs>/studies/alignment.log",
    conda:
        "../../envs/torch.yaml"
    resources:
        mem_mb=growing(3000),
        runtime=growing(60),
    params:
        networks=small_networks(2),
        code=code_digest(
            "studies.alignment",
            "studies.networks",
            "engines.pytorch",
            "engines.ncnn_cpu",
            "archs.espcn",
            "figures.studies.alignment",
        ),
    message:
        "Studying self-ensemble and alignment"
    script:
        "../../scripts/study_alignment.py"


# Last, for the outputs that the rules above name.
rule studies:
    input:
        study_items(STUDIES),
    localrule: True
