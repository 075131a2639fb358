"""Images and numbers of the pages in ``docs/studies``, from images that come with scikit-image.

``python -m sisr.studies docs/images FOLDER [STUDY ...]`` writes the figures of all or some studies to
``docs/images``, and their tables, where the numbers of the pages come from, to ``FOLDER``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from sisr.models.model_entries import get
from sisr.studies.common import StudyImage, StudyRow, crop, write


def images(count: int, side: int) -> list[StudyImage]:
    """Images in the public domain (astronaut, NASA) or under CC0 (the others)."""
    from skimage import data

    named = {
        "astronaut": data.astronaut,
        "chelsea": data.chelsea,
        "coffee": data.coffee,
        "camera": data.camera,
    }
    return [crop(name, load(), side) for name, load in list(named.items())[:count]]


#: Where weights are fetched to.
RESOURCES = Path("resources")
#: Small networks of the registry that the pages show.
NETWORKS = ("imdn", "vdsr", "span", "edsr-baseline", "carn-m", "rlfn")


NETWORKS_OF_TILES = ("vdsr", "lapsrn", "carn-m", "imdn")


def fetched(names: Iterable[str], scale: int) -> dict[str, Path | None]:
    """Manifest of each network's weights, fetched where they are not here."""
    from sisr.data.assets import fetch_or_unavailable

    weights: dict[str, Path | None] = {}
    for name in names:
        asset = str(get(name).weights[scale].asset)
        fetch_or_unavailable(asset, RESOURCES, progress=False)
        weights[name] = RESOURCES / "assets" / f"{asset}.json"
    return weights


def interpolation(folder: Path) -> tuple[list[StudyRow], list[str]]:
    from sisr.studies import draw_interpolation as figures
    from sisr.studies import interpolation as study

    result = study.measure(images(3, 384))
    figures.draw_kernels(folder / "study_interpolation_kernels.svg")
    figures.draw_errors(result, folder / "study_interpolation_errors.svg")
    figures.draw_images(result, folder / "study_interpolation_images.webp")
    return result.rows, study.findings(result)


def deconvolution(folder: Path) -> tuple[list[StudyRow], list[str]]:
    from sisr.studies import deconvolution as study
    from sisr.studies import draw_deconvolution as figures

    result = study.measure(images(4, study.SIDE))
    figures.draw_spectra(result, folder / "study_deconvolution_spectra.webp")
    figures.draw_curves(result, folder / "study_deconvolution_curves.svg")
    figures.draw_images(result, folder / "study_deconvolution_images.webp")
    return result.rows, study.findings(result)


def misr(folder: Path) -> tuple[list[StudyRow], list[str]]:
    from sisr.studies import draw_misr as figures
    from sisr.studies import misr as study
    from sisr.studies.run_networks import load

    networks = load(fetched(NETWORKS, study.SCALE), study.SCALE)
    result = study.measure(images(3, study.SIDE), networks)
    figures.draw_curves(result, folder / "study_misr_curves.svg")
    figures.draw_images(result, folder / "study_misr_images.webp")
    return result.rows, study.findings(result)


def upscaling_layers(folder: Path) -> tuple[list[StudyRow], list[str]]:
    from sisr.studies import draw_upscaling_layers as figures
    from sisr.studies import upscaling_layers as study

    result = study.measure(images(3, study.IMAGE))
    figures.draw_numbers(result, folder / "study_upscaling_layers_numbers.svg")
    figures.draw_images(result, folder / "study_upscaling_layers_images.webp")
    return result.rows, study.findings(result)


def tiling(folder: Path) -> tuple[list[StudyRow], list[str]]:
    from sisr.studies import draw_tiling as figures
    from sisr.studies import tiling as study
    from sisr.studies.run_networks import load_modules

    networks = load_modules(fetched(NETWORKS_OF_TILES, study.SCALE), study.SCALE)
    result = study.measure(images(1, 192), networks)
    figures.draw_curves(result, folder / "study_tiling_curves.svg")
    figures.draw_images(result, folder / "study_tiling_images.webp")
    return result.rows, study.findings(result)


