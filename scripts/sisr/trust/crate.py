"""The RO-Crate of a run: what made its results folder, as linked data that other tools read.

It conforms to Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5) on RO-Crate 1.1.  The crate is
the results folder itself: ``ro-crate-metadata.json`` describes the files that lie beside it, and ``code/`` is
a copy of the workflow as it ran, so that the crate says how to make the results also where the checkout had
changes that no commit has.
"""

from __future__ import annotations

import csv
import json
import mimetypes
import shutil
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.base import registry
from sisr.base.atomic import write_text
from sisr.base.digest import file_digest
from sisr.data.assets.fetched_asset import FetchedAsset

if TYPE_CHECKING:
    from rocrate.model import ContextEntity, Entity
    from rocrate.rocrate import ROCrate

METADATA = "ro-crate-metadata.json"
#: What `sisr reproduce` knows a run of this workflow by.
IDENTIFIER = "sisr-benchmark"
#: The copy of the workflow: its folder in the crate, and the folders of the checkout that a run needs.
CODE = "code"
CODE_FOLDERS = ("workflow", "scripts", "config", "envs")
#: Names in them that are no part of it.
NO_CODE = ("__pycache__", "*.pyc", "*.egg-info", ".*")

_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
#: A term that RO-Crate 1.1 lacks, spelt out so that nobody has to fetch another context.
_TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}

_README = """# Super-resolution benchmark run {name}

Results of a benchmark of single-image super-resolution, and what made them. Begin with `site/index.html` or
`report.html`; `scores.csv` has every number, and `ro-crate-metadata.json` says what all the files are.

To make the results again and compare, in a checkout of the commit that `provenance.json` names (`code/` is a
copy of its workflow as it ran): `sisr reproduce THIS_FOLDER`
"""

#: Status of an asset whose files went into the run.
FETCHED = "fetched"
#: What the files of a results folder are; the rest is described by its name.
_ABOUT = {
    "scores.csv": "One row for each dataset, image, kernel, scale, model, metric and protocol",
    "status.csv": "One row a cell: ok, skipped, unavailable, oom or failed, with the reason",
    "timings.csv": "One row a job of upscaling or scoring: when and where it ran, seconds, attempt, memory",
    "SHA256SUMS": "Checksums of the three tables, as sha256sum -c reads them",
    "provenance.json": "Configuration as resolved, commit, versions, machine, hashes of all inputs",
    "config.yaml": "Configuration as resolved; snakemake --configfile takes it",
    "README.md": "What this folder is, and how to make it again",
    "report.html": "Snakemake's report",
    "site/index.html": "First page of the site",
}
#: Folders of a results folder that are described as a whole.
_FOLDERS = {
    "site": "The site: leaderboard, viewer of all images, plots",
    "hr": "HR images, as prepared",
    "lr": "LR images, by dataset, kernel and scale",
    "sr": "SR images, by dataset, kernel, scale and model, with the record of each job",
    "scores": "Scores of each cell, before they are gathered",
    "phase": "Measured sub-pixel shifts",
    "cost": "Operations, parameters and times of each model",
    "logs": "One log a job",
}
_FORMATS = {
    ".md": "text/markdown",
    ".tex": "application/x-tex",
    ".yaml": "application/yaml",
    ".csv": "text/csv",
}


