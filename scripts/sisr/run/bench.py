"""``sisr bench``: from a network to a configuration of the ordinary workflow, and the call that runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sisr.base import registry
from sisr.base.atomic import write_text
from sisr.base.errors import ImageError, SisrError
from sisr.base.image_files import list_images
from sisr.base.matching import match, references
from sisr.models.model_entries import Model, entry_of, has_weights
from sisr.models.model_entries import get as get_model
from sisr.run.workspace import outer_environment
from sisr.scoring.shipped_index import index, set_name

DATASETS = ("set5", "set14", "bsd100", "urban100")
QUICK = ("set5", "set14")
#: That of the papers, on which the shipped scores are.
KERNEL = "matlab-bicubic"
METRICS = ("psnr@y-bt601", "ssim@y-bt601", "psnr@rgb", "lpips@alex-v0.1")
POOL = "all images"


@dataclass(frozen=True)
class Bench:
    """A network to be placed: ``model`` is its id in the run, ``entry`` that of a registry of its own.

    ``entry`` is empty for a model that is registered already.  ``twins`` are registered models of the same
    architecture.
    """

    model: str
    entry: Mapping[str, Any]
    scale: int
    datasets: Sequence[str]
    twins: Sequence[str] = ()
    against: Sequence[str] = ()
    recompute: bool = False
    metrics: Sequence[str] = field(default=METRICS)

    @property
    def name(self) -> str:
        """Of the run, whose results are in ``results/NAME``."""
        return f"bench-{self.model}-x{self.scale}"

    @property
    def shipped(self) -> dict[str, set[str]]:
        """Dataset -> models whose scores on it come with the project."""
        sets = index().sets
        names = {dataset: set_name(dataset, KERNEL, self.scale) for dataset in self.datasets}
        return {dataset: set(sets[name].models) if name in sets else set() for dataset, name in names.items()}

    @property
    def baselines(self) -> tuple[list[str], list[str]]:
        """Models to compare with: those whose shipped scores are taken, and those that are run.

        Without ``against`` all that are shipped on any of the sets; where none is on all of them, bicubic is
        run, so that there is something to compare with everywhere.  Those that are named have all sets.
        """
        found = list(self.shipped.values())
        everywhere = set.intersection(*found) - {self.model}
        if self.against:
            run = [m for m in self.against if self.recompute or m not in everywhere]
            return [m for m in self.against if m not in run], run
        known = [m for m in registry.load("models") if m in set.union(*found) and m != self.model]
        if self.recompute:
            return [], known or ["bicubic"]
        run = [] if everywhere else ["bicubic"]
        return [m for m in known if m not in run], run

    @property
    def pools(self) -> dict[str, list[str]]:
        """All sets together, and before them those with shipped scores, where others have none."""
        covered = [dataset for dataset, models in self.shipped.items() if models]
        pools = {}
        if 1 < len(covered) < len(self.datasets):
            labels = [registry.entry("datasets", dataset)["label"] for dataset in covered]
            pools[" + ".join(labels)] = covered
        if len(self.datasets) > 1:
            pools[POOL] = list(self.datasets)
        return pools

    def config(self, registries: Path) -> dict[str, Any]:
        """The configuration of the run; ``registries`` is the folder of the network's own entry."""
        shipped, run = self.baselines
        suite = {
            "description": f"{self.model} and what it is compared with",
            "datasets": list(self.datasets),
            "kernels": [KERNEL],
            "scales": [self.scale],
            "models": [self.model, *run],
        }
        return {
            "name": self.name,
            "suites": {"bench": suite},
            "metrics": list(self.metrics),
            **({"registries": [str(registries)]} if self.entry else {}),
            **({"baselines": shipped} if shipped else {}),
            **({"pools": self.pools} if self.pools else {}),
            "extras": ["counts"],
            "verdict": {"model": self.model, "twins": list(self.twins)},
            "site": {"quality": 90},
        }

    def write(self, folder: Path) -> Path:
        """Write the configuration, and the network's entry, into a results folder; returns the former."""
        registries = folder / "registries"
        if self.entry:
            write_text(registries / "models.yaml", _yaml({self.model: dict(self.entry)}))
        file = folder / "bench.yaml"
        write_text(file, _yaml(self.config(registries.absolute())))
        return file


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)


