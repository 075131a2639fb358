"""Metrics under distortions against closed forms, and agreement on tables whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sisr.scoring.metrics import parse_measure
from sisr.studies import evaluation as study
from sisr.studies.common import StudyImage, crop, curve

PSNR, SSIM, LPIPS = (parse_measure(m) for m in ("psnr@rgb", "ssim@y-bt601", "lpips@alex-v0.1"))


@pytest.fixture(scope="module")
def image() -> StudyImage:
    from skimage.data import astronaut

    return crop("astronaut", astronaut(), 192)


def table(values: dict[str, dict[str, dict[str, float]]]) -> pd.DataFrame:
    """Tidy scores of one LR set from model -> image -> measure -> value."""
    rows = [
        ("set", image, "kernel", 4, model, *measure.split("@"), value)
        for model, images in values.items()
        for image, measures in images.items()
        for measure, value in measures.items()
    ]
    columns = ["dataset", "image", "kernel", "scale", "model", "metric", "protocol", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_distortions_are_what_they_say(image: StudyImage) -> None:
    inner = image.rgb[study.MARGIN : -study.MARGIN, study.MARGIN : -study.MARGIN]
    moved = study.distort(image.rgb, "shift", 2)
    np.testing.assert_array_equal(moved[:, 2:], inner[:, :-2])
    same = study.distort(image.rgb, "contrast", 1)
    np.testing.assert_array_equal(same, inner)
    noisy = study.distort(np.full((300, 300, 3), 128, np.uint8), "noise", 10)
    assert noisy.astype(float).std() == pytest.approx(10, rel=0.02)


def test_psnr_of_noise_is_its_closed_form() -> None:
    """20 log10(255 / sigma), with what rounding adds: 1/12 of a level squared."""
    gray = StudyImage("gray", np.full((240, 240, 3), 128, np.uint8))
    rows = study.distortion_rows([gray], [PSNR], {})
    at, values = curve(rows, method="noise", measure=PSNR.label)
    np.testing.assert_allclose(values, 10 * np.log10(255**2 / (at**2 + 1 / 12)), atol=0.05)


def test_psnr_of_contrast_is_its_closed_form() -> None:
    """Contrast g leaves the error (g - 1) times the deviation from the mean."""
    rng = np.random.default_rng(0)
    scene = StudyImage("noise", rng.integers(64, 192, (240, 240, 3)).astype(np.uint8))
    rows = study.distortion_rows([scene], [PSNR], {})
    at, values = curve(rows, method="contrast", measure=PSNR.label)
    deviation = scene.rgb.std()
    strong = np.abs(at - 1) > 0.1  # where rounding does not matter
    expected = 20 * np.log10(255 / (np.abs(at - 1) * deviation))
    np.testing.assert_allclose(values[strong], expected[strong], atol=0.1)


def test_stronger_is_worse_and_a_pixel_costs_like_a_visible_blur(image: StudyImage) -> None:
    rows = study.distortion_rows([image], [PSNR, SSIM], {})
    for measure in (PSNR, SSIM):
        for kind in ("shift", "blur", "noise"):
            _, values = curve(rows, method=kind, measure=measure.label)
            assert (np.diff(values) < 0).all(), (measure.label, kind)
        blur = study.same_score(rows, measure, "shift", 1, "blur")
        assert blur > 0.7, measure.label
        # By its own definition: that blur has the score of the shift.
        at, values = curve(rows, method="blur", measure=measure.label)
        one = np.interp(1, *curve(rows, method="shift", measure=measure.label))
        assert np.interp(blur, at, values) == pytest.approx(one, rel=1e-6)


def test_rank_correlation_knows_which_way_is_better() -> None:
    psnr, lpips = np.array([20.0, 25.0, 30.0]), np.array([0.5, 0.4, 0.1])
    assert study.rank_correlation(psnr, lpips, PSNR, LPIPS) == 1
    assert study.rank_correlation(psnr, lpips[::-1], PSNR, LPIPS) == -1
    # Spearman's 1 - 6 sum d^2 / (n (n^2 - 1)) for the places 1 2 3 and 1 3 2: d^2 sum to 2.
    assert study.rank_correlation(psnr, lpips[[0, 2, 1]], PSNR, LPIPS) == pytest.approx(1 - 6 * 2 / 24)
    assert np.isnan(study.rank_correlation(psnr, np.ones(3), PSNR, LPIPS))


def test_the_strongest_contradiction_is_found() -> None:
    values = {
        "smooth": {"a": {PSNR.id: 30.0, LPIPS.id: 0.40}, "b": {PSNR.id: 28.0, LPIPS.id: 0.20}},
        "sharp": {"a": {PSNR.id: 26.0, LPIPS.id: 0.10}, "b": {PSNR.id: 27.9, LPIPS.id: 0.19}},
        "bad": {"a": {PSNR.id: 20.0, LPIPS.id: 0.60}, "b": {PSNR.id: 20.0, LPIPS.id: 0.60}},
    }
    found = study.disagreements(table(values), PSNR, LPIPS)
    assert [(case.image, case.first, case.second) for case in found] == [
        ("a", "smooth", "sharp"),
        ("b", "smooth", "sharp"),
    ]
    agreeing = {model: {"a": images["a"]} for model, images in values.items() if model != "sharp"}
    assert study.disagreements(table(agreeing), PSNR, LPIPS) == []


def test_study_over_a_run(image: StudyImage) -> None:
    """Measures that nobody computed, and infinite scores, are no error."""
    values = {
        name: {image: {PSNR.id: psnr, SSIM.id: ssim} for image in ("a", "b")}
        for name, psnr, ssim in (("one", 20.0, 0.5), ("two", 25.0, 0.9), ("three", np.inf, 0.7))
    }
    measures = [PSNR.id, SSIM.id, "psnr@y-bt601"]
    result = study.measure([image], table(values), measures, {}, ("set", "kernel", 4))
    correlations = study.correlations(result)
    assert correlations[0, 1] == pytest.approx(0.5)
    assert np.isnan(correlations[0, 2])
    assert any("rank correlation 0.50" in sentence for sentence in study.findings(result))


def test_files_of_images_by_model(tmp_path: Path) -> None:
    status = tmp_path / "0of1.json"
    status.write_text('{"images": [{"name": "a", "file": "0of1/a.png"}]}')
    assert study.sr_files({"bicubic": [status]}) == {"a": {"bicubic": tmp_path / "0of1/a.png"}}
