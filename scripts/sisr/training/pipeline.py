"""From a recipe to BasicSR's options, and its ``train_pipeline`` with what it lacks.

What ``basicsr.train`` does otherwise, and what stands in for it while it runs:

* it reads its options from a file that the command line names: the file is written, ``sys.argv`` is set;
* it looks for a checkpoint to resume from on a GPU: here on the CPU;
* it starts an epoch from its beginning after a checkpoint in its middle: a sampler that goes on;
* it prints losses as one line each 100 iterations: the curves and the progress line do;
* several processes need as many GPUs: gloo on a CPU.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
import yaml

from sisr.models.recipes import Recipe, discriminator_of
from sisr.training import sessions
from sisr.training.sessions import Session

_PIXEL = {"l1": "L1Loss", "mse": "MSELoss", "charbonnier": "CharbonnierLoss"}
_FILES = {"vgg16": "vgg16.ckpt", "lpips-vgg": "vgg16.ckpt", "lpips-alex": "alexnet.ckpt"}


def options(
    recipe: Recipe,
    scale: int,
    *,
    gpus: int = 0,
    features: Mapping[str, Path] | None = None,
    start: Path | None = None,
    resume: Path | None = None,
) -> dict[str, Any]:
    """BasicSR's options for a recipe.

    ``features``: files of asset ``lpips-backbones`` by name; ``start``: weights to begin with, in BasicSR's
    form; ``resume``: the state to go on from.
    """
    train: dict[str, Any] = {
        "total_iter": recipe.iterations,
        "warmup_iter": -1,
        "ema_decay": recipe.ema,
        "optim_g": {"type": "Adam", "lr": recipe.learning_rate},
        "scheduler": {
            "type": "CosineAnnealingRestartLR",
            "periods": [recipe.iterations],
            "restart_weights": [1],
            "eta_min": recipe.final_rate,
        },
        "pixel_opt": {"type": _PIXEL[recipe.loss], "loss_weight": recipe.loss_weight},
    }
    out: dict[str, Any] = {
        "name": recipe.name,
        "model_type": "SisrModel",
        "scale": scale,
        "num_gpu": gpus,
        "manual_seed": recipe.seed,
        "datasets": {
            "train": {
                "name": recipe.name,
                "type": "_patches",
                "batch_size_per_gpu": recipe.batch,
                "num_worker_per_gpu": recipe.workers,
                "dataset_enlarge_ratio": 1,
                "pin_memory": gpus > 0,
            }
        },
        "network_g": {
            "type": "sisr_network",
            "arch": recipe.arch,
            "scale": scale,
            "arguments": dict(recipe.args),
        },
        "path": {
            "pretrain_network_g": str(start) if start else None,
            "strict_load_g": True,
            "param_key_g": "params",
            "resume_state": str(resume) if resume else None,
        },
        "train": train,
        # The curves are written with the checkpoints.
        "logger": {
            "print_freq": 2**62,
            "save_checkpoint_freq": recipe.every,
            "use_tb_logger": False,
        },
        "dist_params": {"backend": "nccl"},
    }
    if recipe.perceptual:
        train["perceptual_opt"] = _perceptual(recipe.perceptual, features or {})
    if recipe.adversarial:
        relativistic = recipe.adversarial["kind"] == "relativistic"
        out["model_type"] = "SisrRelativisticModel" if relativistic else "SisrGANModel"
        out["network_d"] = discriminator_of(recipe, scale)
        train["gan_opt"] = {
            "type": "GANLoss",
            "gan_type": "vanilla",
            "loss_weight": recipe.adversarial["weight"],
        }
        rate = recipe.adversarial.get("learning_rate", recipe.learning_rate)
        train["optim_d"] = {"type": "Adam", "lr": rate}
    return out


def _perceptual(said: Mapping[str, Any], features: Mapping[str, Path]) -> dict[str, Any]:
    kind = said["features"]
    common = {"backbone": str(features[_FILES[kind]]), "loss_weight": said["weight"]}
    if kind == "vgg16":
        return {"type": "Vgg16Loss", "layers": said.get("layers", {"conv5_3": 1.0}), **common}
    return {"type": "LpipsLoss", "net": kind.removeprefix("lpips-"), **common}


def run(root: Path, opt: Mapping[str, Any], session: Session, launcher: str = "none") -> None:
    """Let BasicSR train; its folder is ``root/experiments/<name>``.

    ``launcher``: ``none``, or ``pytorch`` in each process of ``torchrun``.
    """
    import basicsr.train

    path = root / f"options.{os.environ.get('RANK', '0')}.yml"
    path.write_text(yaml.safe_dump(dict(opt), sort_keys=False), encoding="utf-8")
    _quiet_logger(root)
    with (
        _stand_ins(session),
        _arguments("-opt", str(path), "--launcher", launcher),
        (root / "basicsr.log").open("a", encoding="utf-8") as log,
        redirect_stdout(log),  # it also prints
    ):
        sessions.session = session
        try:
            basicsr.train.train_pipeline(str(root))
        finally:
            sessions.session = None


@contextmanager
def _arguments(*arguments: str) -> Iterator[None]:
    before = sys.argv
    sys.argv = ["basicsr", *arguments]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _stand_ins(session: Session) -> Iterator[None]:
    import basicsr.train
    import basicsr.utils.options
    from basicsr.data.data_sampler import EnlargedSampler

    class Onward(EnlargedSampler):
        """Indices in order, from where training is: a patch is random by its index already."""

        def __iter__(self) -> Iterator[int]:
            first = session.start * session.recipe.batch * self.num_replicas if self.epoch == 0 else 0
            return iter(range(first + self.rank, len(self.dataset), self.num_replicas))

    class Silent:
        """In the place of BasicSR's MessageLogger."""

        def __init__(self, *_: Any) -> None: ...

        def reset_start_time(self) -> None: ...

    def load_resume_state(opt: dict[str, Any]) -> dict[str, Any] | None:
        path = opt["path"].get("resume_state")
        if path is None:
            return None
        state = torch.load(path, map_location="cpu", weights_only=True)
        basicsr.train.check_resume(opt, state["iter"])
        return state

    def init_dist(launcher: str, backend: str = "nccl", **options: Any) -> None:
        if torch.cuda.is_available():
            plain(launcher, backend, **options)
        else:
            torch.distributed.init_process_group("gloo")

    plain = basicsr.utils.options.init_dist
    stand_ins: dict[tuple[Any, str], Any] = {
        (basicsr.train, "EnlargedSampler"): Onward,
        (basicsr.train, "MessageLogger"): Silent,
        (basicsr.train, "load_resume_state"): load_resume_state,
        (basicsr.utils.options, "init_dist"): init_dist,
    }
    before = {key: getattr(*key) for key in stand_ins}
    for (module, name), value in stand_ins.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)


def _quiet_logger(root: Path) -> None:
    """BasicSR's messages go to a file alone, not also to the console."""
    from basicsr.utils import logger

    log = logging.getLogger("basicsr")
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    log.propagate = False
    log.setLevel(logging.INFO)
    log.addHandler(logging.FileHandler(root / "basicsr.log", encoding="utf-8"))
    logger.initialized_logger["basicsr"] = True