def write_crate(folder: Path, parts: Sequence[Path], manifests: Sequence[Path]) -> None:
    """Write ``ro-crate-metadata.json`` and the copy of the code into a results folder.

    Parameters
    ----------
    parts : results in that folder that the crate lists one by one, among them ``scores.csv``, ``status.csv``,
        ``timings.csv``, ``provenance.json`` and ``config.yaml``
    manifests : of the run's assets
    """
    copy_code(folder / CODE)
    made = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    crate = _crate(made)
    write_text(folder / "README.md", _README.format(name=made["config"]["name"]))
    files = {path.relative_to(folder).as_posix(): path for path in [folder / "README.md", *parts]}
    entities = {name: _file(crate, name, path) for name, path in files.items()}
    entities.pop("README.md")["about"] = crate.root_dataset
    for name, about in _FOLDERS.items():
        if (folder / name).is_dir():
            crate.add_dataset(None, f"{name}/", properties={"name": name, "description": about})
    code = crate.add_dataset(
        None, f"{CODE}/", properties={"name": CODE, "description": "The workflow, as it was when it ran"}
    )
    workflow = _workflow(crate, made)
    code["hasPart"] = [workflow]
    _parameters(crate, workflow, entities)
    _run(crate, made, workflow, entities, list(_assets(crate, manifests)), folder / "timings.csv")
    # The library's own writing copies every part; here all of them are in place.
    document = crate.metadata.generate()
    document["@graph"] = [_compacted(entity) for entity in document["@graph"]]
    write_text(folder / METADATA, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _compacted(entity: Mapping[str, Any]) -> dict[str, Any]:
    """An entity without lists of one, as RO-Crate recommends."""
    alone = {key: value[0] for key, value in entity.items() if isinstance(value, list) and len(value) == 1}
    return {**entity, **alone}


def copy_code(target: Path) -> None:
    """Copy the folders of this checkout that a run needs, without what Python compiled."""
    shutil.rmtree(target, ignore_errors=True)
    for name in CODE_FOLDERS:
        shutil.copytree(registry.ROOT / name, target / name, ignore=shutil.ignore_patterns(*NO_CODE))


def _crate(made: Mapping[str, Any]) -> ROCrate:
    """A crate with its root described, and nothing in it."""
    from rocrate.model import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms.update(_TERMS)
    name = made["config"]["name"]
    crate.name = f"Super-resolution benchmark run {name}"
    crate.description = (
        f"Results of the run '{name}' of a benchmark of single-image super-resolution, and what made them; "
        "`sisr reproduce` runs it again and compares."
    )
    crate.datePublished = made["recorded"]
    about = {
        "@type": "CreativeWork",
        "name": "Various licences",
        "description": "The workflow: MIT. Images, what was made of them, and weights "
        "are under the licences of their sources, which are stated with each asset.",
    }
    crate.license = crate.add(ContextEntity(crate, "#licences", about))
    authors = {"@type": "Organization", "name": "The SISR benchmark developers"}
    crate.root_dataset["author"] = crate.add(ContextEntity(crate, "#authors", authors))
    for profile, (label, version) in _PROFILES.items():
        known = {"@type": "CreativeWork", "name": label, "version": version}
        crate.root_dataset.append_to("conformsTo", crate.add(ContextEntity(crate, profile, known)))
    return crate


def _file(crate: ROCrate, name: str, path: Path) -> Entity:
    kind = _FORMATS.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return crate.add_file(
        None,
        name,
        properties={
            "name": name,
            "description": _ABOUT.get(name, f"Result {name}"),
            "encodingFormat": kind,
            "contentSize": str(path.stat().st_size),
            "sha256": file_digest(path),
        },
    )


def _workflow(crate: ROCrate, made: Mapping[str, Any]) -> Entity:
    """The Snakefile, with its language and the versions of what it used."""
    commit = made["commit"] or "unknown"
    workflow = crate.add_workflow(
        None,
        f"{CODE}/workflow/Snakefile",
        main=True,
        lang="snakemake",
        lang_version=made["packages"].get("snakemake"),
        properties={
            "name": IDENTIFIER,
            "identifier": IDENTIFIER,
            "description": "A benchmark of single-image super-resolution, from test images to tables",
            "license": "https://spdx.org/licenses/MIT",
            "version": made["version"],
            "encodingFormat": "text/plain",
            "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
            "creator": {"@id": "#authors"},
        },
    )
    known = {"commit": commit, "uncommitted changes": made["uncommitted_changes"]}
    workflow["additionalProperty"] = _values(crate, "code", known)
    workflow["softwareRequirements"] = [
        _software(crate, name, version)
        for name, version in {"Python": made["python"], **made["packages"]}.items()
        if version is not None
    ]
    return workflow


def _software(crate: ROCrate, name: str, version: str) -> ContextEntity:
    from rocrate.model import ContextEntity

    url = "https://www.python.org/" if name == "Python" else _home_page(name)
    known = {"@type": "SoftwareApplication", "name": name, "softwareVersion": version}
    # Two packages may have one home page.
    identifier = url if url and url not in crate else f"#software-{name}"
    return crate.add(ContextEntity(crate, identifier, known | ({"url": url} if url else {})))


def _home_page(name: str) -> str | None:
    """Address of a distribution, as it tells itself."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    named = [text.split(", ", 1) for text in about.get_all("Project-URL") or ()]
    urls = {label.lower(): url for label, url in named} | {"": (about.get_all("Home-page") or [None])[0]}
    return next(filter(None, map(urls.get, ("", "homepage", "source", "repository"))), None)


def _parameters(crate: ROCrate, workflow: Entity, files: Mapping[str, Entity]) -> None:
    """The file that a run is asked for with, and the tables that it gives."""
    for slot, name in {"input": "config.yaml", "output": "scores.csv"}.items():
        parameter = crate.add_formal_parameter(
            name, "File", f"#{slot}-{name}", description=_ABOUT[name], valueRequired=True
        )
        parameter["workExample"] = files[name]
        files[name]["exampleOfWork"] = parameter
        workflow.append_to(slot, parameter)


def _assets(crate: ROCrate, manifests: Sequence[Path]) -> Iterator[ContextEntity]:
    """An entity for each asset: where it is from, its licence, and its files with their checksums."""
    from rocrate.model import ContextEntity

    entries = registry.load("assets")
    for path in manifests:
        manifest, entry = FetchedAsset.read(path), entries[path.stem]
        status = FETCHED if manifest.status == "ok" else f"unavailable: {manifest.reason}"
        asset = ContextEntity(
            crate,
            f"#asset-{path.stem}",
            {
                "@type": "CreativeWork",
                "name": path.stem,
                "description": entry["description"],
                "license": entry["licence"],
                "url": entry["source"],
                "creativeWorkStatus": status,
            },
        )
        for name, file in manifest.files.items():
            known = {
                "@type": "CreativeWork",
                "name": name,
                "url": file.url,
                "contentSize": str(file.bytes),
                "sha256": file.sha256,
            }
            asset.append_to("hasPart", crate.add(ContextEntity(crate, f"{asset.id}/{name}", known)))
        yield crate.add(asset)


def _run(
    crate: ROCrate,
    made: Mapping[str, Any],
    workflow: Entity,
    files: Mapping[str, Entity],
    assets: Sequence[ContextEntity],
    timings: Path,
) -> None:
    """The run: the workflow applied to configuration and assets, with the results that came out.

    It begins with the first job of upscaling that is in the tables, and ends when the scores were complete.
    """
    with timings.open(encoding="utf-8", newline="") as stream:
        started = min((row["started"] for row in csv.DictReader(stream)), default=None)
    inputs = [files["config.yaml"], *(asset for asset in assets if asset["creativeWorkStatus"] == FETCHED)]
    action = crate.add_action(
        workflow,
        "#run",
        object=inputs,
        result=[file for name, file in files.items() if name != "config.yaml"],
        properties={
            "name": f"Run {made['config']['name']}",
            "description": f"Snakemake ran the benchmark '{made['config']['name']}'",
            "endTime": made["recorded"],
            "actionStatus": "http://schema.org/CompletedActionStatus",
            **({"startTime": started} if started else {}),
        },
    )
    action["additionalProperty"] = _values(crate, "machine", made["machine"])
    crate.root_dataset["mentions"] = [action]


def _values(crate: ROCrate, of: str, values: Mapping[str, Any]) -> list[ContextEntity]:
    """Named values of an entity, those that are known."""
    from rocrate.model import ContextEntity

    found = []
    for name, value in values.items():
        text = ", ".join(value) if isinstance(value, list) else value
        if text not in (None, ""):
            known = {"@type": "PropertyValue", "name": name, "value": text}
            found.append(crate.add(ContextEntity(crate, f"#{of}-{name.replace(' ', '-')}", known)))
    return found
