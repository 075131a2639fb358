"""A made-up but plausible run: three datasets, two kernels, ten models, some of which did not finish."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sisr.analysis.summaries import STATUS_COLUMNS
from sisr.report.shown_run import Names
from sisr.scoring.gather import SCORE_COLUMNS
from sisr.scoring.metrics.protocol import Measure

MEASURES = (
    Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True),
    Measure("ssim", "y-bt601", "SSIM-Y", "", "higher", 4, 6, "", True),
    Measure("psnr", "rgb", "PSNR-RGB", "dB", "higher", 2, 6, "", True),
    Measure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4, 6, "", False),
)
#: model -> (gain in PSNR over bicubic in dB, change of LPIPS)
MODELS = {
    "nearest": (-1.8, 0.10),
    "bilinear": (-0.9, 0.06),
    "bicubic": (0.0, 0.0),
    "lanczos": (0.1, -0.01),
    "espcn-demo": (0.9, -0.05),
    "opencv-fsrcnn": (0.9, -0.06),
    "opencv-edsr": (3.0, -0.16),
    "vdsr": (2.5, -0.13),
    "span": (3.2, -0.17),
    "realesrgan": (-1.5, -0.22),
}
MODEL_LABELS = {
    "nearest": "Nearest",
    "bilinear": "Bilinear",
    "bicubic": "Bicubic",
    "lanczos": "Lanczos",
    "espcn-demo": "ESPCN (trained here)",
    "opencv-fsrcnn": "OpenCV FSRCNN",
    "opencv-edsr": "EDSR",
    "vdsr": "VDSR",
    "span": "SPAN",
    "realesrgan": "Real-ESRGAN",
}
#: dataset -> (images, PSNR-Y of bicubic at x4 in dB, LPIPS of bicubic)
DATASETS = {"set5": (5, 28.4, 0.34), "set14": (14, 26.0, 0.44), "urban100": (100, 23.1, 0.47)}
DATASET_LABELS = {"set5": "Set5", "set14": "Set14", "urban100": "Urban100"}
KERNEL_LABELS = {"matlab-bicubic": "MATLAB bicubic", "opencv-area": "OpenCV INTER_AREA"}
POOLS = {"Set14 + Urban100": ["set14", "urban100"]}
NAMES = Names(MEASURES, MODEL_LABELS, DATASET_LABELS, KERNEL_LABELS, POOLS)


def make_scores(
    scales: tuple[int, ...] = (2, 4), kernels: tuple[str, ...] = tuple(KERNEL_LABELS)
) -> pd.DataFrame:
    """Seeded tidy scores of every cell; the learned models lose 2 dB off their training kernel."""
    rng = np.random.default_rng(7)
    rows = []
    for dataset, (count, psnr, lpips) in DATASETS.items():
        difficulty = rng.normal(0, 2.4, count)
        for kernel in kernels:
            for scale in scales:
                for model, (full_gain, change) in MODELS.items():
                    off_kernel = kernel != "matlab-bicubic" and full_gain > 0.5
                    gain = full_gain - 2.0 if off_kernel else full_gain
                    for i in range(count):
                        y = psnr + (5 if scale == 2 else 0) + difficulty[i] + gain + rng.normal(0, 0.3)
                        values = {
                            "psnr@y-bt601": y,
                            "ssim@y-bt601": float(np.clip(0.80 + 0.02 * (y - 26), 0.2, 0.999)),
                            "psnr@rgb": y - 1.5,
                            "lpips@alex-v0.1": max(
                                0.01, lpips + change + rng.normal(0, 0.03) - 0.01 * difficulty[i]
                            ),
                        }
                        for key, value in values.items():
                            metric, protocol = key.split("@")
                            rows.append(
                                (
                                    dataset,
                                    f"img_{i:03d}",
                                    kernel,
                                    scale,
                                    model,
                                    metric,
                                    protocol,
                                    round(value, 6),
                                )
                            )
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def make_status(
    scores: pd.DataFrame, trouble: dict[tuple[str, str], tuple[str, str]] | None = None
) -> pd.DataFrame:
    """Status rows of all cells in ``scores``; ``trouble`` maps (model, dataset) to (status, reason)."""
    cells = scores.groupby(["dataset", "kernel", "scale", "model"], sort=False)["image"].nunique()
    rows = []
    for (dataset, kernel, scale, model), images in cells.items():
        status, reason = (trouble or {}).get((model, dataset), ("ok", ""))
        rows.append((dataset, kernel, scale, model, status, reason, images if status == "ok" else 0))
    return pd.DataFrame(rows, columns=list(STATUS_COLUMNS))


def drop_trouble(scores: pd.DataFrame, status: pd.DataFrame) -> pd.DataFrame:
    """Scores without the cells whose status is not ok, as a run would have them."""
    bad = status[status["status"] != "ok"]
    cell = ["dataset", "kernel", "scale", "model"]
    keep = ~pd.MultiIndex.from_frame(scores[cell]).isin(pd.MultiIndex.from_frame(bad[cell]))
    return scores[keep]


TROUBLE = {
    ("opencv-edsr", "set5"): ("unavailable", "opencv-edsr-x4: no source answered (3 tried)"),
    ("opencv-edsr", "set14"): ("unavailable", "opencv-edsr-x4: no source answered (3 tried)"),
    ("opencv-edsr", "urban100"): ("unavailable", "opencv-edsr-x4: no source answered (3 tried)"),
    ("realesrgan", "urban100"): ("oom", "img_004 (1024x768 & 50% tiles): out of memory"),
}
