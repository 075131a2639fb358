"""A site of a made-up run: real code from tables and images on, small images, and names that bite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sisr.analysis.cost.gathering import COLUMNS as COST_COLUMNS
from sisr.base.atomic import write_json
from sisr.base.cells import Cell
from sisr.report.comparison import make_comparison
from sisr.report.shown_run import Names, ShownRun
from sisr.report.site.build import Extras, build_site
from sisr.report.site.originals import write_originals
from sisr.report.site.origins import Origins, WeightsOrigin
from sisr.report.site.viewer_images import write_cell
from sisr.scoring import blocks
from sisr.scoring.metrics.protocol import Measure
from sisr.trust.anchors import Certified
from sisr.trust.anchors import write as write_certification

MEASURES = (
    Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True),
    Measure("ssim", "y-bt601", "SSIM-Y", "", "higher", 4, 6, "", True),
    Measure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4, 6, "", False),
)
KERNEL = "matlab-bicubic"
#: LPIPS of every block of every image.
LPIPS_IN_VIEW = 0.375
#: What a name must not be able to do: run, close an attribute or an element, leave the folder, turn the text.
HOSTILE = (
    "<script>document.title='broken'</script>",
    "\"><img src=x onerror=document.title='broken'>",
    "../../etc/passwd",
    "\u202egnp.exe\u202c right to left",
    "long " * 60,
    "'; DROP TABLE models; -- &amp; </script>",
)


def make_run(
    folder: Path,
    *,
    images: int = 6,
    models: int = 4,
    scales: tuple[int, ...] = (2, 4),
    viewer: bool = True,
    hostile: bool = True,
) -> Path:
    """Write a run with a failed model, one that lacks an image, one with infinite PSNR; return its site."""
    rng = np.random.default_rng(5)
    names = [f"{HOSTILE[i]} {i}" if hostile and i < len(HOSTILE) else f"img_{i:03d}" for i in range(images)]
    ids = [f"model-{i}" for i in range(models)]
    labels = {m: HOSTILE[i] if hostile and i < len(HOSTILE) else f"Model {i}" for i, m in enumerate(ids)}
    labels["failed"] = "Failed <b>model</b>"
    dataset = f"Set {HOSTILE[0]}" if hostile else "Images"
    (folder / "hr").mkdir(parents=True)
    hr = [(rng.normal(128, 40, (80, 96, 3)).cumsum(1) % 256).astype(np.uint8) for _ in range(3)]
    for i in range(images if viewer else 0):
        Image.fromarray(hr[i % 3]).save(folder / "hr" / f"{i}.png")
    manifest = folder / "hr.json"
    entries = [{"name": n, "file": f"hr/{i}.png"} for i, n in enumerate(names)]
    write_json(manifest, {"dataset": "images", "images": entries})
    rows, status, cells = [], [], {}
    for scale in scales:
        for place, model in enumerate(ids):
            kept = names[:-1] if place == 1 else names
            # In a run of many models the last two are equally good.
            level = place - (place == models - 1 > 10)
            for i, name in enumerate(kept):
                psnr = 24 + level + 6 / scale + rng.normal(0, 2)
                if hostile and place == 2 and i == 0:
                    psnr = np.inf
                values = (psnr, 0.7 + 0.02 * level, 0.4 - 0.03 * level + 0.01 * rng.normal())
                rows += [("images", name, KERNEL, scale, model, m.metric, m.protocol, v)
                         for m, v in zip(MEASURES, values, strict=True)]  # fmt: skip
            state = "shipped" if place == models - 1 > 2 else "ok"
            status.append(("images", KERNEL, scale, model, state, "", len(kept), 0.1))
            if viewer:
                cells[f"images/{KERNEL}/x{scale}/{model}"] = _cell(
                    folder, manifest, scale, model, kept, hr, place
                )
        status.append(("images", KERNEL, scale, "failed", "failed", "output is <i>not finite</i>", 0, ""))
        if viewer:
            _originals(folder, manifest, scale, names, hr)
    columns = ["dataset", "image", "kernel", "scale", "model", "metric", "protocol", "value"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "scores.csv", index=False)
    columns = ["dataset", "kernel", "scale", "model", "status", "reason", "images", "seconds_per_image"]
    pd.DataFrame(status, columns=columns).to_csv(folder / "status.csv", index=False)
    config = {"name": "sample <run>"}
    made = {"config": config, "commit": "0" * 40, "uncommitted_changes": False,
            "python": "3.11", "packages": {"numpy": "2"},
            "machine": {"processor": "a <processor>", "cpus": 2, "gpus": []}, "assets": {}}  # fmt: skip
    for scale, place in [(s, p) for s in scales for p in range(models) if not viewer]:
        # Of a large run the viewer knows what images there are; the images themselves would take minutes.
        made_of_cell = folder / f"cell_x{scale}_{place}.json"
        write_json(made_of_cell, {"images": list(range(images)), "worst": [[48, 40]] * images})
        cells[f"images/{KERNEL}/x{scale}/{ids[place]}"] = made_of_cell
    (folder / "provenance.json").write_text(json.dumps(made), encoding="utf-8")
    made_of = WeightsOrigin(f"asset {HOSTILE[0]}", {"weights.pth": "ab" * 32})
    shown = Names(MEASURES, labels, {"images": dataset}, {KERNEL: "MATLAB bicubic"}, {})
    run, table = ShownRun(folder / "scores.csv", {"images": manifest}, shown), folder / "status.csv"
    for scale in scales:
        make_comparison(
            run, table, scale,
            pairs=folder / f"pairs_x{scale}.csv", ranks=folder / f"ranks_x{scale}.csv",
            page=folder / "pairs.html",
            diagram=folder / "diagram.svg",
        )  # fmt: skip
    _cost(folder / "cost.csv", ids, scales)
    off = Certified("off", "Off by one", "psnr@rgb", "", 48.13, HOSTILE[1], 48.2, 0.01, "fail", HOSTILE[0])
    write_certification([replace(off, anchor="right", found=48.13, status="pass", reason=""), off],
                        folder / "certification.csv")  # fmt: skip
    frame = pd.DataFrame({"iteration": [10, 20], "loss": [0.1, 0.01], "psnr_y": [20.0, 25.0]})
    frame.to_csv(folder / "curves.csv", index=False)
    extras = Extras(
        ranks=[folder / f"ranks_x{scale}.csv" for scale in scales],
        pairs=[folder / f"pairs_x{scale}.csv" for scale in scales],
        cost=folder / "cost.csv",
        curves={HOSTILE[0]: folder / "curves.csv"},
        certification=folder / "certification.csv",
        images=cells,
    )
    origins = Origins(
        {(m, s): made_of for m in ids for s in scales},
        {f"images/{KERNEL}/x{s}/{m}": "cpu, 1 thread" for m in ids for s in scales},
        {m: _facts(place, hostile) for place, m in enumerate(ids)},
    )
    build_site(folder / "site", run, table, folder / "provenance.json", extras, origins)
    return folder / "site"


def _facts(place: int, hostile: bool) -> dict[str, object]:
    """What a registry may say of a model; those of even places are networks without a GAN."""
    return {
        "licence": ("MIT", "GPL-3.0")[place % 2],
        "weights_licence": ("CC BY-NC 4.0", "MIT", HOSTILE[0] if hostile else "MIT")[place % 3],
        "paper": f"Somebody et al., {HOSTILE[1] if hostile else 'A network'}, CVPR {2016 + place}",
        "url": "javascript:document.title='broken'" if hostile else "https://example.org/paper",
        "trained_on": ["DIV2K", "Flickr2K"],
        "receptive_field": "global" if place == 3 else 9 + 2 * place,
        "tags": [("psnr", "gan")[place % 2]],
    }


def _cost(path: Path, models: list[str], scales: tuple[int, ...]) -> None:
    """Costs that grow with the model's number; the first one's are not known."""
    rows = [
        {"model": model, "scale": scale, "time_status": "ok",
         **({"parameters": place * 10**5, "multiply_adds": place * 10**9, "seconds": place / 10,
             "peak_memory": place * 2**20} if place else {})}
        for scale in scales
        for place, model in enumerate(models)
    ]  # fmt: skip
    pd.DataFrame(rows, columns=list(COST_COLUMNS)).to_csv(path, index=False)


def _cell(
    folder: Path, manifest: Path, scale: int, model: str, names: list[str], hr: list[np.ndarray], place: int
) -> Path:
    """Images of one cell; model 2 returns the first image unchanged, as its infinite PSNR says."""
    out = folder / "sr" / f"x{scale}" / model
    out.mkdir(parents=True)
    images = []
    for i, name in enumerate(names):
        noise = np.random.default_rng(i).integers(-9, 10, hr[0].shape) * (3 - place % 3)
        image = hr[i % 3] if place == 2 and i == 0 else np.clip(hr[i % 3] + noise, 0, 255).astype(np.uint8)
        Image.fromarray(image).save(out / f"{i}.png")
        images.append({"name": name, "file": f"{model}/{i}.png", "seconds": 0.1})
    status = out.with_suffix(".json")
    write_json(status, {"status": "ok", "reason": "", "device": "cpu", "images": images})
    target = folder / "site" / "images" / "images" / KERNEL / f"x{scale}"
    made = target / f"{model}.json"
    size = [blocks.count(side) for side in hr[0].shape[:2]]
    parts = {n: blocks.encode(np.full(size, LPIPS_IN_VIEW)) for n in names}
    write_json(status.with_suffix(".parts"), {"measure": "lpips@alex-v0.1", "images": parts})
    write_cell(
        manifest, [status], Cell("images", KERNEL, scale, model), target / model, made, quality=None,
        parts=[status.with_suffix(".parts")],
    )  # fmt: skip
    return made


def _originals(folder: Path, manifest: Path, scale: int, names: list[str], hr: list[np.ndarray]) -> None:
    out = folder / "lr" / f"x{scale}"
    out.mkdir(parents=True)
    entries: list[Mapping[str, str]] = []
    for i, name in enumerate(names):
        Image.fromarray(hr[i % 3][::scale, ::scale]).save(out / f"{i}.png")
        entries.append({"name": name, "file": f"x{scale}/{i}.png"})
    lr = folder / "lr" / f"x{scale}.json"
    write_json(lr, {"images": entries})
    write_originals(
        manifest,
        lr,
        scale,
        folder / "site" / "images" / "images" / KERNEL / f"x{scale}" / "_originals",
        None,
    )