def evaluation(folder: Path) -> tuple[list[StudyRow], list[str]]:
    """Of the demo's run, which has to be there."""
    from sisr.analysis import summaries
    from sisr.base import registry
    from sisr.base.errors import StudyError
    from sisr.base.manifest import Manifest
    from sisr.studies import draw_evaluation as figures
    from sisr.studies import evaluation as study

    run = Path("results/demo")
    if not (run / "scores.csv").is_file():
        raise StudyError(
            f"{run}/scores.csv: no such file; the figures of this page are of the demo: make demo"
        )
    demo = registry.read_yaml(registry.CONFIG / "demo.yaml")
    dataset, kernel, scale = "photos", "matlab-bicubic", 4
    models = demo["suites"]["papers"]["models"]
    backbone = "lpips-backbones/alexnet.ckpt"
    files = {backbone: RESOURCES / "assets" / backbone}
    scores = summaries.read_scores(run / "scores.csv")
    result = study.measure(images(3, study.SIDE), scores, demo["metrics"], files, (dataset, kernel, scale))
    # The other two images state no licence: no page shows them.
    free = ("astronaut", "chelsea", "coffee", "camera")
    here = scores[(scores["kernel"] == kernel) & (scores["scale"] == scale) & scores["image"].isin(free)]
    result = replace(result, contradictions=study.disagreements(here, *result.pair, count=2))
    labels = {model: get(model).label for model in models}
    status = {model: [run / f"sr/{dataset}/{kernel}/x{scale}/{model}/0of1.json"] for model in models}
    figures.draw_curves(result, folder / "study_evaluation_curves.svg")
    figures.draw_agreement(result, folder / "study_evaluation_agreement.svg", labels)
    figures.draw_contradictions(
        result, folder / "study_evaluation_contradictions.webp",
        Manifest.read(run / f"hr/{dataset}.json").files,
        study.sr_files(status), labels, scale,
    )  # fmt: skip
    return result.rows, study.findings(result)


def pixel_art(folder: Path) -> tuple[list[StudyRow], list[str]]:
    from sisr.studies import draw_pixel_art as figures
    from sisr.studies import pixel_art as study
    from sisr.studies.run_networks import load

    result = study.measure({scale: load(fetched(NETWORKS, scale), scale) for scale in study.SCALES})
    figures.draw_numbers(result, folder / "study_pixel_art_numbers.svg")
    figures.draw_images(result, folder / "study_pixel_art_images.png")
    return result.rows, study.findings(result)


def alignment(folder: Path) -> tuple[list[StudyRow], list[str]]:
    from sisr.data.assets import FetchedAsset, fetch
    from sisr.models.recipes import read_recipe
    from sisr.studies import alignment as study
    from sisr.studies import draw_alignment as figures
    from sisr.studies.run_networks import load

    names = read_recipe(study.RECIPE).data
    for name in names:
        fetch(name, RESOURCES, progress=False)
    training = {name: FetchedAsset.read(RESOURCES / "assets" / f"{name}.json").paths() for name in names}
    networks = load(fetched(NETWORKS, study.SCALE), study.SCALE)
    result = study.measure(images(3, study.SIDE), networks, study.read_training(training))
    figures.draw_curves(result, folder / "study_alignment_curves.svg")
    figures.draw_images(result, folder / "study_alignment_images.webp")
    return result.rows, study.findings(result)


DRAWN: dict[str, Callable[[Path], tuple[list[StudyRow], list[str]]]] = {
    "interpolation": interpolation,
    "misr": misr,
    "tiling": tiling,
    "upscaling_layers": upscaling_layers,
    "deconvolution": deconvolution,
    "evaluation": evaluation,
    "pixel_art": pixel_art,
    "alignment": alignment,
}


def main(folder: Path, tables: Path, names: list[str]) -> None:
    """Write figures and tables of studies, all by default, and print the findings."""
    for name in names or DRAWN:
        rows, findings = DRAWN[name](folder)
        write(rows, findings, tables / f"{name}.csv", tables / f"{name}.json")
        print(f"{name}:", *findings, sep="\n  ")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
