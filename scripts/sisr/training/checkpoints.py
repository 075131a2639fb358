"""Checkpoints in BasicSR's form that a killed process leaves whole or not at all.

BasicSR writes ``models/net_g_N.pth`` and ``training_states/N.state`` in place, tries a failed write three
times and then goes on without.  Here every file is written beside its place and moved; the state comes last,
so that a state without its networks cannot be; and a write that fails is an error.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sisr.base.atomic import replacing
from sisr.base.errors import TrainingError

#: Checkpoints that are kept; one more than needed, for a disk that lies about what it has written.
KEPT = 2


class Folder:
    """Checkpoints of one training, in the folder that BasicSR calls the experiment's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / "models"
        self.states = root / "training_states"

    def iterations(self) -> list[int]:
        """Iterations with a checkpoint, in rising order."""
        return sorted(int(p.stem) for p in self.states.glob("*.state") if p.stem.isdecimal())

    def state(self, iteration: int) -> Path:
        """The file of an iteration's optimisers and schedulers."""
        return self.states / f"{iteration}.state"

    def network(self, label: str, iteration: int) -> Path:
        """The file of a network, ``net_g`` or ``net_d``."""
        return self.models / f"{label}_{iteration}.pth"

    def write(self, iteration: int, networks: Mapping[str, Any], state: Any) -> None:
        """Write a checkpoint and remove those that are older than the last :data:`KEPT`.

        Raises :class:`TrainingError` naming the file and the reason; older checkpoints stay.
        """
        files = {self.network(label, iteration): content for label, content in networks.items()}
        for path, content in {**files, self.state(iteration): state}.items():
            # Into memory first: torch reports a full disk as a RuntimeError without a reason.
            buffer = io.BytesIO()
            torch.save(content, buffer)
            try:
                with replacing(path) as temporary:
                    temporary.write_bytes(buffer.getbuffer())
            except OSError as error:
                last = self.iterations()
                kept = (
                    f"the checkpoint of iteration {last[-1]} is kept" if last else "there is no earlier one"
                )
                raise TrainingError(
                    f"{path}: cannot write the checkpoint: {error.strerror}; {kept}"
                ) from None
        for old in self.iterations()[:-KEPT]:
            self.state(old).unlink()
            for path in self.models.glob(f"net_*_{old}.pth"):
                path.unlink()