def id_of(text: str) -> str:
    """An id for a network called ``text`` that no registered model has.

    >>> id_of("My Net (final)")
    'my-net-final'
    >>> id_of("imdn")
    'my-imdn'
    """
    found = re.sub(r"[^a-z0-9.]+", "-", text.casefold()).strip("-.") or "network"
    return f"my-{found}" if found in registry.load("models") else found


def entry_of_network(model: Model, label: str) -> dict[str, Any]:
    """A registry entry for a network of the user's own, with paths that lead there from any folder."""
    assert model.own is not None
    own = model.own
    entry: dict[str, Any] = {"label": label}
    if path := own.files.get(None):
        entry["path"] = str(path.expanduser().absolute())
    if own.python:
        where, _, name = own.python.rpartition(":")
        file = Path(where).expanduser()
        entry["python"] = f"{file.absolute()}:{name}" if file.suffix == ".py" else own.python
    if model.params:
        entry["params"] = dict(model.params)
    if own.input_range:
        entry["input_range"] = own.input_range
    return entry


def twins_of(arch: str, arguments: Mapping[str, Any]) -> list[str]:
    """Registered models of the same architecture with the same arguments.

    >>> twins_of("imdn", {})
    ['imdn']
    """
    return [
        name
        for name in registry.load("models")
        if (entry := entry_of(name)).get("params", {}).get("arch") == arch
        and entry["params"].get("args", {}) == dict(arguments)
        and "modifiers" not in entry
    ]


def outputs_in(folder: Path, scale: int, sources: Mapping[str, Iterable[Path]]) -> dict[str, Path]:
    """Of a folder of SR images, the folder of each dataset whose images are all there.

    They lie in the folder itself, or in one named as the dataset, or as the scale (``x4``) in either.
    ``sources`` are the datasets' HR files.  Raises :class:`ImageError`, with what is missing of the nearest,
    where no dataset is whole.
    """
    found = {}
    first: ImageError | None = None
    for dataset, files in sources.items():
        names = references(files)
        for candidate in _places(folder, dataset, scale):
            try:
                images = list_images(candidate)
                match(names, images, scale)
            except ImageError as error:
                first = first or error
            else:
                found[dataset] = candidate
                break
    if not found:
        listed = ", ".join(sources)
        raise ImageError(f"{folder}: expected SR images of all of one of {listed}: {first}")
    return found


def _places(folder: Path, dataset: str, scale: int) -> list[Path]:
    label = registry.entry("datasets", dataset)["label"]
    named = {dataset.casefold(), label.casefold()}
    inside = [one for one in sorted(folder.iterdir()) if one.is_dir()]
    sets = [folder, *(one for one in inside if one.name.casefold() in named)]
    return [place for one in sets for place in (one / f"x{scale}", one / f"X{scale}", one) if place.is_dir()]


def check_against(models: Iterable[str], scale: int) -> list[str]:
    """Registered models that have the scale; :class:`SisrError` for others."""
    chosen = list(dict.fromkeys(models))
    for name in chosen:
        model = get_model(name)
        if not has_weights(model, scale):
            have = ", ".join(f"x{one}" for one in model.scales)
            raise SisrError(f"against: {name} has no weights at x{scale}, only at {have}")
    return chosen


def run(config: Path, cores: int, arguments: Sequence[str] = ()) -> int:
    """Run the workflow on a configuration, here, resuming what is there; returns Snakemake's status."""
    snakefile = registry.ROOT / "workflow" / "Snakefile"
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--configfile", str(config),
        "--cores", str(cores), *(() if "--verbose" in arguments else ("--logger", "stages")), *arguments,
    ]  # fmt: skip
    return subprocess.run(command, env=outer_environment(), check=False).returncode
